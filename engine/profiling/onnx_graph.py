"""Fragments as ONNX graphs: float, or 8 bit with quantise-dequantise pairs.

8 bit has unsigned activations and signed weights by channel, the pair for which kernels exist
(Jacob et al. 2018 for the arithmetic). Its graph takes and gives 8-bit maps, as a block within a
network does, so that no block pays for a conversion that a network does not have.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from engine.profiling.fragments import Fragment, Step, steps
from engine.schema.layers import LayerSpec

Scheme = Literal["fp32", "int8"]
INPUT, OUTPUT = "input", "output"
_OPSET = 17
_IR_VERSION = 9  # of opset 17's time: older runtimes read it
_CEILING = 6.0  # of ReLU6
_RELU_SCALE, _RELU_ZERO = _CEILING / 255, 0
_LINEAR_SCALE, _LINEAR_ZERO = 1 / 16, 128

Array = npt.NDArray[np.generic]


@dataclass(slots=True)
class _Graph:
    """Nodes and constants so far; names are numbered."""

    generator: np.random.Generator
    nodes: list[NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)

    def add(self, operation: str, *inputs: str, **attributes: Any) -> str:
        """Append a node and return the name of its output. Any: integers and lists of them."""
        name = f"{operation}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, list(inputs), [name], name, **attributes))
        return name

    def constant(self, value: Array) -> str:
        """Append a constant and return its name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name


def onnx_model(fragment: Fragment, *, scheme: Scheme, batch: int) -> ModelProto:
    """Return a fragment with random weights as a model; its input is `INPUT`, its output `OUTPUT`.

    The batch norms are folded into the convolutions, as every runtime does.
    """
    graph = _Graph(np.random.default_rng(0))
    body = _float_body(graph, fragment) if scheme == "fp32" else _int8_body(graph, fragment)
    graph.add("Identity", body)
    graph.nodes[-1].output[0] = OUTPUT
    element = TensorProto.FLOAT if scheme == "fp32" else TensorProto.UINT8
    shape = [batch, fragment.channels, fragment.size, fragment.size]
    return helper.make_model(
        helper.make_graph(
            graph.nodes,
            "fragment",
            [helper.make_tensor_value_info(INPUT, element, shape)],
            [helper.make_tensor_value_info(OUTPUT, element, [batch, *_output_shape(fragment)])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
    )


def _output_shape(fragment: Fragment) -> list[int]:
    last = fragment.parts[-1].layers[-1]
    sides = [] if last.kind == "linear" else [last.output_size] * 2
    return [last.out_channels, *sides]


def _float_body(graph: _Graph, fragment: Fragment) -> str:
    x, shortcut = INPUT, INPUT
    for step in steps(fragment):
        shortcut = x if step.opens_part else shortcut
        layer = step.layer
        weights, bias = _weights(graph.generator, layer)
        if layer.kind == "linear":
            x = _pooled(graph, x, step)
            x = graph.add("Gemm", x, graph.constant(weights), graph.constant(bias), transB=1)
        else:
            x = graph.add(
                "Conv", x, graph.constant(weights), graph.constant(bias), **_conv_attributes(step)
            )
        if step.part.has_activation(layer):
            x = _relu6(graph, x)
        if step.closes_part and step.part.has_shortcut:
            x = graph.add("Add", x, shortcut)
    return x


def _int8_body(graph: _Graph, fragment: Fragment) -> str:
    quantised = _quantised_steps(graph, fragment)
    for x in quantised:
        last = x
    return last


def _quantised_steps(graph: _Graph, fragment: Fragment) -> Iterator[str]:
    """Yield the 8-bit map behind each layer."""
    x, scale, zero = INPUT, _RELU_SCALE, _RELU_ZERO
    shortcut = (x, scale, zero)
    for step in steps(fragment):
        layer = step.layer
        shortcut = (x, scale, zero) if step.opens_part else shortcut
        if layer.kind == "linear":
            x = _int8_pooled(graph, x, step, scale=scale, zero=zero)
        y = _int8_product(graph, step, _dequantise(graph, x, scale, zero), scale)
        scale, zero = _LINEAR_SCALE, _LINEAR_ZERO
        if step.part.has_activation(layer):
            y, scale, zero = _relu6(graph, y), _RELU_SCALE, _RELU_ZERO
        x = _quantise(graph, y, scale, zero)
        if step.closes_part and step.part.has_shortcut:
            total = graph.add(
                "Add", _dequantise(graph, x, scale, zero), _dequantise(graph, *shortcut)
            )
            scale, zero = _LINEAR_SCALE, _LINEAR_ZERO
            x = _quantise(graph, total, scale, zero)
        yield x


def _int8_product(graph: _Graph, step: Step, x: str, input_scale: float) -> str:
    """Append a convolution or linear layer over weights and a bias that are stored in integers."""
    layer = step.layer
    weights, bias = _weights(graph.generator, layer)
    axes = tuple(range(1, weights.ndim))
    scales = (np.abs(weights).max(axis=axes) / 127).astype(np.float32)
    broadcast = scales.reshape(-1, *[1] * len(axes))
    integers = np.clip(np.rint(weights / broadcast), -127, 127).astype(np.int8)
    w = graph.add(
        "DequantizeLinear",
        graph.constant(integers),
        graph.constant(scales),
        graph.constant(np.zeros(len(scales), np.int8)),
        axis=0,
    )
    bias_scales = (scales * np.float32(input_scale)).astype(np.float32)
    b = graph.add(
        "DequantizeLinear",
        graph.constant(np.rint(bias / bias_scales).astype(np.int32)),
        graph.constant(bias_scales),
        graph.constant(np.zeros(len(scales), np.int32)),
        axis=0,
    )
    if layer.kind == "linear":
        return graph.add("Gemm", x, w, b, transB=1)
    return graph.add("Conv", x, w, b, **_conv_attributes(step))


def _int8_pooled(graph: _Graph, x: str, step: Step, *, scale: float, zero: int) -> str:
    if step.input_size > 1:
        pooled = graph.add("GlobalAveragePool", _dequantise(graph, x, scale, zero))
        x = _quantise(graph, pooled, scale, zero)
    return graph.add("Flatten", x, axis=1)


def _pooled(graph: _Graph, x: str, step: Step) -> str:
    pooled = graph.add("GlobalAveragePool", x) if step.input_size > 1 else x
    return graph.add("Flatten", pooled, axis=1)


def _relu6(graph: _Graph, x: str) -> str:
    low, high = (graph.constant(np.array(one, np.float32)) for one in (0.0, _CEILING))
    return graph.add("Clip", x, low, high)


def _quantise(graph: _Graph, x: str, scale: float, zero: int) -> str:
    return graph.add("QuantizeLinear", x, *_grid(graph, scale, zero))


def _dequantise(graph: _Graph, x: str, scale: float, zero: int) -> str:
    return graph.add("DequantizeLinear", x, *_grid(graph, scale, zero))


def _grid(graph: _Graph, scale: float, zero: int) -> tuple[str, str]:
    return (
        graph.constant(np.array(scale, np.float32)),
        graph.constant(np.array(zero, np.uint8)),
    )


def _weights(
    generator: np.random.Generator, layer: LayerSpec
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return random weights that keep the size of activations (He et al. 2015), and a bias."""
    inputs = layer.in_channels // layer.groups
    window = () if layer.kind == "linear" else (layer.kernel_size, layer.kernel_size)
    shape = (layer.out_channels, inputs, *window)
    deviation = np.sqrt(2 / (inputs * layer.kernel_size**2))
    weights = generator.normal(0, deviation, shape).astype(np.float32)
    bias = generator.normal(0, 0.1, layer.out_channels).astype(np.float32)
    return weights, bias


def _conv_attributes(step: Step) -> dict[str, object]:
    layer, (before, behind) = step.layer, step.padding
    return {
        "kernel_shape": [layer.kernel_size] * 2,
        "strides": [layer.stride] * 2,
        "dilations": [layer.dilation] * 2,
        "group": layer.groups,
        "pads": [before, before, behind, behind],
    }
