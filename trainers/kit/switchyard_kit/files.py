"""Writing files so that nobody ever sees half of one, with the same bytes for the same content."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path


def write_bytes(path: Path, data: bytes) -> None:
    """Writes atomically: a temporary file beside ``path``, synced, then renamed over it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: object) -> None:
    """Writes one compact JSON document (UTF-8, one trailing newline, keys in the given order)."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    write_bytes(path, text.encode("utf-8") + b"\n")


def write_json_lines(path: Path, values: Iterable[object]) -> None:
    """Writes one ASCII JSON document a line."""
    lines = (json.dumps(value, allow_nan=False, separators=(",", ":")) for value in values)
    write_bytes(path, "".join(f"{line}\n" for line in lines).encode("ascii"))


def sha256(path: Path) -> str:
    """The file's sha256 in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
