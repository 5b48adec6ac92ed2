"""The ONNX graph of a BERT-like sentence encoder, from its weights; with a classifier or without.

Inputs are ``input_ids`` and ``attention_mask`` int64 [N, T]; the output is ``vector`` float32
[N, hidden size], or with a classifier ``probabilities`` float32 [N, K]. Tokens' types are not asked
for: a text is one sentence, so what they add is part of the positions' table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from switchyard_kit.text_graph import Graph, layers_of

_HIDDEN = -1e9  # what a padded token's score gets: its share of the attention is 0
_SMALLEST_NORM = 1e-12


def encoder_model(weights: Mapping[str, Any], config: Mapping[str, Any]) -> bytes:
    """The serialized encoder, for vectors."""
    bert = _Bert(weights, config)
    return _serialized(bert.graph, bert.vector("vector"), int(config["hidden_size"]))


def classifier_model(weights: Mapping[str, Any], config: Mapping[str, Any], head: Any) -> bytes:
    """The serialized encoder with a fitted LogisticRegression on its vectors."""
    bert = _Bert(weights, config)
    graph, vector = bert.graph, bert.vector("vector")
    ((weight, bias),) = layers_of(head)
    product = graph.add("MatMul", [vector, graph.constant("head", weight)], "head_product")
    scores = graph.add("Add", [product, graph.constant("head_bias", bias)], "scores")
    graph.add("Softmax", [scores], "probabilities", axis=-1)
    return _serialized(graph, "probabilities", len(head.classes_))


class _Bert:
    """The layers, one method each; every node's output is named by what it means."""

    def __init__(self, weights: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        self.graph = Graph()
        self.weights = weights
        self.config = config
        self.heads = int(config["num_attention_heads"])
        self.size = int(config["hidden_size"])

    def vector(self, output: str) -> str:
        add, constant = self.graph.add, self.graph.constant
        mask = add("Cast", ["attention_mask"], "mask", to=1)
        states = self._embedded()
        constant("axes12", [1, 2], "int64")
        constant("axis1", [1], "int64")
        constant("axis2", [2], "int64")
        absent = add("Sub", [constant("one", 1.0), mask], "absent")
        hidden = add("Mul", [absent, constant("hidden_score", _HIDDEN)], "hidden")
        hidden = add("Unsqueeze", [hidden, "axes12"], "hidden_keys")
        for layer in range(int(self.config["num_hidden_layers"])):
            states = self._layer(f"encoder.layer.{layer}", states, hidden)
        present = add("Unsqueeze", [mask, "axis2"], "present")
        kept = add("Mul", [states, present], "kept")
        total = add("ReduceSum", [kept, "axis1"], "total", keepdims=0)
        count = add("ReduceSum", [mask, "axis1"], "count", keepdims=1)
        mean = add("Div", [total, count], "mean")
        norm = add("ReduceL2", [mean, "axis1"], "norm", keepdims=1)
        norm = add("Max", [norm, constant("smallest_norm", _SMALLEST_NORM)], "norm_above_zero")
        return add("Div", [mean, norm], output)

    def _embedded(self) -> str:
        add, constant = self.graph.add, self.graph.constant
        places = self._weight("embeddings.position_embeddings.weight")
        places = places + self._weight("embeddings.token_type_embeddings.weight")[0]
        words = constant("words", self._weight("embeddings.word_embeddings.weight"))
        tokens = add("Gather", [words, "input_ids"], "tokens", axis=0)
        width = add("Shape", ["input_ids"], "width", start=1, end=2)
        bounds = [constant("start", [0], "int64"), width, constant("axis0", [0], "int64")]
        positions = add("Slice", [constant("places", places), *bounds], "positions")
        summed = add("Add", [tokens, positions], "embedded")
        constant("heads", [0, 0, self.heads, self.size // self.heads], "int64")
        constant("joined", [0, 0, self.size], "int64")
        constant("half", 0.5)
        constant("root_half", 0.5**0.5)
        constant("unit", 1.0)
        return self._normed("embeddings.LayerNorm", summed)

    def _layer(self, name: str, states: str, hidden: str) -> str:
        add = self.graph.add
        mixed = self._attention(f"{name}.attention", states, hidden)
        summed = add("Add", [states, mixed], f"{name}.attended")
        states = self._normed(f"{name}.attention.output.LayerNorm", summed)
        inner = self._gelu(name, self._dense(f"{name}.intermediate.dense", states))
        outer = self._dense(f"{name}.output.dense", inner)
        summed = add("Add", [states, outer], f"{name}.summed")
        return self._normed(f"{name}.output.LayerNorm", summed)

    def _attention(self, name: str, states: str, hidden: str) -> str:
        add = self.graph.add
        scale = (self.size // self.heads) ** -0.5  # of the scores, part of the query's weights
        query = self._by_head(f"{name}.self.query", states, [0, 2, 1, 3], scale)
        key = self._by_head(f"{name}.self.key", states, [0, 2, 3, 1])
        value = self._by_head(f"{name}.self.value", states, [0, 2, 1, 3])
        scores = add("MatMul", [query, key], f"{name}.scores")
        scores = add("Add", [scores, hidden], f"{name}.seen_scores")
        shares = add("Softmax", [scores], f"{name}.shares", axis=-1)
        mixed = add("MatMul", [shares, value], f"{name}.mixed")
        mixed = add("Transpose", [mixed], f"{name}.by_token", perm=[0, 2, 1, 3])
        joined = add("Reshape", [mixed, "joined"], f"{name}.joined")
        return self._dense(f"{name}.output.dense", joined)

    def _by_head(self, name: str, states: str, order: list[int], scale: float = 1.0) -> str:
        dense = self._dense(name, states, scale)
        split = self.graph.add("Reshape", [dense, "heads"], f"{name}.split")
        return self.graph.add("Transpose", [split], f"{name}.by_head", perm=order)

    def _dense(self, name: str, states: str, scale: float = 1.0) -> str:
        add, constant = self.graph.add, self.graph.constant
        weight = constant(f"{name}.weight", self._weight(f"{name}.weight").T * np.float32(scale))
        bias = constant(f"{name}.bias", self._weight(f"{name}.bias") * np.float32(scale))
        return add("Add", [add("MatMul", [states, weight], f"{name}.product"), bias], name)

    def _normed(self, name: str, states: str) -> str:
        scale, bias = (
            self.graph.constant(f"{name}.{part}", self._weight(f"{name}.{part}"))
            for part in ("weight", "bias")
        )
        epsilon = float(self.config["layer_norm_eps"])
        return self.graph.add(
            "LayerNormalization", [states, scale, bias], name, axis=-1, epsilon=epsilon
        )

    def _gelu(self, name: str, states: str) -> str:
        """By the error function: opset 18 has no operator of its own for it."""
        add = self.graph.add
        error = add("Erf", [add("Mul", [states, "root_half"], f"{name}.rooted")], f"{name}.erf")
        gate = add("Add", [error, "unit"], f"{name}.gate")
        gated = add("Mul", [states, gate], f"{name}.gated")
        return add("Mul", [gated, "half"], f"{name}.gelu")

    def _weight(self, name: str) -> Any:
        return self.weights[name]


def _serialized(graph: Graph, output: str, size: int) -> bytes:
    from onnx import TensorProto, helper

    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["rows", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    value = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["rows", size])
    return graph.serialized("bert", inputs, value)
