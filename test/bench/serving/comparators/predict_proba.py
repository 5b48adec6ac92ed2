"""scikit-learn itself, asked over standard input and output.

    python predict_proba.py FOLDER

A line such as ``{"model": "merchants"}`` has that pipeline answer all of its rows once; the answer
is ``{"ms": …, "labels": […]}``: how long ``predict_proba`` took, and the index of each label.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from make_models import read_rows
from switchyard_kit.native import load_file


def main(folder: Path) -> None:
    """Answers until standard input ends."""
    names = ("merchants", "mails")
    pipelines = {name: load_file(folder / name / "model.skops") for name in names}
    texts = {name: read_rows(folder / f"{name}.jsonl")[0] for name in names}
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        name = json.loads(line)["model"]
        started = time.perf_counter()
        probabilities = pipelines[name].predict_proba(texts[name])
        ms = (time.perf_counter() - started) * 1_000
        labels = probabilities.argmax(1).tolist()
        print(json.dumps({"ms": ms, "labels": labels}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
