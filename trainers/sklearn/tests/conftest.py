from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from switchyard_kit.request import Request

QUEUES = {
    "billing": ["invoice", "refund", "card", "charge", "bill", "receipt", "Überweisung", "счёт"],
    "network": ["router", "cable", "wifi", "signal", "packet", "lost", "ping", "сеть"],
    "printing": ["paper", "toner", "jam", "printer", "page", "tray", "ΟΔΟΣ", "ink"],
}


def some_rows(count: int = 60, queues: tuple[str, ...] = tuple(QUEUES)) -> list[dict[str, str]]:
    """Rows whose words tell their label, with a few words of the other queues mixed in."""
    chance = random.Random(1)
    everything = [word for queue in queues for word in QUEUES[queue]]
    rows = []
    for index in range(count):
        label = queues[index % len(queues)]
        words = chance.choices(QUEUES[label], k=8) + chance.choices(everything, k=2)
        text = " ".join(words)
        rows.append({"id": f"r{index}", "at": "2002-03-01", "label": label, "text": text})
    return rows


def write_lines(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def a_request(tmp_path: Path) -> Callable[..., Request]:
    def build(rows: list[Any] | None = None, name: str = "work", **changes: Any) -> Request:
        folder = tmp_path / name
        (folder / "out").mkdir(parents=True)
        rows_file = write_lines(folder / "rows.jsonl", some_rows() if rows is None else rows)
        values: dict[str, Any] = {
            "command": "train",
            "model": "tickets",
            "seed": 7,
            "given": {},
            "output": folder / "out",
            "checkpoints_folder": tmp_path / "checkpoints",
            "train": rows_file,
            "native": folder / "out",
            "parity_rows": rows_file,
        }
        return Request(**{**values, **changes})

    return build
