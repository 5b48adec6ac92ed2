"""The numeric ONNX graph of a bag-of-words classifier.

Inputs are ``ids`` int32 [N, T] (0 is padding) and ``counts`` float32 [N, T] (how often the word
stands in the text, every word once a row); the output is ``probabilities`` float32 [N, K]. Tables
have V + 1 rows with row 0 all zero, so padding adds nothing. The inverse document frequency is
folded into the first layer, and the text's norm divides after the sum instead of before it:
the same number with one pass over the words.
"""

from __future__ import annotations

from typing import Any

from switchyard_kit.text_pipeline import Parts

OPSET = 18
IR_VERSION = 10
_SMALLEST_NORM = 1e-12  # a text without a known word has norm 0: its scores are the biases alone

_NORMS = {"l1": "ReduceL1", "l2": "ReduceL2"}
_ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid"}


class Graph:
    """Collects nodes and constants; every node's output is named by what it means."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Adds one node and returns the name of its output."""
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: Any, dtype: str = "float32") -> str:
        """Adds one initializer and returns its name."""
        import numpy
        from onnx import numpy_helper

        array = numpy.ascontiguousarray(numpy.asarray(value, dtype=dtype))
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def serialized(self, name: str, inputs: list[Any], output: Any) -> bytes:
        """The checked model; inputs and output are value infos."""
        from onnx import checker, helper

        from switchyard_kit import __version__

        model = helper.make_model(
            helper.make_graph(self.nodes, name, inputs, [output], self.constants),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="switchyard-kit",
            producer_version=__version__,
        )
        checker.check_model(model, full_check=True)
        return model.SerializeToString(deterministic=True)


def bag_of_words_graph(fitted: Parts) -> bytes:
    """The serialized model of a fitted text pipeline; plain counts where it has no tf-idf."""
    import numpy

    vectorizer, weighting, classifier = fitted
    idf = numpy.ones(len(vectorizer.vocabulary_))
    if weighting is not None and weighting.use_idf:
        idf = weighting.idf_
    norm = None if weighting is None else weighting.norm
    layers = layers_of(classifier)
    graph = Graph()
    frequency = _term_frequency(graph, sublinear=weighting is not None and weighting.sublinear_tf)
    weight, bias = layers[0]
    table = graph.constant("table0", _with_padding(weight * idf[:, None]))
    rows = graph.add("Gather", [table, "ids"], "rows", axis=0)
    axis = graph.constant("axis1", [1], "int64")
    as_row = graph.add("Unsqueeze", [frequency, axis], "frequency_row")
    product = graph.add("MatMul", [as_row, rows], "weighted_row")
    scores = graph.add("Squeeze", [product, axis], "weighted")
    if norm is not None:
        length = _norm(graph, frequency, idf, _NORMS[norm])
        scores = graph.add("Div", [scores, length], "normed")
    scores = graph.add("Add", [scores, graph.constant("bias0", bias)], "scores0")
    for index, (weight, bias) in enumerate(layers[1:], start=1):
        hidden = _activate(graph, classifier.activation, scores, index - 1)
        weight_name = graph.constant(f"weight{index}", weight)
        product = graph.add("MatMul", [hidden, weight_name], f"product{index}")
        scores = graph.add("Add", [product, graph.constant(f"bias{index}", bias)], f"scores{index}")
    graph.add("Softmax", [scores], "probabilities", axis=-1)
    return _serialized(graph, classes=len(classifier.classes_))


def layers_of(classifier: Any) -> list[tuple[Any, Any]]:
    """Weights [in, out] and biases [out] of each layer, the last one with a column a class.

    With two classes scikit-learn keeps one score s and answers sigmoid(s); softmax over (0, s) is
    the same number.
    """
    import numpy

    if hasattr(classifier, "coef_"):
        layers = [(classifier.coef_.T, classifier.intercept_)]
    else:
        layers = list(zip(classifier.coefs_, classifier.intercepts_, strict=True))
    weight, bias = layers[-1]
    if weight.shape[1] == 1:
        zeros = numpy.zeros_like(weight)
        layers[-1] = (numpy.hstack([zeros, weight]), numpy.concatenate([[0.0], bias]))
    return layers


def _term_frequency(graph: Graph, sublinear: bool) -> str:
    """Counts, or 1 + log(count) where a count stands and 0 where it is padding."""
    if not sublinear:
        return "counts"
    one = graph.constant("one", 1.0)
    logarithm = graph.add("Log", [graph.add("Max", ["counts", one], "at_least_one")], "logarithm")
    return graph.add("Add", [logarithm, graph.add("Min", ["counts", one], "present")], "frequency")


def _norm(graph: Graph, frequency: str, idf: Any, operator: str) -> str:
    """The length [N, 1] of each text's vector."""
    table = graph.constant("idf", _with_padding(idf))
    weights = graph.add("Gather", [table, "ids"], "idf_of_word", axis=0)
    vector = graph.add("Mul", [frequency, weights], "vector")
    norm = graph.add(operator, [vector, "axis1"], "norm", keepdims=1)
    smallest = graph.constant("smallest_norm", _SMALLEST_NORM)
    return graph.add("Max", [norm, smallest], "norm_above_zero")


def _activate(graph: Graph, activation: str, scores: str, layer: int) -> str:
    if activation == "identity":
        return scores
    return graph.add(_ACTIVATIONS[activation], [scores], f"hidden{layer}")


def _with_padding(table: Any) -> Any:
    import numpy

    return numpy.concatenate([numpy.zeros_like(table[:1]), table])


def _serialized(graph: Graph, classes: int) -> bytes:
    from onnx import TensorProto, helper

    inputs = [
        helper.make_tensor_value_info("ids", TensorProto.INT32, ["rows", "words"]),
        helper.make_tensor_value_info("counts", TensorProto.FLOAT, ["rows", "words"]),
    ]
    output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["rows", classes])
    return graph.serialized("bag_of_words", inputs, output)
