"""Runs a training script so that nothing of it outlives its worker.

``python -m switchyard_kit.launcher <script.py>``: the script runs in a session of its own with
stdin closed and descriptor 3 (events), stdout and stderr passed on. The launcher watches its own
stdin: the worker holds the other end, so end of file means that the worker died or cancels. Then,
and when the script ends, every descendant is killed: on Linux the launcher is their subreaper, so
daemons that left their parent come to it. Exit code: the script's (128 + n for signal n), 143
after end of file, 64 when there is no script to run.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from switchyard_kit.events import EVENTS_FD, EVENTS_VARIABLE, is_open

EXIT_CANCELLED = 143
EXIT_USAGE = 64
TERM_GRACE_S = 2.0
"""Between SIGTERM and SIGKILL."""

KILL_PATIENCE_S = 10.0
"""After SIGKILL, before a process that does not die (stuck in the kernel) is left and named."""

_POLL_S = 0.02
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_linux = sys.platform.startswith("linux")
_libc = ctypes.CDLL(None, use_errno=True) if _linux else None


def main(arguments: list[str]) -> int:
    """Runs the script to its end or to the end of stdin; returns the exit code."""
    if len(arguments) != 1 or not Path(arguments[0]).is_file():
        print("usage: python -m switchyard_kit.launcher <script.py>", file=sys.stderr)
        return EXIT_USAGE
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    wakeup = _wakeup_socket()
    script = _start(arguments[0])
    stdin = sys.stdin.fileno()
    code = None
    while code is None:
        ready, _, _ = select.select([stdin, wakeup], [], [])
        if wakeup in ready:
            signals = wakeup.recv(4096)
            cancelled = any(number != signal.SIGCHLD for number in signals)
        else:
            cancelled = False
        status = _reap(script.pid)
        if status is not None:
            code = status if status >= 0 else 128 - status
        elif cancelled or (stdin in ready and not os.read(stdin, 4096)):
            code = EXIT_CANCELLED
    kill_descendants(script.pid)
    return code


def _wakeup_socket() -> socket.socket:
    """A socket that gets one byte, the signal's number, for each signal that matters here."""
    reading, writing = socket.socketpair()
    reading.setblocking(False)
    writing.setblocking(False)
    signal.set_wakeup_fd(writing.detach(), warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return reading


def _start(script: str) -> subprocess.Popen[bytes]:
    # Sets of strings come in the same order every time: same seed, same bytes.
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    events = (EVENTS_FD,) if is_open(EVENTS_FD) else ()
    if events:
        environment[EVENTS_VARIABLE] = str(EVENTS_FD)
    launcher = os.getpid()

    def die_with_launcher() -> None:
        # Should the launcher itself be SIGKILLed, the script at least goes with it.
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != launcher:
            os._exit(EXIT_CANCELLED)

    return subprocess.Popen(
        [sys.executable, "-u", script],
        stdin=subprocess.DEVNULL,
        pass_fds=events,
        start_new_session=True,
        preexec_fn=die_with_launcher,
        env=environment,
    )


def _reap(script: int) -> int | None:
    """Collects every child that has ended; the script's status (-n for signal n) if it is one."""
    result = None
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid == script:
                result = os.waitstatus_to_exitcode(status)
    return result


def kill_descendants(session: int) -> None:
    """Kills every descendant of this process: SIGTERM, and SIGKILL for who stays 2 seconds.

    Repeats until none is left, for a child may be born while its parent is killed. Without /proc
    (macOS) only the process group ``session`` is reached.
    """
    if not _linux:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(session, signal.SIGKILL)
        return
    asked: set[int] = set()
    started = time.monotonic()
    while True:
        _reap(session)
        left = descendants(os.getpid())
        waited = time.monotonic() - started
        if not left:
            return
        if waited > TERM_GRACE_S + KILL_PATIENCE_S:
            print(f"launcher: these processes could not be killed: {sorted(left)}", file=sys.stderr)
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if waited > TERM_GRACE_S:
                    os.kill(pid, signal.SIGKILL)
                elif pid not in asked:
                    os.kill(pid, signal.SIGTERM)
        asked |= left
        time.sleep(_POLL_S)


def descendants(root: int) -> set[int]:
    """Process ids of everything below ``root``, from /proc."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError):
                # "pid (name) state parent ...": a name may hold anything, so cut after the last ).
                fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: set[int] = set()
    todo = [root]
    while todo:
        for child in children.get(todo.pop(), ()):
            if child not in found:
                found.add(child)
                todo.append(child)
    return found


def _prctl(option: int, value: int) -> None:
    if _libc is not None and _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl failed")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
