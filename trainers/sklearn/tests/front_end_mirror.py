"""The serving front end for the parity tests: front-end.json read back into a vectorizer.

The TypeScript side is compared with scikit-learn in test/adapters/model-runtime.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer


def encode(texts: list[str], front_end: dict[str, Any]) -> dict[str, np.ndarray]:
    """ids int32 and counts float32, both [rows, most distinct terms in a row]; 0 is padding."""
    bags = counter(front_end).transform(texts)
    width = int(np.diff(bags.indptr).max(initial=0))
    ids = np.zeros((len(texts), width), np.int32)
    counts = np.zeros((len(texts), width), np.float32)
    for row in range(len(texts)):
        bag = slice(bags.indptr[row], bags.indptr[row + 1])
        length = bag.stop - bag.start
        ids[row, :length] = bags.indices[bag] + 1
        counts[row, :length] = bags.data[bag]
    return {"ids": ids, "counts": counts}


def counter(front_end: dict[str, Any]) -> CountVectorizer:
    """Only what the file says, nothing of the vectorizer that it was written from."""
    return CountVectorizer(
        vocabulary=front_end["vocabulary"],
        lowercase=front_end["lowercase"],
        token_pattern=rf"(?u)\b\w{{{front_end['minTokenLength']},}}\b",
        analyzer=front_end.get("analyzer", "word"),
        ngram_range=tuple(front_end.get("ngramRange", (1, 1))),
        strip_accents=front_end.get("stripAccents"),
        stop_words=front_end.get("stopWords"),
        binary=front_end.get("binary", False),
    )
