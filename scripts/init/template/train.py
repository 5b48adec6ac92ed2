"""Trains the model: TF-IDF and a linear classifier over the words of each text."""

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from switchyard_kit import Request, Rows, main, number, whole
from switchyard_kit.text_training import fit_text_classifier


def train(request: Request, rows: Rows) -> object:
    """Returns the fitted pipeline; the kit saves it and converts it to ONNX."""
    given = request.parameters(c=number(4.0, above=0), min_df=whole(1, at_least=1))
    words = TfidfVectorizer(min_df=given.min_df, sublinear_tf=True)
    classifier = LogisticRegression(C=given.c, max_iter=1000, random_state=request.seed)
    return fit_text_classifier(request, make_pipeline(words, classifier), rows)


if __name__ == "__main__":
    main(train)
