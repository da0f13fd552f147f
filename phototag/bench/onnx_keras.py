"""Write a Keras network as ONNX: the layers of our networks and of keras.applications' trunks.

Keras has an exporter of its own for some backends, through further packages; this one needs `onnx`
only and knows every layer it writes. The network's pictures [n, h, w, c] become planes [n, c, h,
w], which is what ONNX Runtime is fastest with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phototag.bench.onnx_graph import Graph
from phototag.errors import UsageError

if TYPE_CHECKING:
    from onnx import ModelProto

    from phototag.vision.models import ModelCard

Inputs = list[str]


def keras_to_onnx(model: Any, *, output: str = "embedding") -> ModelProto:
    """A functional Keras model of one picture input and one vector output.

    The input is `faces`, float32 [n, c, h, w]; the values are the Keras model's own. Raises
    UsageError for a layer that is not known.
    """
    graph = Graph()
    model = _functional(model)
    _, height, width, channels = model.inputs[0].shape
    names = {id(model.inputs[0]): "faces"}
    _walk(graph, model, names)
    last = names[id(model.outputs[0])]
    graph.add("Identity", [last], output)
    return graph.model(
        model.name,
        (int(channels), int(height), int(width)),
        output,
        int(model.outputs[0].shape[-1]),
    )


def _walk(graph: Graph, model: Any, names: dict[int, str]) -> None:
    """Write the nodes of a functional model in the order of their depth; models inside it, too."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if node.is_input:
                continue
            given = [names[id(tensor)] for tensor in node.input_tensors]
            inside = _functional(node.operation)
            if hasattr(inside, "_nodes_by_depth"):
                inner = {id(inside.inputs[0]): given[0]}
                _walk(graph, inside, inner)
                made = inner[id(inside.outputs[0])]
            else:
                made = _write(graph, node.operation, given, node.input_tensors)
            names[id(node.outputs[0])] = made


def _name(layer: Any) -> str:
    """Of a layer's output: never that of the model's own input or output."""
    return f"keras/{layer.name}"


def _functional(model: Any) -> Any:
    """A sequential model keeps its graph in a functional one."""
    return getattr(model, "_functional", None) or model


def _write(graph: Graph, layer: Any, given: Inputs, tensors: Any) -> str:
    kind = type(layer).__name__
    writer = WRITERS.get(kind)
    if writer is None:
        known = ", ".join(sorted(WRITERS))
        raise UsageError(
            f"Layer {layer.name} is a {kind}, which cannot be exported (only {known})."
        )
    return writer(graph, layer, given, tensors)


def _convolution(graph: Graph, layer: Any, given: Inputs, tensors: Any) -> str:
    kernel, *bias = layer.get_weights()
    depthwise = type(layer).__name__ == "DepthwiseConv2D"
    if depthwise:  # h, w, c, multiplier
        h, w, c, times = kernel.shape
        kernel = kernel.transpose(2, 3, 0, 1).reshape(c * times, 1, h, w)
    else:
        kernel = kernel.transpose(3, 2, 0, 1)
    ends = [graph.constant(f"{_name(layer)}_kernel", kernel)]
    ends += [graph.constant(f"{_name(layer)}_bias", b) for b in bias]
    flow = graph.add(
        "Conv",
        [*given, *ends],
        _name(layer),
        kernel_shape=list(layer.kernel_size),
        strides=list(layer.strides),
        dilations=list(layer.dilation_rate),
        group=int(tensors[0].shape[-1]) if depthwise else int(layer.groups),
        auto_pad="SAME_UPPER" if layer.padding == "same" else "VALID",
    )
    return _activated(graph, layer, flow)


def _activated(graph: Graph, layer: Any, flow: str) -> str:
    name = layer.activation.__name__
    if name == "linear":
        return flow
    if name not in ACTIVATIONS:
        raise UsageError(f"Layer {layer.name}: the activation {name} cannot be exported.")
    if name == "relu6":
        return _clipped(graph, flow, f"{_name(layer)}_relu6", 6.0)
    options = {"axis": -1} if name == "softmax" else {}
    return graph.add(ACTIVATIONS[name], [flow], f"{_name(layer)}_{name}", **options)


ACTIVATIONS = {
    "relu": "Relu",
    "relu6": "Clip",
    "sigmoid": "Sigmoid",
    "softmax": "Softmax",
    "tanh": "Tanh",
}


def _activation(graph: Graph, layer: Any, given: Inputs, _: Any) -> str:
    return _activated(graph, layer, given[0])


def _relu(graph: Graph, layer: Any, given: Inputs, _: Any) -> str:
    if layer.negative_slope or layer.threshold:
        raise UsageError(f"Layer {layer.name}: only plain ReLU can be exported.")
    if layer.max_value is None:
        return graph.add("Relu", given, _name(layer))
    return _clipped(graph, given[0], _name(layer), float(layer.max_value))


def _clipped(graph: Graph, flow: str, name: str, top: float) -> str:
    ends = [
        graph.constant(f"{name}_low", np.array(0, np.float32)),
        graph.constant(f"{name}_high", np.array(top, np.float32)),
    ]
    return graph.add("Clip", [flow, *ends], name)


def _normalisation(graph: Graph, layer: Any, given: Inputs, _: Any) -> str:
    mean, variance = (np.asarray(v) for v in (layer.moving_mean, layer.moving_variance))
    scale = np.asarray(layer.gamma) if layer.scale else np.ones_like(mean)
    shift = np.asarray(layer.beta) if layer.center else np.zeros_like(mean)
    ends = [
        graph.constant(f"{_name(layer)}_{part}", np.asarray(values, dtype=np.float32))
        for part, values in (("scale", scale), ("shift", shift), ("mean", mean), ("var", variance))
    ]
    return graph.add(
        "BatchNormalization", [*given, *ends], _name(layer), epsilon=float(layer.epsilon)
    )


def _pooling(graph: Graph, layer: Any, given: Inputs, _: Any) -> str:
    average = type(layer).__name__ == "AveragePooling2D"
    options: dict[str, Any] = {"count_include_pad": 0} if average else {}
    return graph.add(
        "AveragePool" if average else "MaxPool",
        given,
        _name(layer),
        kernel_shape=list(layer.pool_size),
        strides=list(layer.strides),
        auto_pad="SAME_UPPER" if layer.padding == "same" else "VALID",
        **options,
    )


def _global_average(graph: Graph, layer: Any, given: Inputs, _: Any) -> str:
    flow = graph.add("GlobalAveragePool", given, f"{_name(layer)}_planes")
    return graph.add("Flatten", [flow], _name(layer), axis=1)


def _zero_padding(graph: Graph, layer: Any, given: Inputs, _: Any) -> str:
    (top, bottom), (left, right) = layer.padding
    pads = np.array([0, 0, top, left, 0, 0, bottom, right], dtype=np.int64)
    return graph.add("Pad", [*given, graph.constant(f"{_name(layer)}_pads", pads)], _name(layer))


def _resizing(graph: Graph, layer: Any, given: Inputs, tensors: Any) -> str:
    _, height, width, _ = tensors[0].shape
    scales = np.array([1, 1, layer.height / height, layer.width / width], dtype=np.float32)
    return graph.add(
        "Resize",
        [*given, "", graph.constant(f"{_name(layer)}_scales", scales)],
        _name(layer),
        mode="linear",
        coordinate_transformation_mode="half_pixel",
    )


def _flatten(graph: Graph, layer: Any, given: Inputs, tensors: Any) -> str:
    flow = given[0]
    if len(tensors[0].shape) == 4:  # Keras flattens row, column, channel
        flow = graph.add("Transpose", [flow], f"{_name(layer)}_nhwc", perm=[0, 2, 3, 1])
    return graph.add("Flatten", [flow], _name(layer), axis=1)


def _dense(graph: Graph, layer: Any, given: Inputs, _: Any) -> str:
    kernel, *bias = layer.get_weights()
    ends = [graph.constant(f"{_name(layer)}_kernel", kernel)]
    ends += [graph.constant(f"{_name(layer)}_bias", b) for b in bias]
    return _activated(graph, layer, graph.add("Gemm", [*given, *ends], _name(layer)))


def _same(graph: Graph, layer: Any, given: Inputs, _: Any) -> str:
    return given[0]


def _sum(graph: Graph, layer: Any, given: Inputs, _: Any) -> str:
    return graph.add("Add", given, _name(layer))


def _side_by_side(graph: Graph, layer: Any, given: Inputs, _: Any) -> str:
    return graph.add("Concat", given, _name(layer), axis=1)


Writer = Callable[[Graph, Any, Inputs, Any], str]

WRITERS: Mapping[str, Writer] = {
    "Conv2D": _convolution,
    "DepthwiseConv2D": _convolution,
    "Activation": _activation,
    "ReLU": _relu,
    "BatchNormalization": _normalisation,
    "MaxPooling2D": _pooling,
    "AveragePooling2D": _pooling,
    "GlobalAveragePooling2D": _global_average,
    "ZeroPadding2D": _zero_padding,
    "Resizing": _resizing,
    "Flatten": _flatten,
    "Dense": _dense,
    "Dropout": _same,
    "Add": _sum,
    "Concatenate": _side_by_side,
}
"""By the layer's class: what writes it and says the name of its output."""


def export_embedder(network: Any, px: int, folder: Path, name: str) -> ModelCard:
    """Write `NAME.onnx` and `NAME.json` of a trained embedder into `folder`: ready for `phototag
    models add`, or to be used as a library's model once it is calibrated (`phototag evaluate
    verification … --calibrate`)."""
    from phototag.output import atomic
    from phototag.vision.embed import make_card
    from phototag.vision.models import card_json

    path = folder / f"{name}.onnx"
    atomic.write(path, keras_to_onnx(network).SerializeToString())
    card = make_card(path, name, px, "rgb", 127.5, 127.5)
    atomic.write(folder / f"{name}.json", card_json(card).encode())
    return card
