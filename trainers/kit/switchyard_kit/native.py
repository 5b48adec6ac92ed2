"""The native artifact of scikit-learn: ``model.skops`` and ``native.json``; never a pickle."""

from __future__ import annotations

import io
import json
import platform
import unicodedata
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

from switchyard_kit.failures import untrusted_artifact
from switchyard_kit.files import write_bytes, write_json
from switchyard_kit.request import Request

ARTIFACT = "model.skops"
DESCRIPTION = "native.json"
FRAMEWORKS = ("numpy", "scikit-learn", "scipy", "skops")

TRUSTED_TYPES = frozenset(
    {
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    }
)
"""Types allowed beyond skops' own list of scikit-learn estimators, numpy and scipy values."""

_EPOCH = (1980, 1, 1, 0, 0, 0)


def save(request: Request, estimator: Any, rows: int, own_converter: bool = False) -> None:
    """Writes the fitted estimator and its description into the request's output folder.

    The same estimator gives the same bytes. Unless the script converts it itself, fails as
    ``NotConvertible`` when the kit could not convert it later, so that a long training is not
    followed by a refusal.
    """
    from switchyard_kit.text_pipeline import check_convertible

    if not own_converter:
        check_convertible(estimator)
    write_bytes(request.output / ARTIFACT, dumps(estimator))
    write_json(
        request.output / DESCRIPTION,
        {
            "schemaVersion": 1,
            "model": request.model,
            "format": "skops",
            "artifact": ARTIFACT,
            "labels": [str(label) for label in estimator.classes_],
            "rows": rows,
            "seed": request.seed,
            "parameters": request.resolved or dict(request.given),
            "python": platform.python_version(),
            "unicode": unicodedata.unidata_version,
            "frameworks": {name: metadata.version(name) for name in FRAMEWORKS},
        },
    )


def load(folder: Path) -> Any:
    """Loads the estimator from a native folder; raises TrainerFailure ``UntrustedArtifact``."""
    return load_file(folder / ARTIFACT)


def load_file(path: Path) -> Any:
    """Loads one skops file after every type in it has been found on the trusted list."""
    import skops.io

    try:
        unknown = skops.io.get_untrusted_types(file=path)
    except Exception as error:  # skops meets a hostile schema with any exception there is
        problem = f"{type(error).__name__}: {error}"
        raise untrusted_artifact(f"{path.name} is not a skops file: {problem}") from error
    refused = sorted(set(unknown) - TRUSTED_TYPES)
    if refused:
        raise untrusted_artifact(
            f"{path.name} holds types that are not trusted: {', '.join(refused)}."
        )
    return skops.io.load(path, trusted=sorted(TRUSTED_TYPES & set(unknown)))


def dumps(estimator: Any) -> bytes:
    """The estimator as skops bytes, the same for equal estimators.

    skops names objects by memory address and stamps members with the clock; both are replaced,
    addresses by numbers in order of appearance and times by a constant.
    """
    import skops.io

    for _, step in getattr(estimator, "steps", ()):
        # A vectorizer's note to itself which list of stop words it has checked: an address.
        vars(step).pop("_stop_words_id", None)

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(estimator))) as given:
        schema = json.loads(given.read("schema.json"))
        names: dict[str, str] = {}
        _renumber(schema, {}, names)
        members = {new: given.read(old) for old, new in names.items()}
    members["schema.json"] = json.dumps(schema, separators=(",", ":")).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as written:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = 0o644 << 16
            written.writestr(info, data)
    return buffer.getvalue()


def _renumber(node: Any, numbers: dict[object, int], names: dict[str, str]) -> None:
    """Replaces ids and member names in place, depth first."""
    if isinstance(node, list):
        for item in node:
            _renumber(item, numbers, names)
    if not isinstance(node, dict):
        return
    if "__loader__" in node and "__id__" in node:
        # Whether two equal scalars are one object is the interpreter's whim: go by their content.
        key = (node["__class__"], node["content"]) if node.get("is_json") else node["__id__"]
        node["__id__"] = numbers.setdefault(key, len(numbers) + 1)
    if "__loader__" in node and isinstance(node.get("file"), str):
        old = node["file"]
        node["file"] = names.setdefault(old, f"{len(names) + 1}{Path(old).suffix}")
    for value in node.values():
        _renumber(value, numbers, names)
