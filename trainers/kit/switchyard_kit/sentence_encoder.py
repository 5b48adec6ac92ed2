"""A BERT-like sentence encoder from its weights: texts in, vectors of length 1 out.

The folder is one of the package sentence-transformers: ``model.safetensors``, ``config.json``,
``tokenizer.json``, ``modules.json`` and ``1_Pooling``. Nothing of torch is needed: onnxruntime runs
the graph that is served, and :meth:`SentenceEncoder.reference` computes the same with numpy alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from switchyard_kit.bert_graph import encoder_model
from switchyard_kit.bert_numpy import sentence_vectors
from switchyard_kit.failures import invalid_parameter, not_convertible
from switchyard_kit.wordpiece import Wordpiece

_TOKENS_A_BATCH = 2048
_COVERED: dict[str, dict[str, object]] = {
    "config.json": {
        "model_type": "bert",
        "hidden_act": "gelu",
        "position_embedding_type": "absolute",
    },
    "1_Pooling/config.json": {
        "pooling_mode_mean_tokens": True,
        "pooling_mode_cls_token": False,
        "pooling_mode_max_tokens": False,
        "pooling_mode_mean_sqrt_len_tokens": False,
    },
}
_MODULES = ["Transformer", "Pooling", "Normalize"]


class SentenceEncoder:
    """The encoder in ``folder``, for texts of at most ``max_tokens`` tokens.

    Raises TrainerFailure: ``InvalidParameter`` where the weights have no room for so many tokens,
    ``NotConvertible`` for an architecture, a pooling or a tokenizer that is not covered.
    """

    def __init__(self, folder: Path, max_tokens: int) -> None:
        from safetensors.numpy import load_file

        self.config = _checked_config(folder)
        most = int(self.config["max_position_embeddings"])
        if max_tokens > most:
            raise invalid_parameter(
                f'The parameter "max_tokens" takes at most {most}, for which the encoder has '
                f"positions; got {max_tokens}."
            )
        self.wordpiece = Wordpiece(folder / "tokenizer.json", max_tokens)
        self.weights: dict[str, Any] = load_file(folder / "model.safetensors")

    def vectors(self, texts: list[str], on_batch: Callable[[int], None] | None = None) -> Any:
        """Vectors float32 [texts, width] by onnxruntime; ``on_batch`` hears how many are done."""
        return self._embedded(texts, self._run, on_batch)

    def reference(self, texts: list[str]) -> Any:
        """The same by numpy from the weights themselves: what the graph is held against."""
        return self._embedded(texts, self._compute, None)

    def _embedded(
        self,
        texts: list[str],
        compute: Callable[[Any, Any], Any],
        on_batch: Callable[[int], None] | None,
    ) -> Any:
        rows = self.wordpiece.encode(texts)
        vectors = np.zeros((len(rows), self.config["hidden_size"]), np.float32)
        done = 0
        for chosen in _batches([len(row) for row in rows]):
            vectors[chosen] = compute(*self._padded([rows[index] for index in chosen]))
            done += len(chosen)
            if on_batch:
                on_batch(done)
        return vectors

    def _padded(self, rows: list[list[int]]) -> tuple[Any, Any]:
        width = max(len(row) for row in rows)
        ids = np.full((len(rows), width), self.wordpiece.padding, np.int64)
        mask = np.zeros((len(rows), width), np.int64)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = row
            mask[index, : len(row)] = 1
        return ids, mask

    def _compute(self, ids: Any, mask: Any) -> Any:
        return sentence_vectors(self.weights, self.config, ids, mask)

    def _run(self, ids: Any, mask: Any) -> Any:
        return self._session.run(["vector"], {"input_ids": ids, "attention_mask": mask})[0]

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "0"))
        model = encoder_model(self.weights, self.config)
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _batches(lengths: list[int]) -> Iterator[list[int]]:
    """Rows of like length together: every row costs as much as the longest of its batch."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[index] > _TOKENS_A_BATCH:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _checked_config(folder: Path) -> dict[str, Any]:
    modules = [one["type"].split(".")[-1] for one in _json(folder, "modules.json")]
    if modules != _MODULES:
        raise not_convertible(f"An encoder of {modules} cannot be converted; only {_MODULES} can.")
    for file, settings in _COVERED.items():
        given = _json(folder, file)
        for name, covered in settings.items():
            if given.get(name) != covered:
                raise not_convertible(
                    f"An encoder whose {file} has {name}={given.get(name)!r} cannot be converted; "
                    f"only {name}={covered!r} can."
                )
    return _json(folder, "config.json")


def _json(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_bytes())
