"""Which text classifiers the converter turns into ONNX, decided before anything is trained.

The front end that serves a model (case, accents, cutting into terms, a vocabulary) lives outside
the graph and does what scikit-learn's vectorizers do with the settings listed here; everything that
cuts differently is refused by name.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from switchyard_kit.failures import not_convertible
from switchyard_kit.unicode_14 import as_unicode_14

TOKEN_PATTERNS = {r"(?u)\b\w\w+\b": 2, r"(?u)\b\w+\b": 1}
"""scikit-learn's default and the one that keeps single characters, with their least length."""

MAX_NGRAM = 64
"""In words or characters, as the front end's schema has it."""

_ALLOWED: dict[str, tuple[Any, ...]] = {
    "input": ("content",),
    "analyzer": ("word", "char", "char_wb"),
    "lowercase": (True, False),
    "strip_accents": (None, "unicode", "ascii"),
    "binary": (True, False),
    "tokenizer": (None,),
    "preprocessor": (None,),
}
_NORMS = ("l1", "l2", None)
_ACTIVATIONS = ("identity", "logistic", "relu", "tanh")


class Parts(NamedTuple):
    """A text pipeline's steps; ``weighting`` is what holds the settings of tf-idf, if any does."""

    vectorizer: Any
    weighting: Any | None
    classifier: Any


def check_convertible(pipeline: Any) -> None:
    """Returns when ``pipeline``, fitted or not, can be converted.

    Accepted: Pipeline(TfidfVectorizer or CountVectorizer, LogisticRegression or MLPClassifier),
    with or without a TfidfTransformer after a CountVectorizer. Raises TrainerFailure
    ``NotConvertible`` with one sentence that names the setting and what is allowed.
    """
    vectorizer, weighting, classifier = parts(pipeline)
    _check_vectorizer(vectorizer)
    if weighting is not None and weighting.norm not in _NORMS:
        raise _refused(weighting, "norm", weighting.norm, _NORMS)
    if type(classifier).__name__ == "LogisticRegression":
        check_logistic(classifier)
    elif classifier.activation not in _ACTIVATIONS:
        raise _refused(classifier, "activation", classifier.activation, _ACTIVATIONS)


def parts(pipeline: Any) -> Parts:
    """The steps of a text pipeline, else ``NotConvertible``.

    Types are compared exactly: a subclass may compute something else.
    """
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import Pipeline

    wanted = (
        "Pipeline(TfidfVectorizer, LogisticRegression or MLPClassifier), where a CountVectorizer, "
        "or one and a TfidfTransformer, may stand for the TfidfVectorizer"
    )
    if type(pipeline) is not Pipeline:
        raise not_convertible(
            f"A {type(pipeline).__name__} cannot be converted to ONNX; train a {wanted}."
        )
    steps = [step for _, step in pipeline.steps]
    if steps and type(steps[-1]) in (LogisticRegression, MLPClassifier):
        first = [type(step) for step in steps[:-1]]
        if first == [TfidfVectorizer]:
            return Parts(steps[0], steps[0], steps[-1])
        if first in ([CountVectorizer], [CountVectorizer, TfidfTransformer]):
            return Parts(steps[0], steps[1] if len(first) == 2 else None, steps[-1])
    found = ", ".join(type(step).__name__ for step in steps)
    raise not_convertible(f"Pipeline({found}) cannot be converted to ONNX; train a {wanted}.")


def _check_vectorizer(vectorizer: Any) -> None:
    for name, allowed in _ALLOWED.items():
        given = getattr(vectorizer, name)
        if not any(given is one or (type(given) is str and given == one) for one in allowed):
            raise _refused(vectorizer, name, given, allowed)
    if vectorizer.analyzer == "word":
        if vectorizer.token_pattern not in TOKEN_PATTERNS:
            raise _refused(vectorizer, "token_pattern", vectorizer.token_pattern, TOKEN_PATTERNS)
        _check_stop_words(vectorizer)
    _check_ngram_range(vectorizer)
    _check_vocabulary(vectorizer)


def _check_stop_words(vectorizer: Any) -> None:
    given = vectorizer.stop_words
    if given is None or given == "english":
        return
    if not isinstance(given, list) or not all(isinstance(word, str) for word in given):
        allowed = (None, "english", "a list of words")
        raise _refused(vectorizer, "stop_words", given, allowed)


def _check_ngram_range(vectorizer: Any) -> None:
    given = vectorizer.ngram_range
    least, most = given
    if not 1 <= least <= most <= MAX_NGRAM:
        raise not_convertible(
            f"{type(vectorizer).__name__}(ngram_range={given!r}) cannot be converted to ONNX; "
            f"only (a, b) with 1 <= a <= b <= {MAX_NGRAM} can."
        )


def check_logistic(classifier: Any) -> None:
    """Refuses a LogisticRegression whose probabilities are no softmax: ``NotConvertible``."""
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


def _check_vocabulary(vectorizer: Any) -> None:
    """A vocabulary given by hand may hold what no text gives; a learnt one cannot."""
    if vectorizer.vocabulary is None:
        return
    terms_of = vectorizer.build_analyzer()
    for term in vectorizer.vocabulary:
        if not isinstance(term, str) or as_unicode_14(term) != term or term not in terms_of(term):
            raise not_convertible(
                f"The vocabulary holds {term!r}, which the front end can never produce: "
                f"no text gives it with the settings of this {type(vectorizer).__name__}."
            )


def _refused(step: Any, name: str, given: Any, allowed: Any) -> Exception:
    choice = " or ".join(repr(one) for one in allowed)
    return not_convertible(
        f"{type(step).__name__}({name}={given!r}) cannot be converted to ONNX; "
        f"only {name}={choice} can."
    )
