from __future__ import annotations

import time
from pathlib import Path

import pytest
from switchyard_kit.checkpoints import INTERVAL_S, Checkpoints


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_two_stay_and_the_newest_is_loaded(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "abc")
    for number in (9, 10, 11):
        checkpoints.save(number, b"%d" % number, ".npz")
    assert names(tmp_path) == ["epoch-10.abc.npz", "epoch-11.abc.npz"]
    assert checkpoints.newest(Path.read_bytes) == (11, b"11")


def test_the_first_is_due_at_once_and_the_next_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = Checkpoints(tmp_path, "abc")
    assert checkpoints.is_due()
    checkpoints.save(1, b"1", ".npz")
    assert not checkpoints.is_due()
    later = time.monotonic() + INTERVAL_S
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert checkpoints.is_due()


def test_an_unreadable_one_gives_way_to_the_one_before(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "abc")
    checkpoints.save(1, b"1", ".npz")
    checkpoints.save(2, b"broken", ".npz")
    assert checkpoints.newest(lambda path: int(path.read_bytes())) == (1, 1)


def test_work_with_another_key_and_half_written_files_are_not_seen(tmp_path: Path) -> None:
    Checkpoints(tmp_path, "abc").save(1, b"1", ".npz")
    (tmp_path / ".epoch-2.def.npz.77.tmp").write_bytes(b"half")
    assert Checkpoints(tmp_path, "def").newest(Path.read_bytes) is None


def test_a_folder_that_does_not_exist_holds_none(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "none", "abc").newest(Path.read_bytes) is None
