from __future__ import annotations

from pathlib import Path

import pytest
from switchyard_kit import TrainerFailure
from switchyard_kit.rows import read_rows


def lines(folder: Path, text: str) -> Path:
    path = folder / "train.jsonl"
    path.write_text(text, encoding="utf-8")
    return path


def test_blank_lines_are_skipped_and_columns_keep_their_order(tmp_path: Path) -> None:
    rows = read_rows(lines(tmp_path, '{"text":"a\\u2028b","label":"x"}\n\n{"text":"é"}\r\n'))
    assert rows.texts == ["a\u2028b", "é"]


@pytest.mark.parametrize(
    ("text", "type", "sentence"),
    [
        ("", "NoRows", "train.jsonl holds no rows"),
        ("\n \n", "NoRows", "train.jsonl holds no rows"),
        ('{"text":"a","label":"x"}\n{"label":"x"}', "MissingColumn", "Row 2 of train.jsonl has no"),
        ('{"text":1,"label":"x"}', "InvalidRow", 'has 1 in the column "text", not a string'),
        ('{"text":"a"', "InvalidRow", "Row 1 of train.jsonl is not JSON"),
        ("[1]", "InvalidRow", "Row 1 of train.jsonl is not a JSON object"),
        ('{"text":"a","label":"x"}', "OneClass", "Every row of train.jsonl has the label 'x'"),
    ],
)
def test_bad_data_fails_by_type(tmp_path: Path, text: str, type: str, sentence: str) -> None:
    path = lines(tmp_path, text)

    def use() -> object:
        rows = read_rows(path)
        return rows.texts, rows.labels

    with pytest.raises(TrainerFailure) as caught:
        use()
    assert caught.value.type == type
    assert sentence in caught.value.message


def test_bytes_that_are_not_utf_8_fail_by_type(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_bytes(b'{"text":"\xff"}\n')
    with pytest.raises(TrainerFailure, match="is not JSON"):
        read_rows(path)
