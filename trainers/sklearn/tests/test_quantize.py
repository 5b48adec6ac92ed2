from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from conftest import some_rows
from front_end_mirror import encode
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from switchyard_kit import quantize
from switchyard_kit.failures import TrainerFailure
from switchyard_kit.request import Request, read_request
from switchyard_kit.text_converter import convert_text_classifier

ROWS = some_rows(120)
TEXTS = [row["text"] for row in ROWS]


def converted(a_request: Callable[..., Request], classifier: Any, **wanted: Any) -> Request:
    request = a_request(ROWS, **wanted)
    pipeline = make_pipeline(TfidfVectorizer(), classifier)
    convert_text_classifier(request, pipeline.fit(TEXTS, [row["label"] for row in ROWS]))
    return request


def described(request: Request) -> dict[str, Any]:
    return json.loads((request.output / "model.json").read_text())


def answers(request: Request, artifact: str) -> np.ndarray:
    session = onnxruntime.InferenceSession(request.output / artifact)
    front_end = json.loads((request.output / "front-end.json").read_text("utf-8"))
    return session.run(["probabilities"], encode(TEXTS, front_end))[0]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_twin_of_layers_is_a_quarter_as_large_and_holds_the_labels(
    a_request: Callable[..., Request],
) -> None:
    layers = MLPClassifier((64, 256), max_iter=15, random_state=1)
    request = converted(a_request, layers, twin="int8")
    quantize.add_twin(request)
    assert described(request)["twin"] == {"kind": "made", "artifact": "model.int8.onnx"}
    full, twin = (request.output / name for name in ("model.onnx", "model.int8.onnx"))
    assert twin.stat().st_size < 0.32 * full.stat().st_size
    before, after = answers(request, "model.onnx"), answers(request, "model.int8.onnx")
    assert (before.argmax(1) == after.argmax(1)).mean() > 0.97
    assert 0 < np.abs(before - after).max() < 0.05


def test_the_same_model_gives_the_same_twin(a_request: Callable[..., Request]) -> None:
    twins = []
    for name in ("first", "second"):
        request = converted(a_request, LogisticRegression(), name=name, twin="int8")
        quantize.add_twin(request)
        twins.append((request.output / "model.int8.onnx").read_bytes())
    assert twins[0] == twins[1]


def test_without_a_wish_it_says_how_large_one_would_be_above_the_limit_only(
    a_request: Callable[..., Request],
) -> None:
    request = converted(a_request, LogisticRegression())
    size = (request.output / "model.onnx").stat().st_size
    quantize.add_twin(request)
    request.offer_twin_above = size
    quantize.add_twin(request)
    assert "twin" not in described(request)
    request.offer_twin_above = size - 0.5
    quantize.add_twin(request)
    offered = described(request)["twin"]
    assert sorted(path.name for path in request.output.glob("*.onnx")) == ["model.onnx"]
    request = converted(a_request, LogisticRegression(), name="asked", twin="int8")
    quantize.add_twin(request)
    made = (request.output / "model.int8.onnx").stat().st_size
    assert offered == {"kind": "offered", "bytes": made}


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: (folder / "model.onnx").write_bytes(b"no model"), "ended with exit code 1"),
        (lambda folder: dying_python(folder), "ended by signal 9"),
        (lambda folder: bare_python(folder), "has no onnxruntime"),
    ],
    ids=["a broken model", "a death for memory", "no onnxruntime"],
)
def test_a_twin_that_cannot_be_made_is_a_reason_and_no_failure(
    a_request: Callable[..., Request],
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[Path], Any],
    reason: str,
) -> None:
    request = converted(a_request, LogisticRegression(), twin="int8")
    if isinstance(python := spoil(request.output), Path):
        monkeypatch.setattr("sys.executable", str(python))
    quantize.add_twin(request)
    twin = described(request)["twin"]
    assert twin["kind"] == "failed"
    assert reason in twin["reason"]
    assert not (request.output / "model.int8.onnx").exists()


def dying_python(folder: Path) -> Path:
    return script(folder, "kill -9 $$")


def bare_python(folder: Path) -> Path:
    return script(folder, "echo \"ModuleNotFoundError: No module named 'onnxruntime'\" >&2; exit 1")


def script(folder: Path, body: str) -> Path:
    path = folder.parent / "python"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_a_script_that_made_its_own_twin_keeps_it(a_request: Callable[..., Request]) -> None:
    request = converted(a_request, LogisticRegression(), twin="int8")
    own = {"kind": "made", "artifact": "own.onnx"}
    (request.output / "model.json").write_text(json.dumps({**described(request), "twin": own}))
    quantize.add_twin(request)
    assert described(request)["twin"] == own


@pytest.mark.parametrize(
    "wrong", [{"twin": "int4"}, {"offerTwinAboveBytes": "a lot"}], ids=["kind", "limit"]
)
def test_a_request_for_another_twin_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    body = {"schemaVersion": 1, "command": "convert", "model": "m", "seed": 1, "parameters": {}}
    places = {name: str(tmp_path / name) for name in ("output", "checkpoints", "native")}
    path = tmp_path / "request.json"
    path.write_text(json.dumps({**body, **places, "parityRows": "rows", **wrong}))
    with pytest.raises(TrainerFailure, match="expected"):
        read_request({**os.environ, "SWITCHYARD_REQUEST": str(path)})
