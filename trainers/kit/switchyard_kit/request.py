"""The request: what the worker asks of a script, read from the file SWITCHYARD_REQUEST names."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from switchyard_kit.checkpoints import Checkpoints
from switchyard_kit.failures import invalid_request
from switchyard_kit.files import sha256
from switchyard_kit.parameters import resolve

REQUEST_VARIABLE = "SWITCHYARD_REQUEST"
SCHEMA_VERSION = 1


@dataclass
class Request:
    """One piece of work: ``train`` fits a model, ``convert`` turns a fitted one into ONNX.

    ``train`` is set for training; ``native`` and ``parity_rows`` are set for converting. ``output``
    is an empty folder for results; ``checkpoints`` outlives attempts. ``twin`` names the smaller
    twin that is wanted beside the ONNX model, if any: ``int8``; ``offer_twin_above`` asks how large
    one would be where the model has more bytes than that.
    """

    command: str
    model: str
    seed: int
    given: Mapping[str, object]
    output: Path
    checkpoints_folder: Path
    train: Path | None = None
    native: Path | None = None
    parity_rows: Path | None = None
    twin: str | None = None
    offer_twin_above: float | None = None
    resolved: dict[str, object] = field(default_factory=dict)

    def parameters(self, **declared: object) -> SimpleNamespace:
        """The declared parameters with the request's values; see :mod:`switchyard_kit.parameters`.

        Raises TrainerFailure ``InvalidParameter`` for an unknown name or a wrong value. What it
        returns is also written into native.json.
        """
        values = resolve(declared, self.given, self.model)
        self.resolved = vars(values).copy()
        return values

    @cached_property
    def checkpoints(self) -> Checkpoints:
        """The checkpoints of exactly this work: other rows, seed or parameters see other files."""
        identity = json.dumps([self.model, self.seed, self.given], sort_keys=True).encode()
        rows = sha256(self.train) if self.train else ""
        key = hashlib.sha256(identity + rows.encode()).hexdigest()[:12]
        return Checkpoints(self.checkpoints_folder, key)


def read_request(environ: Mapping[str, str] = os.environ) -> Request:
    """Reads and checks the request; raises TrainerFailure ``InvalidRequest``."""
    path = environ.get(REQUEST_VARIABLE)
    if not path:
        raise invalid_request(f"The variable {REQUEST_VARIABLE} does not name a request file.")
    try:
        body = json.loads(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise invalid_request(f"The request file cannot be read: {error}") from error
    if not isinstance(body, dict) or body.get("schemaVersion") != SCHEMA_VERSION:
        raise invalid_request(f"The request is not of the schema version {SCHEMA_VERSION}.")
    command = _typed(body, "command", str)
    if command not in ("train", "convert"):
        raise invalid_request(f'The command is "{command}"; expected "train" or "convert".')
    training = command == "train"
    return Request(
        command=command,
        model=_typed(body, "model", str),
        seed=_typed(body, "seed", int),
        given=_typed(body, "parameters", dict),
        output=_folder(body, "output"),
        checkpoints_folder=_folder(body, "checkpoints"),
        train=Path(_typed(body, "train", str)) if training else None,
        native=None if training else Path(_typed(body, "native", str)),
        parity_rows=None if training else Path(_typed(body, "parityRows", str)),
        twin=_twin(body),
        offer_twin_above=_number(body, "offerTwinAboveBytes"),
    )


def _twin(body: dict[str, Any]) -> str | None:
    wanted = body.get("twin")
    if wanted not in (None, "int8"):
        raise invalid_request(f'The request\'s "twin" is {wanted!r}; expected "int8".')
    return wanted


def _number(body: dict[str, Any], name: str) -> float | None:
    value = body.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise invalid_request(f'The request\'s "{name}" is {value!r}; expected a number.')
    return value


def _typed(body: dict[str, Any], name: str, kind: type) -> Any:
    value = body.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise invalid_request(f'The request\'s "{name}" is {value!r}; expected {kind.__name__}.')
    return value


def _folder(body: dict[str, Any], name: str) -> Path:
    folder = Path(_typed(body, name, str))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
