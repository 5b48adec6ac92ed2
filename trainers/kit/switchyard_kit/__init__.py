"""The kit of a Switchyard trainer: everything a training script needs besides the model itself.

A script calls :func:`main` with its ``train`` function; the kit reads the request, checks rows and
parameters, saves the fitted estimator without pickles, and converts it to ONNX when asked to.
The core needs the standard library only; converters import numpy, scikit-learn and onnx when used.
"""

from switchyard_kit.events import metric, progress
from switchyard_kit.failures import TrainerFailure
from switchyard_kit.parameters import choice, number, whole
from switchyard_kit.request import Request
from switchyard_kit.rows import Rows
from switchyard_kit.run import main

__version__ = "0.1.0"

__all__ = [
    "Request",
    "Rows",
    "TrainerFailure",
    "__version__",
    "choice",
    "main",
    "metric",
    "number",
    "progress",
    "whole",
]
