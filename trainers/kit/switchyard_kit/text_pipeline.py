"""Which text classifiers the converter turns into ONNX, decided before anything is trained.

The front end that serves a model (lower-case, runs of word characters, a vocabulary) lives outside
the graph and knows one way to cut words, so everything that cuts differently is refused by name.
"""

from __future__ import annotations

import re
from typing import Any

from switchyard_kit.failures import not_convertible

TOKEN_PATTERN = r"(?u)\b\w\w+\b"
"""scikit-learn's default: maximal runs of at least two word characters."""

MIN_TOKEN_LENGTH = 2
"""In code points, as TOKEN_PATTERN has it."""

_VECTORIZER_MUST = {
    "input": "content",
    "analyzer": "word",
    "lowercase": True,
    "token_pattern": TOKEN_PATTERN,
    "ngram_range": (1, 1),
    "tokenizer": None,
    "preprocessor": None,
    "stop_words": None,
    "strip_accents": None,
    "binary": False,
}
_ACTIVATIONS = ("identity", "logistic", "relu", "tanh")


def check_convertible(pipeline: Any) -> None:
    """Returns when ``pipeline``, fitted or not, can be converted.

    Accepted: Pipeline(TfidfVectorizer, LogisticRegression | MLPClassifier) with whole words, one at
    a time. Raises TrainerFailure ``NotConvertible`` with one sentence that names the setting.
    """
    vectorizer, classifier = parts(pipeline)
    for name, right in _VECTORIZER_MUST.items():
        given = getattr(vectorizer, name)
        if (tuple(given) if isinstance(given, list) else given) != right:
            raise not_convertible(
                f"TfidfVectorizer({name}={given!r}) cannot be converted to ONNX; "
                f"only {name}={right!r} can."
            )
    if vectorizer.norm not in ("l2", None):
        raise not_convertible(
            f"TfidfVectorizer(norm={vectorizer.norm!r}) cannot be converted; use 'l2' or None."
        )
    _check_vocabulary(getattr(vectorizer, "vocabulary_", None) or vectorizer.vocabulary)
    if type(classifier).__name__ == "LogisticRegression":
        _check_logistic(classifier)
    elif classifier.activation not in _ACTIVATIONS:
        raise not_convertible(
            f"MLPClassifier(activation={classifier.activation!r}) cannot be converted; "
            f"use one of {', '.join(_ACTIVATIONS)}."
        )


def parts(pipeline: Any) -> tuple[Any, Any]:
    """The vectorizer and the classifier of a text pipeline, else ``NotConvertible``.

    Types are compared exactly: a subclass may compute something else.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import Pipeline

    wanted = "Pipeline(TfidfVectorizer, LogisticRegression or MLPClassifier)"
    if type(pipeline) is not Pipeline:
        raise not_convertible(
            f"A {type(pipeline).__name__} cannot be converted to ONNX; train a {wanted}."
        )
    steps = [step for _, step in pipeline.steps]
    if (
        len(steps) != 2
        or type(steps[0]) is not TfidfVectorizer
        or type(steps[1]) not in (LogisticRegression, MLPClassifier)
    ):
        found = ", ".join(type(step).__name__ for step in steps)
        raise not_convertible(f"Pipeline({found}) cannot be converted to ONNX; train a {wanted}.")
    return steps[0], steps[1]


def _check_logistic(classifier: Any) -> None:
    if classifier.solver == "liblinear":
        raise not_convertible(
            "LogisticRegression(solver='liblinear') is not multinomial; use solver='lbfgs'."
        )
    # Gone in scikit-learn 1.8; "ovr" there means probabilities that are no softmax.
    scheme = getattr(classifier, "multi_class", "auto")
    if scheme not in ("auto", "deprecated"):
        raise not_convertible(
            f"LogisticRegression(multi_class={scheme!r}) cannot be converted; leave it out."
        )


def _check_vocabulary(vocabulary: Any) -> None:
    for term in vocabulary or ():
        if not isinstance(term, str) or term != term.lower() or not re.fullmatch(r"\w\w+", term):
            raise not_convertible(
                f"The vocabulary holds {term!r}, which the front end can never produce: "
                "words are lower-case runs of at least two word characters."
            )
