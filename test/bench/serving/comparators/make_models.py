"""Trains the benchmark's models in a folder: the two text models of its rows, and a forest.

    python make_models.py FOLDER

The folder holds ``merchants.jsonl`` and ``mails.jsonl`` (``text`` and ``label`` a line). Each model
gets a folder of its own: the files that Switchyard serves, written by its kit, and ``model.skops``,
scikit-learn's own; a text model also ``plain.onnx``, skl2onnx's conversion of the whole pipeline.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from switchyard_kit.files import write_bytes, write_json
from switchyard_kit.native import dumps
from switchyard_kit.text_converter import description, front_end
from switchyard_kit.text_graph import OPSET, bag_of_words_graph
from switchyard_kit.text_pipeline import parts

FEATURES = 20
TREES = 100


def read_rows(file: Path) -> tuple[list[str], list[str]]:
    """Texts and labels of a file of rows."""
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return [row["text"] for row in rows], [row["label"] for row in rows]


def make_text_model(folder: Path, name: str, *, sublinear: bool) -> None:
    """TF-IDF and a logistic regression, converted in both ways."""
    texts, labels = read_rows(folder / f"{name}.jsonl")
    vectorizer = TfidfVectorizer(sublinear_tf=sublinear, dtype=np.float32)
    classifier = LogisticRegression(C=4.0, tol=1e-3, max_iter=1_000)
    pipeline = make_pipeline(vectorizer, classifier).fit(texts, labels)
    out = folder / name
    out.mkdir(exist_ok=True)
    write_bytes(out / "model.onnx", bag_of_words_graph(parts(pipeline)))
    write_json(out / "front-end.json", front_end(vectorizer))
    write_json(out / "model.json", description([str(label) for label in classifier.classes_]))
    write_bytes(out / "plain.onnx", plainly_converted(pipeline))
    write_bytes(out / "model.skops", dumps(pipeline))


def plainly_converted(pipeline: Any) -> bytes:
    """The text graph, with the options by which it loads on Debian and knows more than ASCII."""
    vectorizer, classifier = (step for _, step in pipeline.steps)
    model = convert_sklearn(
        pipeline,
        initial_types=[("text", StringTensorType([None, 1]))],
        options={
            id(vectorizer): {"locale": "C.UTF-8", "tokenexp": r"[\p{L}\p{N}_]{2,}"},
            id(classifier): {"zipmap": False},
        },
        target_opset=OPSET,
    )
    return model.SerializeToString()


def make_forest(folder: Path) -> None:
    """A forest of 100 trees on 20 numbers; its graph answers probabilities only."""
    random = np.random.default_rng(1)
    rows = random.normal(size=(4_000, FEATURES)).astype(np.float32)
    labels = np.where(rows[:, 0] * rows[:, 1] + rows[:, 2] > 0, "yes", "no")
    forest = RandomForestClassifier(TREES, max_depth=8, random_state=1).fit(rows, labels)
    model = convert_sklearn(
        forest,
        initial_types=[("x", FloatTensorType([None, FEATURES]))],
        options={id(forest): {"zipmap": False}},
        target_opset={"": OPSET, "ai.onnx.ml": 3},
    )
    kept = [output for output in model.graph.output if output.name == "probabilities"]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    out = folder / "forest"
    out.mkdir(exist_ok=True)
    write_bytes(out / "model.onnx", model.SerializeToString())
    write_json(
        out / "model.json",
        {
            "schemaVersion": 1,
            "labels": [str(label) for label in forest.classes_],
            "frontEnd": None,
            "artifact": "model.onnx",
            "opset": OPSET,
            "irVersion": model.ir_version,
            "producer": "skl2onnx",
            "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, FEATURES]}],
            "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]}],
        },
    )


if __name__ == "__main__":
    place = Path(sys.argv[1])
    make_text_model(place, "merchants", sublinear=False)
    make_text_model(place, "mails", sublinear=True)
    make_forest(place)
