from __future__ import annotations

from typing import Any

import pytest
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
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
        text(vocabulary=["two words", "words"], ngram_range=(1, 2)),
        text(vocabulary=[" ab", "ab "], analyzer="char_wb", ngram_range=(3, 3)),
        text(analyzer="char", ngram_range=[2, 5], strip_accents="ascii", lowercase=False),
        text(stop_words="english", strip_accents="unicode", norm="l1", use_idf=False, binary=True),
        text(stop_words=["the"], token_pattern=r"(?u)\b\w+\b"),
        make_pipeline(CountVectorizer(), LogisticRegression()),
        make_pipeline(CountVectorizer(binary=True), TfidfTransformer(), MLPClassifier()),
    ],
)
def test_a_covered_pipeline_is_accepted_before_it_is_fitted(pipeline: Any) -> None:
    check_convertible(pipeline)


@pytest.mark.parametrize(
    ("pipeline", "sentence"),
    [
        (text(analyzer=str.split), "only analyzer='word' or 'char' or 'char_wb' can"),
        (text(ngram_range=(0, 2)), "TfidfVectorizer(ngram_range=(0, 2))"),
        (text(ngram_range=(1, 65)), "1 <= a <= b <= 64"),
        (text(stop_words="german"), "stop_words='german'"),
        (text(stop_words={"the"}), "stop_words={'the'}"),
        (text(strip_accents=str.upper), "only strip_accents=None or 'unicode' or 'ascii' can"),
        (text(input="file"), "only input='content' can"),
        (text(norm="max"), "norm='max'"),
        (text(vocabulary=["ab"], stop_words=["ab"]), "'ab'"),
        (text(vocabulary=["abcd"], analyzer="char", ngram_range=(1, 3)), "'abcd'"),
        (text(vocabulary=[7]), "7"),
        (
            make_pipeline(TfidfVectorizer(), TfidfTransformer(), LogisticRegression()),
            "Pipeline(TfidfVectorizer, TfidfTransformer, LogisticRegression)",
        ),
        (text(token_pattern=r"\S+"), "token_pattern"),
        (text(tokenizer=str.split), "tokenizer="),
        (text(preprocessor=str.upper), "preprocessor="),
        (text(vocabulary=["AA"]), "'AA'"),
        (text(vocabulary=["a"]), "'a'"),
        (text(vocabulary=["two words"]), "'two words'"),
        (text(LogisticRegression(solver="liblinear")), "liblinear"),
        (text(SGDClassifier()), "Pipeline(TfidfVectorizer, SGDClassifier)"),
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
