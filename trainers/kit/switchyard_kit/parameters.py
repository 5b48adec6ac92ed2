"""Parameters: what a script declares, checked against what the request gives.

A declaration is a default value (bool, int, float or str, whose type is then required) or one of
:func:`choice`, :func:`whole`, :func:`number` where a range or a list of values matters.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace

from switchyard_kit.failures import invalid_parameter


@dataclass(frozen=True)
class Declared:
    """One parameter: its default, the kind of value it takes, and the limits of it."""

    default: object
    kind: type
    values: tuple[str, ...] = ()
    at_least: float = -math.inf
    above: float = -math.inf

    def wants(self) -> str:
        """What a right value looks like, for a sentence."""
        if self.values:
            return "one of " + ", ".join(f'"{value}"' for value in self.values)
        words = {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}
        limit = f" of at least {self.at_least:g}" if self.at_least > -math.inf else ""
        limit += f" above {self.above:g}" if self.above > -math.inf else ""
        return words[self.kind] + limit


def choice(*values: str) -> Declared:
    """One of ``values``; the first is the default."""
    return Declared(values[0], str, values=values)


def whole(default: int | None, *, at_least: int) -> Declared:
    """A whole number of at least ``at_least``; None where the default is none."""
    return Declared(default, int, at_least=at_least)


def number(default: float, *, above: float) -> Declared:
    """A number greater than ``above``."""
    return Declared(default, float, above=above)


def resolve(
    declared: Mapping[str, object], given: Mapping[str, object], model: str
) -> SimpleNamespace:
    """The declared parameters with the given values put in; unknown names and wrong types fail.

    Raises TrainerFailure of the type ``InvalidParameter``.
    """
    known = {name: _declaration(value) for name, value in declared.items()}
    for name in given:
        if name not in known:
            raise invalid_parameter(_unknown(name, known, model))
    return SimpleNamespace(
        **{
            name: _checked(name, one, given[name]) if name in given else one.default
            for name, one in known.items()
        }
    )


def _declaration(value: object) -> Declared:
    return value if isinstance(value, Declared) else Declared(value, type(value))


def _unknown(name: str, known: Mapping[str, Declared], model: str) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f'did you mean "{near[0]}"?' if near else f"it takes {', '.join(known) or 'none'}."
    return f'The model {model} has no parameter "{name}"; {hint}'


def _checked(name: str, one: Declared, value: object) -> object:
    right = isinstance(value, one.kind)
    if one.kind in (int, float):
        right = isinstance(value, (int, one.kind)) and not isinstance(value, bool)
        # JSON has one kind of number: a writer may put 3.0 where a whole number is meant.
        if one.kind is int and isinstance(value, float) and value.is_integer():
            right, value = True, int(value)
    if right and one.kind is float:
        value = float(value)  # type: ignore[arg-type]
        right = math.isfinite(value)
    if right and one.kind in (int, float):
        right = value >= one.at_least and value > one.above  # type: ignore[operator]
    if right and one.values:
        right = value in one.values
    if not right:
        raise invalid_parameter(_wrong(name, one, value))
    return value


def _wrong(name: str, one: Declared, value: object) -> str:
    near = difflib.get_close_matches(str(value), one.values, n=1, cutoff=0.5)
    hint = f' (did you mean "{near[0]}"?)' if near else ""
    return f'The parameter "{name}" takes {one.wants()}; got {str(value)[:80]!r}{hint}.'
