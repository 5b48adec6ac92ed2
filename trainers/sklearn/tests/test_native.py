from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path

import pytest
import skops.io
from conftest import some_rows
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from switchyard_kit import TrainerFailure, native


def fitted() -> Pipeline:
    rows = some_rows()
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression())
    return pipeline.fit([row["text"] for row in rows], [row["label"] for row in rows])


def test_what_is_loaded_answers_as_what_was_saved(tmp_path: Path) -> None:
    pipeline = fitted()
    (tmp_path / native.ARTIFACT).write_bytes(native.dumps(pipeline))
    texts = ["paper jam", "router", ""]
    loaded = native.load(tmp_path)
    assert loaded.predict_proba(texts).tolist() == pipeline.predict_proba(texts).tolist()


def test_equal_estimators_give_equal_bytes() -> None:
    first, second = native.dumps(fitted()), native.dumps(fitted())
    assert first == second
    again = skops.io.loads(first)
    assert native.dumps(again) == first


def test_a_type_outside_the_list_is_refused_by_name(tmp_path: Path) -> None:
    pipeline = fitted()
    pipeline.steps[0][1].preprocessor = io.BytesIO
    (tmp_path / native.ARTIFACT).write_bytes(skops.io.dumps(pipeline))
    with pytest.raises(TrainerFailure) as caught:
        native.load(tmp_path)
    assert caught.value.type == "UntrustedArtifact"
    assert "_io.BytesIO" in caught.value.message


@pytest.mark.parametrize(
    "data",
    [b"", b"not a zip", pickle.dumps({"a": 1}), b"PK\x05\x06" + b"\x00" * 18],
)
def test_what_is_no_skops_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / native.ARTIFACT).write_bytes(data)
    with pytest.raises(TrainerFailure, match="is not a skops file"):
        native.load(tmp_path)


def test_a_schema_of_nonsense_is_refused(tmp_path: Path) -> None:
    schemas: list[object] = [[], {}, {"__class__": "x"}]
    for schema in [*schemas, {"__loader__": "NoNode", "__module__": "a"}]:
        with zipfile.ZipFile(tmp_path / native.ARTIFACT, "w") as archive:
            archive.writestr("schema.json", json.dumps(schema))
        with pytest.raises(TrainerFailure, match="is not a skops file"):
            native.load(tmp_path)
