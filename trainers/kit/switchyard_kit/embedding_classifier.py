"""A classifier on the vectors of a sentence encoder: fitted, and converted as one ONNX file."""

from __future__ import annotations

import random
from typing import Any

from switchyard_kit import events
from switchyard_kit.bert_graph import classifier_model
from switchyard_kit.failures import not_convertible
from switchyard_kit.files import write_bytes, write_json
from switchyard_kit.request import Request
from switchyard_kit.rows import Rows, read_rows
from switchyard_kit.sentence_encoder import SentenceEncoder
from switchyard_kit.text_converter import description, parity_answers, write_parity_answers
from switchyard_kit.text_pipeline import check_logistic

_PARITY_BATCH = 64


def fit_on_vectors(
    request: Request, encoder: SentenceEncoder, head: Any, rows: Rows, max_rows: int | None = None
) -> Any:
    """Fits ``head``, a LogisticRegression, on the vectors of the column ``text`` and returns it.

    With ``max_rows`` so many rows, drawn by the request's seed. Raises TrainerFailure:
    ``NotConvertible`` before it starts, or a data failure.
    """
    check_head(head)
    chosen = _drawn(rows, max_rows, request.seed)
    texts, labels = chosen.strings("text"), chosen.labels

    def tell(done: int) -> None:
        events.progress(0.95 * done / len(texts), f"vectors of {done} of {len(texts)} rows")

    vectors = encoder.vectors(texts, tell)
    events.progress(0.95, f"fitting on {len(texts)} vectors")
    head.fit(vectors, labels)
    events.metric("train-accuracy", float(head.score(vectors, labels)))
    return head


def convert_on_vectors(request: Request, encoder: SentenceEncoder, head: Any) -> None:
    """Writes model.onnx, front-end.json, model.json and parity.jsonl into the output folder.

    The source of ``parity.jsonl`` is not the graph: numpy computes the vectors from the weights,
    scikit-learn the answers.
    """
    check_head(head)
    labels = [str(label) for label in head.classes_]
    model = classifier_model(encoder.weights, encoder.config, head)
    write_bytes(request.output / "model.onnx", model)
    write_json(request.output / "front-end.json", encoder.wordpiece.front_end())
    inputs = [
        {"name": name, "datatype": "INT64", "shape": [-1, -1]}
        for name in ("input_ids", "attention_mask")
    ]
    described = {**description(labels), "frontEndKind": "wordpiece", "inputs": inputs}
    write_json(request.output / "model.json", described)
    events.progress(0.3, "graph written; computing the parity rows")
    assert request.parity_rows is not None
    rows = read_rows(request.parity_rows)
    ids, texts = rows.strings("id"), rows.strings("text")
    answers: list[dict[str, Any]] = []
    for start in range(0, len(texts), _PARITY_BATCH):
        end = start + _PARITY_BATCH
        probabilities = head.predict_proba(encoder.reference(texts[start:end]))
        answers.extend(parity_answers(ids[start:end], probabilities, labels))
        events.progress(0.3 + 0.7 * len(answers) / len(texts), "parity rows")
    write_parity_answers(request, answers)


def check_head(head: Any) -> None:
    """Raises TrainerFailure ``NotConvertible`` for what does not become the end of the graph."""
    from sklearn.linear_model import LogisticRegression

    if type(head) is not LogisticRegression:
        raise not_convertible(
            f"A {type(head).__name__} on vectors cannot be converted to ONNX; only a "
            "LogisticRegression can."
        )
    check_logistic(head)


def _drawn(rows: Rows, max_rows: int | None, seed: int) -> Rows:
    if max_rows is None or max_rows >= len(rows):
        return rows
    chosen = sorted(random.Random(seed).sample(range(len(rows)), max_rows))
    return Rows([rows[index] for index in chosen], rows.source)
