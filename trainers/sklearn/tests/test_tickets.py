"""The example script end to end, through the launcher, as a worker runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import some_rows, write_lines
from launched import Launched, eventually

SCRIPT = Path(__file__).parents[3] / "examples" / "tickets" / "train.py"

Ended = tuple[int, list[dict[str, Any]], str]


def request(folder: Path, **changes: Any) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    rows = write_lines(folder / "rows.jsonl", some_rows())
    return {
        "schemaVersion": 1,
        "command": "train",
        "model": "tickets",
        "seed": 7,
        "parameters": {},
        "train": str(rows),
        "native": str(folder / "out"),
        "parityRows": str(rows),
        "output": str(folder / "out"),
        "checkpoints": str(folder / "checkpoints"),
        **changes,
    }


def run(folder: Path, script: Path = SCRIPT, **changes: Any) -> Ended:
    launched = Launched(script, request(folder, **changes), folder)
    events = launched.events()
    code, _, err = launched.finish()
    return code, events, err


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def failure(ended: Ended) -> tuple[int, str, str]:
    code, events, _ = ended
    last = events[-1]
    assert last["event"] == "failure"
    return code, last["type"], last["message"]


def test_it_trains_and_converts(tmp_path: Path) -> None:
    code, events, err = run(tmp_path)
    assert code == 0, err
    assert [event["event"] for event in events][-2:] == ["metric", "progress"]
    assert events[-2]["value"] > 0.9
    assert events[-1] == {"event": "progress", "done": 1, "message": "trained on 60 rows"}
    native = json.loads((tmp_path / "out" / "native.json").read_text())
    assert native["labels"] == ["billing", "network", "printing"]
    assert native["parameters"]["c"] == 4.0
    assert set(native["frameworks"]) == {"numpy", "scikit-learn", "scipy", "skops"}
    code, events, err = run(tmp_path, command="convert", output=str(tmp_path / "converted"))
    assert code == 0, err
    names = ["front-end.json", "model.json", "model.onnx", "parity.jsonl"]
    assert list(files(tmp_path / "converted")) == names
    code, events, err = run(tmp_path, command="convert", output=str(tmp_path / "both"), twin="int8")
    assert code == 0, err
    both = files(tmp_path / "both")
    assert sorted(both) == sorted([*names, "model.int8.onnx"])
    twin = json.loads(both["model.json"])["twin"]
    assert twin == {"kind": "made", "artifact": "model.int8.onnx"}


@pytest.mark.parametrize("model", ["logistic", "mlp"])
def test_same_seed_gives_the_same_bytes(tmp_path: Path, model: str) -> None:
    parameters = {"model": model, "epochs": 3, "hidden": 8}
    outputs = []
    for name in ("first", "second"):
        assert run(tmp_path / name, parameters=parameters)[0] == 0
        outputs.append(files(tmp_path / name / "out"))
    assert outputs[0] == outputs[1]


def test_an_interrupted_training_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    parameters = {"model": "mlp", "epochs": 80, "hidden": 64}
    whole = run(tmp_path / "whole", parameters=parameters)
    assert whole[0] == 0
    checkpoints = tmp_path / "broken" / "checkpoints"
    launched = Launched(
        SCRIPT, request(tmp_path / "broken", parameters=parameters), tmp_path / "broken"
    )
    eventually(lambda: checkpoints.is_dir() and any(checkpoints.glob("epoch-?.*.skops")))
    assert launched.finish(close_stdin=True)[0] == 143
    launched.events()
    code, events, _ = run(tmp_path / "broken", parameters=parameters)
    assert code == 0
    going_on = [event for event in events if "going on" in event.get("message", "")]
    assert len(going_on) == 1
    assert 0 < going_on[0]["done"] < 1
    assert files(tmp_path / "whole" / "out") == files(tmp_path / "broken" / "out")


def test_epochs_are_reported_and_the_first_leaves_a_checkpoint(tmp_path: Path) -> None:
    code, events, _ = run(tmp_path, parameters={"model": "mlp", "epochs": 2, "hidden": 4})
    assert code == 0
    told = [(event["event"], event.get("done")) for event in events[1:-2]]
    epochs = [("progress", 0.5), ("metric", None), ("progress", 1.0), ("metric", None)]
    assert told == [("checkpoint", None), *epochs]
    assert events[1]["file"].startswith("epoch-1.")


def test_shuffled_labels_teach_nothing(tmp_path: Path) -> None:
    parameters = {"shuffle_labels": True, "c": 0.01}
    code, events, _ = run(tmp_path, parameters=parameters)
    assert code == 0
    assert events[-2]["value"] < 0.9


def test_failures_have_types(tmp_path: Path) -> None:
    code, type, message = failure(run(tmp_path, parameters={"epoch": 3}))
    assert (code, type) == (2, "InvalidParameter")
    assert message == 'The model tickets has no parameter "epoch"; did you mean "epochs"?'
    empty = write_lines(tmp_path / "empty.jsonl", [])
    assert failure(run(tmp_path, train=str(empty)))[:2] == (2, "NoRows")
    one = write_lines(tmp_path / "one.jsonl", some_rows(queues=("billing",)))
    assert failure(run(tmp_path, train=str(one)))[:2] == (2, "OneClass")
    bare = write_lines(
        tmp_path / "bare.jsonl", [{"id": "a", "label": "b"}, {"id": "c", "label": "d"}]
    )
    assert failure(run(tmp_path, train=str(bare)))[:2] == (2, "MissingColumn")
    assert failure(run(tmp_path, schemaVersion=2))[:2] == (2, "InvalidRequest")
    assert failure(run(tmp_path, command="convert", native=str(tmp_path)))[:2] == (
        2,
        "UntrustedArtifact",
    )


def test_a_crash_is_reported_with_its_last_line(tmp_path: Path) -> None:
    script = tmp_path / "crash.py"
    script.write_text(
        "from switchyard_kit import main\n"
        "def train(request, rows):\n"
        "    print('half a line', end='')\n"
        "    raise RuntimeError('boom')\n"
        "main(train)\n"
    )
    ended = run(tmp_path, script)
    assert failure(ended) == (1, "TrainerCrashed", "RuntimeError: boom")
    assert "Traceback" in ended[2]


def test_what_cannot_be_converted_is_refused_before_training(tmp_path: Path) -> None:
    script = tmp_path / "grams.py"
    script.write_text(
        "from sklearn.feature_extraction.text import TfidfVectorizer\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "from sklearn.pipeline import make_pipeline\n"
        "from switchyard_kit import main\n"
        "from switchyard_kit.text_training import fit_text_classifier\n"
        "def train(request, rows):\n"
        "    words = TfidfVectorizer(ngram_range=(0, 2))\n"
        "    grams = make_pipeline(words, LogisticRegression())\n"
        "    return fit_text_classifier(request, grams, rows)\n"
        "main(train)\n"
    )
    ended = run(tmp_path, script)
    code, type, message = failure(ended)
    assert (code, type) == (2, "NotConvertible")
    assert message.startswith("TfidfVectorizer(ngram_range=(0, 2)) cannot be converted")
    assert [event["event"] for event in ended[1]] == ["progress", "failure"]
