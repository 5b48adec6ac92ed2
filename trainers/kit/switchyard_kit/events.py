"""Events: JSON lines on file descriptor 3, apart from stdout and stderr, so print() breaks nothing.

The launcher says by SWITCHYARD_EVENTS that descriptor 3 is ours; in a script run by hand it may be
anybody's, and events go to stderr.
"""

from __future__ import annotations

import json
import math
import os
import sys
import threading
from pathlib import Path

EVENTS_FD = 3
"""The descriptor the caller reads events from."""

EVENTS_VARIABLE = "SWITCHYARD_EVENTS"

_lock = threading.Lock()


def is_open(fd: int) -> bool:
    """Whether the descriptor is open in this process."""
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


_connected = os.environ.get(EVENTS_VARIABLE) == str(EVENTS_FD) and is_open(EVENTS_FD)
if _connected:
    os.set_inheritable(EVENTS_FD, False)
    os.set_blocking(EVENTS_FD, True)


def emit(event: dict[str, object]) -> None:
    """Writes one event as one line; a reader that has gone away is not an error."""
    global _connected
    line = json.dumps(event, ensure_ascii=True, allow_nan=False)
    if not _connected:
        print(f"event: {line}", file=sys.stderr, flush=True)
        return
    data = memoryview(line.encode("ascii") + b"\n")
    with _lock:
        try:
            while data:
                data = data[os.write(EVENTS_FD, data) :]
        except OSError:
            _connected = False


def progress(done: float, message: str) -> None:
    """Reports the finished share of the work, 0 to 1 (clamped), and one line about it."""
    share = min(1.0, max(0.0, done)) if math.isfinite(done) else 0.0
    emit({"event": "progress", "done": round(share, 4), "message": message[:500]})


def metric(name: str, value: float) -> None:
    """Reports a number about the training, such as ``train-accuracy``.

    Raises ValueError when the value is not finite: a training that diverged must not look healthy.
    """
    if not math.isfinite(value):
        raise ValueError(f"The metric {name} is {value}; a metric must be finite.")
    emit({"event": "metric", "name": name, "value": float(value)})


def checkpoint(file: Path) -> None:
    """Reports that ``file`` is complete in the checkpoints folder; only its name travels."""
    emit({"event": "checkpoint", "file": file.name})


def failure(type: str, message: str) -> None:
    """Reports why the script is about to end without a result."""
    emit({"event": "failure", "type": type, "message": message[:2000]})
