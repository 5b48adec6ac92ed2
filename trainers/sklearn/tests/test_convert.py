from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import some_rows
from front_end_mirror import encode
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from switchyard_kit.request import Request
from switchyard_kit.text_converter import convert_text_classifier

ODD_TEXTS = [
    "",
    " ",
    "nothing known here",
    "Überweisung überweisung UBERWEISUNG u\u0308berweisung",
    "U\u0308BERWEISUNG e\u0301 combining\u0301marks",
    "ΟΔΟΣ οδος ΟΔΟΣ'Α ΣΟΔΟΣ οδοσ",
    "İstanbul i\u0307stanbul ISTANBUL ısı",
    "СЕТЬ сеть Счёт счет",
    "東京 の 紙 页面 paper紙",
    "🖨️ toner🖨️toner 👩‍👩‍👧 𝕏𝕏 𐐀𐐨",
    "paper\x00toner \x00 pa\x00per",
    "x y z a1 1a _a __ ٣٤ 12",
    "invoice,refund;card.charge-bill/receipt_invoice",
    "\ufeffpaper\u200btoner\u00adjam\u2028page",
    "paper " * 20_000,
    " ".join(f"w{index} toner ink" for index in range(7_000)),
]
CLASSIFIERS = {
    "logistic": lambda: LogisticRegression(),
    "relu": lambda: MLPClassifier((8,), max_iter=20, random_state=1),
    "tanh": lambda: MLPClassifier((8, 5), "tanh", max_iter=20, random_state=1),
    "sigmoid": lambda: MLPClassifier((8,), "logistic", max_iter=20, random_state=1),
    "linear": lambda: MLPClassifier((8,), "identity", max_iter=20, random_state=1),
}
QUEUES = {2: ("billing", "network"), 3: ("billing", "network", "printing")}


def fitted(classifier: Any, classes: int = 3, **settings: Any) -> Any:
    rows = some_rows(queues=QUEUES[classes])
    pipeline = make_pipeline(TfidfVectorizer(**settings), classifier)
    return pipeline.fit([row["text"] for row in rows], [row["label"] for row in rows])


def odd_rows() -> list[dict[str, str]]:
    return [{"id": f"odd{index}", "text": text} for index, text in enumerate(ODD_TEXTS)]


def served(folder: Path, texts: list[str]) -> np.ndarray:
    """What the ONNX model answers through the front end."""
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    front_end = json.loads((folder / "front-end.json").read_text("utf-8"))
    (answer,) = session.run(["probabilities"], encode(texts, front_end))
    return answer


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("classifier", CLASSIFIERS)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"sublinear_tf": True},
        {"norm": None},
        {"norm": "l1", "ngram_range": (1, 2)},
        {"use_idf": False, "binary": True},
        {"smooth_idf": False, "strip_accents": "unicode"},
    ],
    ids=lambda settings: ",".join(settings) or "default",
)
def test_onnx_answers_as_scikit_learn_does(
    a_request: Callable[..., Request], classifier: str, classes: int, settings: dict[str, Any]
) -> None:
    request = a_request(odd_rows())
    pipeline = fitted(CLASSIFIERS[classifier](), classes, **settings)
    convert_text_classifier(request, pipeline)
    source = pipeline.predict_proba(ODD_TEXTS)
    answer = served(request.output, ODD_TEXTS)
    assert answer.shape == (len(ODD_TEXTS), classes)
    assert np.abs(answer - source).max() < 1e-5
    assert np.array_equal(answer.argmax(1), source.argmax(1))
    one_by_one = np.concatenate([served(request.output, [text]) for text in ODD_TEXTS[:6]])
    assert np.abs(one_by_one - source[:6]).max() < 1e-5


def test_parity_rows_hold_what_scikit_learn_answers(a_request: Callable[..., Request]) -> None:
    request, pipeline = a_request(odd_rows()), fitted(LogisticRegression())
    convert_text_classifier(request, pipeline)
    lines = (request.output / "parity.jsonl").read_text().splitlines()
    answers = [json.loads(line) for line in lines]
    assert [answer["id"] for answer in answers] == [row["id"] for row in odd_rows()]
    assert [answer["label"] for answer in answers] == list(pipeline.predict(ODD_TEXTS))
    source = pipeline.predict_proba(ODD_TEXTS)
    assert np.abs(np.array([a["probabilities"] for a in answers]) - source).max() < 1e-11


def test_the_description_and_the_graph_agree(a_request: Callable[..., Request]) -> None:
    request, pipeline = a_request(odd_rows()), fitted(LogisticRegression())
    convert_text_classifier(request, pipeline)
    description = json.loads((request.output / "model.json").read_text())
    front_end = json.loads((request.output / "front-end.json").read_text())
    graph = onnx.load(request.output / "model.onnx")
    assert description["labels"] == ["billing", "network", "printing"]
    assert (graph.ir_version, graph.opset_import[0].version) == (10, 18)
    assert (description["irVersion"], description["opset"]) == (10, 18)
    session = onnxruntime.InferenceSession(request.output / "model.onnx")
    named = [(one.name, one.type) for one in (*session.get_inputs(), *session.get_outputs())]
    assert named == [
        ("ids", "tensor(int32)"),
        ("counts", "tensor(float)"),
        ("probabilities", "tensor(float)"),
    ]
    words = front_end.pop("vocabulary")
    assert words == sorted(pipeline[0].vocabulary_, key=pipeline[0].vocabulary_.get)
    assert front_end == {
        "schemaVersion": 1,
        "kind": "bag-of-words",
        "lowercase": True,
        "minTokenLength": 2,
        "unicode": "14.0.0",
    }
    tables = {one.name: tuple(one.dims) for one in graph.graph.initializer}
    assert tables["table0"] == (len(words) + 1, 3)


def test_padding_changes_nothing(a_request: Callable[..., Request]) -> None:
    request, pipeline = a_request(odd_rows()), fitted(LogisticRegression(), sublinear_tf=True)
    convert_text_classifier(request, pipeline)
    front_end = json.loads((request.output / "front-end.json").read_text())
    given = encode(["paper toner toner"], front_end)
    wider = {name: np.pad(value, ((0, 0), (0, 50))) for name, value in given.items()}
    session = onnxruntime.InferenceSession(request.output / "model.onnx")
    assert np.allclose(session.run(None, given), session.run(None, wider), atol=1e-7)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("classifier", ["logistic", "relu"])
def test_same_model_and_rows_give_the_same_bytes(
    a_request: Callable[..., Request], classifier: str
) -> None:
    folders = []
    for name in ("first", "second"):
        request = a_request(odd_rows(), name=name)
        convert_text_classifier(request, fitted(CLASSIFIERS[classifier]()))
        folders.append({path.name: path.read_bytes() for path in request.output.iterdir()})
    assert sorted(folders[0]) == ["front-end.json", "model.json", "model.onnx", "parity.jsonl"]
    assert folders[0] == folders[1]
