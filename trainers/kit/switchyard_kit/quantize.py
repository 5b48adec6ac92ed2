"""A smaller twin of an ONNX model: its weights as 8-bit whole numbers.

Dynamic quantization: weights of MatMul, Gemm and Gather become int8 once, activations at every
call. Convolutions stay as they are, for their 8-bit form is slower. ``python -m
switchyard_kit.quantize <model.onnx> <twin.onnx>`` does it; the kit runs that in a process of its
own, so that a model that does not fit into memory twice costs the twin and not the conversion.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from switchyard_kit import events
from switchyard_kit.files import write_bytes, write_json
from switchyard_kit.request import Request

OPERATORS = ("MatMul", "Gemm", "Gather")
DESCRIPTION = "model.json"
LONGEST_REASON = 1000


def add_twin(request: Request) -> None:
    """Does what the request says of a twin, and notes it under ``twin`` in model.json.

    With ``request.twin`` the twin lies beside the model, ``model.int8.onnx`` beside ``model.onnx``;
    where it cannot be made model.json says why, and nothing fails. Without it, and where the model
    is larger than ``request.offer_twin_above``, model.json says how large a twin would be. A script
    that has noted a twin itself keeps its own.
    """
    path = request.output / DESCRIPTION
    if request.twin is None and request.offer_twin_above is None:
        return
    description = json.loads(path.read_bytes()) if path.is_file() else {}
    model = request.output / str(description.get("artifact", ""))
    if "twin" in description or not model.is_file() or not _is_wanted(request, model):
        return  # whoever reads model.json says what is wrong with it
    events.progress(1, "quantizing a smaller twin")
    description["twin"] = _twin_of(model, is_kept=request.twin is not None)
    write_json(path, description)


def _is_wanted(request: Request, model: Path) -> bool:
    if request.twin is not None:
        return True
    above = request.offer_twin_above
    return above is not None and model.stat().st_size > above


def _twin_of(model: Path, is_kept: bool) -> dict[str, Any]:
    """What model.json says of the twin, once it is there or could not be made."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "twin.onnx"
        command = [sys.executable, "-m", "switchyard_kit.quantize", str(model), str(made)]
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if ended.returncode != 0 or not made.is_file():
            return {"kind": "failed", "reason": _why(ended)[:LONGEST_REASON]}
        if not is_kept:
            return {"kind": "offered", "bytes": made.stat().st_size}
        name = f"{model.name.removesuffix('.onnx')}.int8.onnx"
        write_bytes(model.with_name(name), made.read_bytes())
    return {"kind": "made", "artifact": name}


def _why(ended: subprocess.CompletedProcess[str]) -> str:
    said = ended.stderr.strip().splitlines()
    if "No module named 'onnxruntime" in ended.stderr:
        return "the trainer's Python has no onnxruntime: add it to the project and lock it"
    last = said[-1] if said else "it said nothing"
    if ended.returncode < 0:
        return f"the quantizer was ended by signal {-ended.returncode}, as for memory: {last}"
    return f"the quantizer ended with exit code {ended.returncode}: {last}"


def quantize(model: Path, twin: Path) -> None:
    """Writes the int8 twin of ``model``; the same model gives the same bytes."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        model,
        twin,
        op_types_to_quantize=list(OPERATORS),
        weight_type=QuantType.QInt8,
        # A MatMul of two activations, as in a bag of words, has no weights to make smaller.
        extra_options={"MatMulConstBOnly": True},
    )


if __name__ == "__main__":
    quantize(Path(sys.argv[1]), Path(sys.argv[2]))
