"""The endpoint that is written first: FastAPI, uvicorn and onnxruntime, one process.

    python serve.py PORT FOLDER [HEAVY_ONNX]

It answers the same requests as the Open Inference Protocol has them, at /v2/models/NAME/infer, from
the same model files with one thread a session. A session runs inside the event loop (`async def`):
a thread pool was slower.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sklearn.feature_extraction.text import TfidfVectorizer


class Texts(BaseModel):
    """A tensor of texts."""

    name: str
    datatype: str
    shape: list[int]
    data: list[str]


class Numbers(BaseModel):
    """A tensor of numbers."""

    name: str
    datatype: str
    shape: list[int]
    data: list[float]


class TextRequest(BaseModel):
    """What a text model is asked."""

    inputs: list[Texts]


class NumberRequest(BaseModel):
    """What a numeric model is asked."""

    inputs: list[Numbers]


class Answer(BaseModel):
    """Label and probabilities of each row."""

    model_name: str
    outputs: tuple[Texts, Numbers]


def open_session(file: Path) -> onnxruntime.InferenceSession:
    """One thread, as the other side has it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def answer(name: str, labels: list[str], probabilities: np.ndarray) -> Answer:
    """The protocol's outputs of one batch."""
    rows = len(probabilities)
    best = [labels[index] for index in probabilities.argmax(1)]
    shape = list(probabilities.shape)
    data = probabilities.ravel().tolist()
    return Answer(
        model_name=name,
        outputs=(
            Texts(name="label", datatype="BYTES", shape=[rows], data=best),
            Numbers(name="probabilities", datatype="FP32", shape=shape, data=data),
        ),
    )


def add_text_model(app: FastAPI, name: str, folder: Path) -> None:
    """The numeric graph behind scikit-learn's own way to cut words."""
    session = open_session(folder / "model.onnx")
    labels = json.loads((folder / "model.json").read_text("utf-8"))["labels"]
    words = json.loads((folder / "front-end.json").read_text("utf-8"))["vocabulary"]
    ids = {word: index + 1 for index, word in enumerate(words)}
    analyze = TfidfVectorizer().build_analyzer()

    @app.post(f"/v2/models/{name}/infer")
    async def infer(request: TextRequest) -> Answer:
        counted = [
            Counter(ids[word] for word in analyze(text) if word in ids)
            for text in request.inputs[0].data
        ]
        width = max(1, *(len(counts) for counts in counted))
        known = np.zeros((len(counted), width), np.int32)
        counts = np.zeros((len(counted), width), np.float32)
        for row, found in enumerate(counted):
            known[row, : len(found)] = list(found)
            counts[row, : len(found)] = list(found.values())
        (probabilities,) = session.run(["probabilities"], {"ids": known, "counts": counts})
        return answer(name, labels, probabilities)


def add_number_model(app: FastAPI, name: str, file: Path) -> None:
    """A model of one tensor of numbers."""
    session = open_session(file)

    @app.post(f"/v2/models/{name}/infer")
    async def infer(request: NumberRequest) -> Answer:
        given = request.inputs[0]
        rows = np.array(given.data, np.float32).reshape(given.shape)
        (probabilities,) = session.run(["probabilities"], {"x": rows})
        return answer(name, ["no", "yes"], probabilities)


def main(port: int, folder: Path, heavy: Path | None) -> None:
    """Serves until it is ended."""
    app = FastAPI()
    add_text_model(app, "merchants", folder / "merchants")
    add_number_model(app, "forest", folder / "forest" / "model.onnx")
    if heavy is not None:
        add_number_model(app, "heavy", heavy)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=75,  # as the other side has it: clients here keep theirs while they rest
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
