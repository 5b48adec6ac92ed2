"""Trains the transaction classifier: TF-IDF over pieces of words, and a linear classifier."""

import random

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from switchyard_kit import Request, Rows, choice, main, number, whole
from switchyard_kit.text_training import fit_text_classifier


def train(request: Request, rows: Rows) -> object:
    """Returns the fitted pipeline; the kit saves and converts it."""
    given = request.parameters(
        terms=choice("pieces", "words"),
        longest=whole(4, at_least=1),
        min_df=whole(2, at_least=1),
        c=number(4.0, above=0),
        shuffle_labels=False,
    )
    labels = rows.labels
    if given.shuffle_labels:  # a saboteur's switch: a model that learned nothing, for the gates
        random.Random(request.seed).shuffle(labels)
    settings = {"min_df": given.min_df, "sublinear_tf": True, "dtype": np.float32}
    if given.terms == "words":
        terms = TfidfVectorizer(**settings)
    else:  # of one to four characters: a name never seen has endings and syllables that were
        terms = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, given.longest), **settings)
    classifier = LogisticRegression(C=given.c, tol=1e-3, max_iter=1000, random_state=request.seed)
    return fit_text_classifier(request, make_pipeline(terms, classifier), rows, labels=labels)


if __name__ == "__main__":
    main(train)
