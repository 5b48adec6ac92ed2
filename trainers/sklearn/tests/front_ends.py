"""Fits and converts a classifier per kind of front end; a test of the TypeScript side runs it.

    python front_ends.py FOLDER < {"rows": [{"text", "label"}], "texts": [...]}

Writes FOLDER/<name>/: a version's files, whose parity.jsonl holds scikit-learn's probabilities of
every text, and expected.json with its ids and counts.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from switchyard_kit.request import Request
from switchyard_kit.text_converter import convert_text_classifier
from switchyard_kit.unicode_14 import as_unicode_14

ONE_CHARACTER = r"(?u)\b\w+\b"
FRONT_ENDS: dict[str, tuple[Any, ...]] = {
    "words": (TfidfVectorizer(),),
    "words-1-2": (TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, norm="l1"),),
    "words-2-3-stops": (TfidfVectorizer(ngram_range=(2, 3), stop_words=["the", "a1", "ink"]),),
    "words-english": (TfidfVectorizer(stop_words="english", strip_accents="unicode"),),
    "words-cased": (CountVectorizer(lowercase=False, binary=True),),
    "words-ascii": (TfidfVectorizer(strip_accents="ascii", token_pattern=ONE_CHARACTER),),
    "words-transformed": (CountVectorizer(ngram_range=(1, 3)), TfidfTransformer(use_idf=False)),
    "char-1-3": (TfidfVectorizer(analyzer="char", ngram_range=(1, 3)),),
    "char-3-5": (TfidfVectorizer(analyzer="char", ngram_range=(3, 5), lowercase=False),),
    "char-unicode": (
        TfidfVectorizer(analyzer="char", ngram_range=(1, 2), strip_accents="unicode", binary=True),
    ),
    "char_wb-2-4": (TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),),
    "char_wb-5": (TfidfVectorizer(analyzer="char_wb", ngram_range=(5, 6), strip_accents="ascii"),),
}


def terms_of(vectorizer: Any, texts: list[str]) -> list[list[list[int]]]:
    """The ids (from 1 on, ascending) and the counts of each text."""
    matrix = vectorizer.transform(texts)
    matrix.sort_indices()
    bounds = zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True)
    return [
        [(matrix.indices[a:b] + 1).tolist(), matrix.data[a:b].astype(int).tolist()]
        for a, b in bounds
    ]


def write(folder: Path, steps: tuple[Any, ...], given: dict[str, Any]) -> None:
    """Fits, converts and writes what scikit-learn answers."""
    known = [as_unicode_14(text) for text in given["texts"]]
    fitted_on = [as_unicode_14(row["text"]) for row in given["rows"]]
    pipeline = make_pipeline(*steps, LogisticRegression(max_iter=10, tol=0.01))
    pipeline.fit(fitted_on, [row["label"] for row in given["rows"]])
    folder.mkdir(parents=True)
    parity = folder / "parity-rows.jsonl"
    lines = [json.dumps({"id": str(i), "text": text}) for i, text in enumerate(given["texts"])]
    parity.write_text("".join(f"{line}\n" for line in lines))
    request = Request("convert", "texts", 1, {}, folder, folder, parity_rows=parity)
    convert_text_classifier(request, pipeline)
    # A CountVectorizer of the same settings counts what the TfidfVectorizer weighs.
    vectorizer = pipeline[0]
    names = CountVectorizer().get_params()
    settings = {k: v for k, v in vectorizer.get_params().items() if k in names}
    counter = CountVectorizer(
        **{**settings, "dtype": np.int64, "vocabulary": vectorizer.vocabulary_}
    )
    (folder / "expected.json").write_text(json.dumps({"terms": terms_of(counter, known)}))


if __name__ == "__main__":
    work = json.load(sys.stdin)
    for name, steps in FRONT_ENDS.items():
        write(Path(sys.argv[1]) / name, steps, work)
