"""Starts the launcher as a worker does: stdin a pipe that stays open, descriptor 3 for events."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import switchyard_kit

KIT = Path(switchyard_kit.__file__).parent.parent


class Launched:
    """A running launcher; ``events`` and ``finish`` read what it left."""

    def __init__(self, script: Path, request: dict[str, Any] | None, folder: Path) -> None:
        environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(KIT), "OMP_NUM_THREADS": "1"}
        if request is not None:
            path = folder / "request.json"
            path.write_text(json.dumps(request))
            environ["SWITCHYARD_REQUEST"] = str(path)
        self._events, events = os.pipe()

        def events_on_3() -> None:
            os.dup2(events, 3)

        self.process = subprocess.Popen(
            [sys.executable, "-m", "switchyard_kit.launcher", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environ,
            cwd=folder,
            close_fds=False,
            preexec_fn=events_on_3,
        )
        os.close(events)

    def finish(self, close_stdin: bool = False) -> tuple[int, str, str]:
        """Waits for the end: exit code, stdout, stderr. stdin stays open unless said otherwise."""
        assert self.process.stdin is not None
        if close_stdin:
            self.process.stdin.close()
        self.process.wait(timeout=60)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        out, err = self.process.stdout.read().decode(), self.process.stderr.read().decode()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()
        return self.process.returncode, out, err

    def events(self) -> list[dict[str, Any]]:
        """All events until every writer is gone."""
        with os.fdopen(self._events, "rb") as file:
            return [json.loads(line) for line in file]


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended but was not collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def eventually(true: Callable[[], bool], seconds: float = 20) -> None:
    """Waits until ``true()`` holds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never became true"
        time.sleep(0.02)
