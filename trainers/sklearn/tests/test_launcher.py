from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from launched import Launched, alive, eventually

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a subreaper")

DAEMON = """
import os, signal, sys, time
def daemon(name, stubborn=False):
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    if stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with open(name + ".tmp", "w") as file:
        file.write(str(os.getpid()))
    os.rename(name + ".tmp", name)
    time.sleep(600)
    os._exit(0)
def wait_for(name):
    while not os.path.exists(name):
        time.sleep(0.01)
"""


def script(folder: Path, body: str) -> Path:
    path = folder / "script.py"
    path.write_text(DAEMON + body)
    return path


def pid_in(path: Path) -> int:
    eventually(path.exists)
    return int(path.read_text())


def test_output_and_the_exit_code_are_the_scripts(tmp_path: Path) -> None:
    body = "print('out'); print('err', file=sys.stderr); print(repr(sys.stdin.read())); sys.exit(7)"
    launched = Launched(script(tmp_path, body), None, tmp_path)
    code, out, err = launched.finish()
    assert (code, out, err) == (7, "out\n''\n", "err\n")
    assert launched.events() == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGSEGV, 139), (signal.SIGKILL, 137)])
def test_a_script_killed_by_a_signal_gives_128_and_its_number(
    tmp_path: Path, number: int, code: int
) -> None:
    launched = Launched(script(tmp_path, f"os.kill(os.getpid(), {number:d})"), None, tmp_path)
    assert launched.finish()[0] == code
    launched.events()


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_daemon_dies_with_the_script_that_made_it(tmp_path: Path, stubborn: bool) -> None:
    body = f"daemon('pid', {stubborn}); wait_for('pid')"
    launched = Launched(script(tmp_path, body), None, tmp_path)
    assert launched.finish()[0] == 0
    assert not alive(pid_in(tmp_path / "pid"))
    assert launched.events() == []


def test_all_descendants_die_when_stdin_closes(tmp_path: Path) -> None:
    body = """
daemon('polite'); daemon('stubborn', True)
if os.fork() == 0:
    if os.fork() == 0:
        daemon('deep', True)
    time.sleep(600)
wait_for('polite'); wait_for('stubborn'); wait_for('deep')
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open('script', 'w') as file:
    file.write(str(os.getpid()))
time.sleep(600)
"""
    launched = Launched(script(tmp_path, body), None, tmp_path)
    eventually(lambda: (tmp_path / "script").exists() and (tmp_path / "script").read_text() != "")
    pids = [pid_in(tmp_path / name) for name in ("polite", "stubborn", "deep", "script")]
    assert all(map(alive, pids))
    started = time.monotonic()
    assert launched.finish(close_stdin=True)[0] == 143
    assert time.monotonic() - started < 6
    assert not any(map(alive, pids))
    launched.events()


def test_a_polite_script_is_gone_at_once_when_stdin_closes(tmp_path: Path) -> None:
    launched = Launched(script(tmp_path, "open('up', 'w'); time.sleep(600)"), None, tmp_path)
    eventually((tmp_path / "up").exists)
    started = time.monotonic()
    assert launched.finish(close_stdin=True)[0] == 143
    assert time.monotonic() - started < 1.5
    launched.events()


def test_a_script_that_breeds_while_it_is_killed_is_killed(tmp_path: Path) -> None:
    body = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open('up', 'w')
for _ in range(2000):
    if os.fork() == 0:
        os.setsid()
        time.sleep(0.2)
        if os.fork():
            os._exit(0)
        time.sleep(600)
    time.sleep(0.01)
"""
    launched = Launched(script(tmp_path, body), None, tmp_path)
    eventually((tmp_path / "up").exists)
    assert launched.finish(close_stdin=True)[0] == 143
    assert launched.events() == []  # ends only when nobody holds the descriptor any more


def test_a_signal_to_the_launcher_cancels(tmp_path: Path) -> None:
    launched = Launched(script(tmp_path, "daemon('pid'); time.sleep(600)"), None, tmp_path)
    pid = pid_in(tmp_path / "pid")
    launched.process.send_signal(signal.SIGTERM)
    assert launched.finish()[0] == 143
    assert not alive(pid)
    launched.events()


def test_a_script_dies_with_a_killed_launcher(tmp_path: Path) -> None:
    body = "open('pid', 'w').write(str(os.getpid())); time.sleep(600)"
    launched = Launched(script(tmp_path, body), None, tmp_path)
    eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    os.kill(launched.process.pid, signal.SIGKILL)
    assert launched.finish()[0] == -signal.SIGKILL
    eventually(lambda: not alive(pid_in(tmp_path / "pid")))
    launched.events()


def test_a_script_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    launched = Launched(tmp_path / "none.py", None, tmp_path)
    code, _, err = launched.finish()
    assert code == 64
    assert "usage" in err
    launched.events()
