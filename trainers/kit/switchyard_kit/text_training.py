"""Fitting a text pipeline with progress, and with checkpoints where training goes by epochs."""

from __future__ import annotations

from typing import Any

from switchyard_kit import events, native
from switchyard_kit.request import Request
from switchyard_kit.rows import Rows
from switchyard_kit.text_pipeline import check_convertible


def fit_text_classifier(
    request: Request, pipeline: Any, rows: Rows, epochs: int = 1, labels: list[str] | None = None
) -> Any:
    """Fits ``pipeline`` on the columns ``text`` and ``label`` and returns it.

    Refuses what could not be converted (``NotConvertible``) before it starts. An MLPClassifier goes
    ``epochs`` times over the rows, with a checkpoint every few seconds; an attempt that finds one
    goes on from it and ends with the same weights as one that was never interrupted. Other
    classifiers are fitted in one call and ``epochs`` is not used. ``labels`` replaces the column
    ``label``.
    """
    check_convertible(pipeline)
    texts = rows.texts
    labels = rows.labels if labels is None else labels
    classifier = pipeline[-1]
    if hasattr(classifier, "partial_fit"):
        _fit_by_epochs(request, pipeline, texts, labels, epochs)
    else:
        events.progress(0, f"fitting on {len(texts)} rows")
        classifier.fit(pipeline[:-1].fit_transform(texts), labels)
    events.metric("train-accuracy", float(pipeline.score(texts, labels)))
    return pipeline


def _fit_by_epochs(
    request: Request, pipeline: Any, texts: list[str], labels: list[str], epochs: int
) -> None:
    classifier = pipeline[-1]
    vectors = pipeline[:-1].fit_transform(texts)
    classes = sorted(set(labels))
    start = 0
    if found := request.checkpoints.newest(native.load_file):
        start, classifier = found
        events.progress(start / epochs, f"going on after epoch {start} of {epochs}")
    for epoch in range(start + 1, epochs + 1):
        # partial_fit starts its shuffling anew at every call: another seed, another order of rows.
        classifier.set_params(random_state=request.seed + epoch)
        classifier.partial_fit(vectors, labels, classes=classes)
        if request.checkpoints.is_due():
            request.checkpoints.save(epoch, native.dumps(classifier), ".skops")
        events.progress(epoch / epochs, f"epoch {epoch} of {epochs}, loss {classifier.loss_:.4f}")
        events.metric("train-loss", float(classifier.loss_))
    classifier.set_params(random_state=request.seed)
    name = pipeline.steps[-1][0]
    pipeline.set_params(**{name: classifier})
