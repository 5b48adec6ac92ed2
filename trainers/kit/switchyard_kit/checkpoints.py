"""Checkpoints: files that let the next attempt go on where the last one died."""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from switchyard_kit import events
from switchyard_kit.files import write_bytes

T = TypeVar("T")
KEPT = 2
"""How many checkpoints stay: the newest, and one more should the newest turn out unreadable."""

INTERVAL_S = 5.0
"""The shortest time between two checkpoints: the caller copies each away before it is replaced."""


class Checkpoints:
    """The numbered checkpoints of one piece of work, told apart from others by ``key``."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder
        self.key = key
        self._last_s = -math.inf

    def is_due(self) -> bool:
        """Whether the last checkpoint is long enough ago; true before the first."""
        return time.monotonic() - self._last_s >= INTERVAL_S

    def save(self, number: int, data: bytes, suffix: str) -> Path:
        """Writes checkpoint ``number`` (epochs done, say) atomically and reports it.

        ``suffix`` is the file's ending, such as ``.npz``. Older ones are removed but for one.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"epoch-{number}.{self.key}{suffix}"
        write_bytes(path, data)
        self._last_s = time.monotonic()
        events.checkpoint(path)
        for _, old in self._found()[KEPT:]:
            old.unlink(missing_ok=True)
        return path

    def newest(self, load: Callable[[Path], T]) -> tuple[int, T] | None:
        """The newest checkpoint that ``load`` can read, with its number; None to start afresh."""
        for number, path in self._found():
            try:
                return number, load(path)
            except Exception as error:  # a damaged checkpoint costs time, never the training
                print(f"Checkpoint {path.name} is skipped: {error}", file=sys.stderr)
        return None

    def _found(self) -> list[tuple[int, Path]]:
        if not self.folder.is_dir():
            return []
        pattern = re.compile(rf"epoch-(\d+)\.{re.escape(self.key)}\.\w+")
        matches = ((pattern.fullmatch(path.name), path) for path in self.folder.iterdir())
        numbered = [(int(match[1]), path) for match, path in matches if match]
        return sorted(numbered, key=lambda found: found[0], reverse=True)
