"""The settings of a fitted vectorizer as ``front-end.json``."""

from __future__ import annotations

from typing import Any

from switchyard_kit.text_pipeline import TOKEN_PATTERNS
from switchyard_kit.unicode_14 import UNICODE


def front_end(vectorizer: Any) -> dict[str, object]:
    """How a text becomes ids: the term at position i of ``vocabulary`` has the id i + 1.

    Lower-case words counted one by one are written as schema version 1, which older servers read.
    """
    is_word = vectorizer.analyzer == "word"
    stop_words = vectorizer.get_stop_words() if is_word else None
    settings: dict[str, object] = {
        "analyzer": vectorizer.analyzer,
        "ngramRange": [int(bound) for bound in vectorizer.ngram_range],
        "stripAccents": vectorizer.strip_accents,
        "stopWords": sorted({word for word in stop_words or () if word}),
        "binary": vectorizer.binary,
    }
    plain = {
        "analyzer": "word",
        "ngramRange": [1, 1],
        "stripAccents": None,
        "stopWords": [],
        "binary": False,
    }
    is_plain = settings == plain and vectorizer.lowercase
    return {
        "schemaVersion": 1 if is_plain else 2,
        "kind": "bag-of-words",
        "lowercase": vectorizer.lowercase,
        "minTokenLength": TOKEN_PATTERNS[vectorizer.token_pattern] if is_word else 1,
        "unicode": UNICODE,
        **({} if is_plain else settings),
        "vocabulary": sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.__getitem__),
    }
