"""Failures a trainer reports by type, so that the caller knows what happens next."""

from __future__ import annotations


class TrainerFailure(Exception):
    """Training or converting cannot succeed with this input; trying again changes nothing.

    ``type`` is one PascalCase word the caller matches on; the message is one sentence that says
    what was expected, what was got and what to do.
    """

    def __init__(self, type: str, message: str) -> None:
        super().__init__(message)
        self.type = type
        self.message = message


def no_rows(source: str) -> TrainerFailure:
    """``NoRows``: there is nothing to learn from in the file named ``source``."""
    return TrainerFailure("NoRows", f"{source} holds no rows; check the snapshot's time cut.")


def one_class(source: str, label: object) -> TrainerFailure:
    """``OneClass``: every row carries the same label, so a classifier has nothing to tell apart."""
    return TrainerFailure(
        "OneClass",
        f"Every row of {source} has the label {label!r}; a classifier needs at least two labels.",
    )


def missing_column(source: str, row: int, column: str, found: list[str]) -> TrainerFailure:
    """``MissingColumn``: row number ``row`` (the first is 1) of ``source`` lacks ``column``."""
    return TrainerFailure(
        "MissingColumn",
        f'Row {row} of {source} has no column "{column}"; it has {", ".join(found) or "none"}.',
    )


def invalid_row(source: str, row: int, problem: str) -> TrainerFailure:
    """``InvalidRow``: row number ``row`` (the first is 1) of ``source`` is malformed."""
    return TrainerFailure("InvalidRow", f"Row {row} of {source} {problem}.")


def invalid_parameter(message: str) -> TrainerFailure:
    """``InvalidParameter``: a parameter is unknown, of the wrong type or out of range."""
    return TrainerFailure("InvalidParameter", message)


def invalid_request(message: str) -> TrainerFailure:
    """``InvalidRequest``: request.json is missing or is not a request this kit understands."""
    return TrainerFailure("InvalidRequest", message)


def not_convertible(message: str) -> TrainerFailure:
    """``NotConvertible``: the estimator is outside what the converters turn into ONNX."""
    return TrainerFailure("NotConvertible", message)


def untrusted_artifact(message: str) -> TrainerFailure:
    """``UntrustedArtifact``: a native artifact holds types outside the trusted list."""
    return TrainerFailure("UntrustedArtifact", message)
