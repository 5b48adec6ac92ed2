"""From a fitted text pipeline to the files a version is made of.

The vocabulary becomes ``front-end.json`` and the rest a numeric ONNX graph; ``parity.jsonl`` holds
what scikit-learn itself answers, for the check that both agree.
"""

from __future__ import annotations

from typing import Any

from switchyard_kit import events
from switchyard_kit.files import write_bytes, write_json, write_json_lines
from switchyard_kit.request import Request
from switchyard_kit.rows import read_rows
from switchyard_kit.text_front_end import front_end
from switchyard_kit.text_graph import IR_VERSION, OPSET, bag_of_words_graph
from switchyard_kit.text_pipeline import check_convertible, parts

PROBABILITY_DECIMALS = 12
"""Rounded here, so that the last bit of a processor's exp() is not part of the bytes."""

_PARITY_BATCH = 1024


def convert_text_classifier(request: Request, pipeline: Any) -> None:
    """Writes model.onnx, front-end.json, model.json and parity.jsonl into the output folder.

    Same pipeline and parity rows, same bytes. Raises TrainerFailure: ``NotConvertible``, or a data
    failure of the parity rows.
    """
    check_convertible(pipeline)
    vectorizer, _, classifier = parts(pipeline)
    labels = [str(label) for label in classifier.classes_]
    write_bytes(request.output / "model.onnx", bag_of_words_graph(parts(pipeline)))
    write_json(request.output / "front-end.json", front_end(vectorizer))
    write_json(request.output / "model.json", description(labels))
    events.progress(0.5, "graph written; asking scikit-learn for the parity rows")
    _write_parity(request, pipeline, labels)


def description(labels: list[str]) -> dict[str, object]:
    """The graph's own contract; a shape of -1 is free: rows, then ids a row."""
    from switchyard_kit import __version__

    free = [-1, -1]
    return {
        "schemaVersion": 1,
        "labels": labels,
        "frontEnd": "front-end.json",
        "artifact": "model.onnx",
        "opset": OPSET,
        "irVersion": IR_VERSION,
        "producer": f"switchyard-kit {__version__}",
        "inputs": [
            {"name": "ids", "datatype": "INT32", "shape": free},
            {"name": "counts", "datatype": "FP32", "shape": free},
        ],
        "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, len(labels)]}],
    }


def _write_parity(request: Request, pipeline: Any, labels: list[str]) -> None:
    assert request.parity_rows is not None
    rows = read_rows(request.parity_rows)
    ids, texts = rows.strings("id"), rows.texts
    answers: list[dict[str, Any]] = []
    for start in range(0, len(texts), _PARITY_BATCH):
        end = start + _PARITY_BATCH
        probabilities = pipeline.predict_proba(texts[start:end])
        answers.extend(parity_answers(ids[start:end], probabilities, labels))
        events.progress(0.5 + 0.5 * len(answers) / len(texts), "parity rows")
    write_parity_answers(request, answers)


def parity_answers(ids: list[str], probabilities: Any, labels: list[str]) -> list[dict[str, Any]]:
    """The lines of parity.jsonl for rows with these ids and probabilities [rows, labels]."""
    return [
        {
            "id": row_id,
            "label": labels[int(row.argmax())],
            "probabilities": [round(float(value), PROBABILITY_DECIMALS) for value in row],
        }
        for row_id, row in zip(ids, probabilities, strict=True)
    ]


def write_parity_answers(request: Request, answers: list[dict[str, Any]]) -> None:
    """Writes parity.jsonl into the output folder."""
    write_json_lines(request.output / "parity.jsonl", answers)
