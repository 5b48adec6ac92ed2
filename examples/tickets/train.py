"""Trains the ticket router: TF-IDF and a linear or one-layer classifier over the mail's words."""

import random

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from switchyard_kit import Request, Rows, choice, main, number, whole
from switchyard_kit.text_training import fit_text_classifier


def train(request: Request, rows: Rows) -> object:
    """Returns the fitted pipeline; the kit saves and converts it."""
    given = request.parameters(
        model=choice("logistic", "mlp"),
        c=number(4.0, above=0),
        hidden=whole(64, at_least=1),
        epochs=whole(20, at_least=1),
        min_df=whole(2, at_least=1),
        sublinear=True,
        shuffle_labels=False,
    )
    labels = rows.labels
    if given.shuffle_labels:  # a saboteur's switch: a model that learned nothing, for the gates
        random.Random(request.seed).shuffle(labels)
    words = TfidfVectorizer(min_df=given.min_df, sublinear_tf=given.sublinear, dtype=np.float32)
    if given.model == "mlp":
        classifier = MLPClassifier(
            (given.hidden,), learning_rate_init=0.003, batch_size=400, random_state=request.seed
        )
    else:  # balanced: the smallest queue has 53 mails, the largest over a thousand
        classifier = LogisticRegression(
            C=given.c, class_weight="balanced", max_iter=1000, random_state=request.seed
        )
    return fit_text_classifier(
        request, make_pipeline(words, classifier), rows, given.epochs, labels
    )


if __name__ == "__main__":
    main(train)
