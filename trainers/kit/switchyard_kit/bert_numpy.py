"""BERT's forward pass in numpy, straight from the weights: what an ONNX graph is held to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Weights = Mapping[str, Any]


def sentence_vectors(weights: Weights, config: Mapping[str, Any], ids: Any, mask: Any) -> Any:
    """Mean of the last layer over the tokens that ``mask`` has, divided by its length.

    ``ids`` and ``mask`` are int64 [N, T]; the result is float32 [N, hidden size].
    """
    epsilon = config["layer_norm_eps"]
    tokens = weights["embeddings.word_embeddings.weight"][ids]
    positions = weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
    kinds = weights["embeddings.token_type_embeddings.weight"][0]
    states = _normed(weights, "embeddings.LayerNorm", tokens + positions + kinds, epsilon)
    for layer in range(config["num_hidden_layers"]):
        name = f"encoder.layer.{layer}"
        mixed = _attention(weights, f"{name}.attention", states, mask, config)
        states = _normed(weights, f"{name}.attention.output.LayerNorm", states + mixed, epsilon)
        inner = _gelu(_dense(weights, f"{name}.intermediate.dense", states))
        outer = _dense(weights, f"{name}.output.dense", inner)
        states = _normed(weights, f"{name}.output.LayerNorm", states + outer, epsilon)
    present = mask[:, :, None].astype(np.float32)
    mean = (states * present).sum(1) / present.sum(1)
    return mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)


def _attention(
    weights: Weights, name: str, states: Any, mask: Any, config: Mapping[str, Any]
) -> Any:
    rows, width, size = states.shape
    heads = config["num_attention_heads"]

    def by_head(part: str) -> Any:
        values = _dense(weights, f"{name}.self.{part}", states)
        return values.reshape(rows, width, heads, size // heads).transpose(0, 2, 1, 3)

    query, key, value = (by_head(part) for part in ("query", "key", "value"))
    scores = query @ key.transpose(0, 1, 3, 2) / np.float32((size // heads) ** 0.5)
    scores = np.where(mask[:, None, None, :] == 1, scores, np.float32(-np.inf))
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    mixed = (shares @ value).transpose(0, 2, 1, 3).reshape(rows, width, size)
    return _dense(weights, f"{name}.output.dense", mixed)


def _dense(weights: Weights, name: str, states: Any) -> Any:
    # as one product of two matrices: a stack of small ones is slower
    flat = states.reshape(-1, states.shape[-1]) @ weights[f"{name}.weight"].T
    return (flat + weights[f"{name}.bias"]).reshape(*states.shape[:-1], -1)


def _normed(weights: Weights, name: str, states: Any, epsilon: float) -> Any:
    centred = states - states.mean(-1, keepdims=True)
    spread = np.sqrt((centred * centred).mean(-1, keepdims=True) + np.float32(epsilon))
    return centred / spread * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def _gelu(states: Any) -> Any:
    from scipy.special import erf

    return states * np.float32(0.5) * (1 + erf(states * np.float32(0.5**0.5)))
