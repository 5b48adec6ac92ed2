"""The frame around a user's script: request in, artifacts and typed failures out."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any

from switchyard_kit import events
from switchyard_kit.failures import TrainerFailure
from switchyard_kit.request import Request, read_request
from switchyard_kit.rows import Rows, read_rows

EXIT_CRASHED = 1
EXIT_REFUSED = 2

Train = Callable[[Request, Rows], Any]
Convert = Callable[[Request, Any], None]


def main(train: Train, convert: Convert | None = None) -> None:
    """Does what the request says and ends the process.

    ``train(request, rows)`` returns a fitted estimator, which the kit saves. ``convert(request,
    estimator)`` writes the ONNX model into ``request.output``; without it the kit's own converter
    does. A smaller twin that the request wants is made of what either wrote. Exit code 0: done; 2:
    the input can never work, with an event of its type; 1: anything else, with an event
    ``TrainerCrashed`` and the traceback on stderr.
    """
    sys.exit(_run(train, convert))


def _run(train: Train, convert: Convert | None) -> int:
    try:
        request = read_request()
        if request.command == "train":
            _train(request, train, own_converter=convert is not None)
        else:
            _convert(request, convert)
    except TrainerFailure as error:
        events.failure(error.type, error.message)
        print(f"{error.type}: {error.message}", file=sys.stderr)
        return EXIT_REFUSED
    except Exception as error:
        traceback.print_exc()
        events.failure("TrainerCrashed", traceback.format_exception_only(error)[-1].strip())
        return EXIT_CRASHED
    return 0


def _train(request: Request, train: Train, own_converter: bool) -> None:
    from switchyard_kit import native

    assert request.train is not None
    events.progress(0, "reading rows")
    rows = read_rows(request.train)
    estimator = train(request, rows)
    events.progress(1, f"trained on {len(rows)} rows")
    native.save(request, estimator, rows=len(rows), own_converter=own_converter)


def _convert(request: Request, convert: Convert | None) -> None:
    from switchyard_kit import native, quantize

    assert request.native is not None
    events.progress(0, "loading the trained model")
    estimator = native.load(request.native)
    if convert is None:
        from switchyard_kit.text_converter import convert_text_classifier

        convert = convert_text_classifier
    convert(request, estimator)
    quantize.add_twin(request)
    events.progress(1, "converted to ONNX")
