"""Rows of a snapshot: JSON lines, one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from switchyard_kit.failures import invalid_row, missing_column, no_rows, one_class
from switchyard_kit.unicode_14 import as_unicode_14

Row = dict[str, Any]


class Rows(Sequence[Row]):
    """The rows of one file, in its order, with typed access to columns."""

    def __init__(self, rows: list[Row], source: str) -> None:
        self._rows = rows
        self.source = source

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __getitem__(self, index: Any) -> Any:
        return self._rows[index]

    def column(self, name: str) -> list[Any]:
        """The values of one column, one a row; fails as ``MissingColumn`` where a row lacks it."""
        for index, row in enumerate(self._rows):
            if name not in row:
                raise missing_column(self.source, index + 1, name, list(row))
        return [row[name] for row in self._rows]

    def strings(self, name: str) -> list[str]:
        """Like :meth:`column`, and every value must be a string (else ``InvalidRow``)."""
        values = self.column(name)
        for index, value in enumerate(values):
            if not isinstance(value, str):
                problem = f'has {json.dumps(value)[:60]} in the column "{name}", not a string'
                raise invalid_row(self.source, index + 1, problem)
        return values

    @property
    def texts(self) -> list[str]:
        """The column ``text``, as the serving front end will know it (see ``unicode_14``)."""
        return [as_unicode_14(text) for text in self.strings("text")]

    @property
    def labels(self) -> list[str]:
        """The column ``label``; fails as ``OneClass`` when all rows carry the same one."""
        labels = self.strings("label")
        if len(set(labels)) == 1:
            raise one_class(self.source, labels[0])
        return labels


def read_rows(path: Path) -> Rows:
    """Reads a file of JSON lines; blank lines are skipped.

    Raises TrainerFailure: ``NoRows`` when there is none, ``InvalidRow`` for a line that is not a
    JSON object.
    """
    rows: list[Row] = []
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                rows.append(_parsed(line, path.name, len(rows) + 1))
    if not rows:
        raise no_rows(path.name)
    return Rows(rows, path.name)


def _parsed(line: bytes, source: str, number: int) -> Row:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise invalid_row(source, number, f"is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise invalid_row(source, number, "is not a JSON object")
    return row
