from __future__ import annotations

from typing import Any

import pytest
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from switchyard_kit import TrainerFailure
from switchyard_kit.text_pipeline import check_convertible


class OtherWords(TfidfVectorizer):
    pass


def text(classifier: Any = None, **settings: Any) -> Any:
    return make_pipeline(TfidfVectorizer(**settings), classifier or LogisticRegression())


@pytest.mark.parametrize(
    "pipeline",
    [
        text(),
        text(MLPClassifier()),
        text(sublinear_tf=True, norm=None, min_df=3, max_df=0.5, max_features=100),
        text(vocabulary=["aa", "straße", "οδος", "東京"]),
    ],
)
def test_a_word_pipeline_is_accepted_before_it_is_fitted(pipeline: Any) -> None:
    check_convertible(pipeline)


@pytest.mark.parametrize(
    ("pipeline", "sentence"),
    [
        (text(analyzer="char_wb"), "TfidfVectorizer(analyzer='char_wb')"),
        (text(ngram_range=(1, 2)), "TfidfVectorizer(ngram_range=(1, 2))"),
        (text(stop_words="english"), "stop_words='english'"),
        (text(strip_accents="unicode"), "strip_accents='unicode'"),
        (text(lowercase=False), "lowercase=False"),
        (text(token_pattern=r"\S+"), "token_pattern"),
        (text(tokenizer=str.split), "tokenizer="),
        (text(preprocessor=str.upper), "preprocessor="),
        (text(binary=True), "binary=True"),
        (text(norm="l1"), "norm='l1'"),
        (text(vocabulary=["AA"]), "'AA'"),
        (text(vocabulary=["a"]), "'a'"),
        (text(vocabulary=["two words"]), "'two words'"),
        (text(LogisticRegression(solver="liblinear")), "liblinear"),
        (text(SGDClassifier()), "Pipeline(TfidfVectorizer, SGDClassifier)"),
        (make_pipeline(CountVectorizer(), LogisticRegression()), "Pipeline(CountVectorizer"),
        (make_pipeline(HashingVectorizer(), LogisticRegression()), "Pipeline(HashingVectorizer"),
        (make_pipeline(OtherWords(), LogisticRegression()), "Pipeline(OtherWords"),
        (make_pipeline(TfidfVectorizer()), "Pipeline(TfidfVectorizer)"),
        (LogisticRegression(), "A LogisticRegression cannot be converted"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_everything_else_is_refused_by_name(pipeline: Any, sentence: str) -> None:
    with pytest.raises(TrainerFailure) as caught:
        check_convertible(pipeline)
    assert caught.value.type == "NotConvertible"
    assert sentence in caught.value.message
