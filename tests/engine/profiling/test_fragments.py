"""Chains of parts, and the graphs that are made of them."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from engine.catalog.models import MODELS, layer_table
from engine.catalog.spaces import SPACES
from engine.cost.table_coverage import model_parts
from engine.profiling.fragments import Fragment, Part, is_chain, steps
from engine.profiling.onnx_graph import INPUT, onnx_model
from engine.profiling.torch_runtime import Chain
from engine.schema.architecture import Architecture
from engine.schema.lowering import model_spec


def parts_of(model: str) -> tuple[Part, ...]:
    spec = layer_table(model)
    assert spec is not None
    return tuple(Part(layers=tuple(layers)) for layers in model_parts(spec.layers))


@pytest.mark.parametrize("model", ["mobilenet_v2_small", "efficientnet_lite0"])
def test_a_chain_keeps_the_sizes_that_its_layers_tell(model: str) -> None:
    parts = parts_of(model)

    assert is_chain(parts)
    for step in steps(Fragment(parts=parts)):
        padded = step.input_size + sum(step.padding)
        if step.layer.kind != "linear":
            reach = step.layer.kernel_size
            assert (padded - reach) // step.layer.stride + 1 == step.layer.output_size


def test_branches_are_no_chain() -> None:
    assert not is_chain(parts_of("resnet18"))


@pytest.mark.parametrize("start", range(0, 12, 3))
def test_both_runtimes_compute_the_same(start: int) -> None:
    fragment = Fragment(parts=parts_of("mobilenet_v2_small")[start : start + 3])
    model = onnx_model(fragment, scheme="fp32", batch=2)
    chain = Chain(fragment).eval()
    given = [
        torch.from_numpy(numpy_helper.to_array(one).copy())
        for one in model.graph.initializer
        if one.dims  # the others are the limits of ReLU6
    ]
    for parameter, value in zip(chain.parameters(), given, strict=True):
        parameter.data = value
    x = np.random.default_rng(0).random((2, fragment.channels, *[fragment.size] * 2), np.float32)

    session = onnxruntime.InferenceSession(model.SerializeToString())
    (from_onnx,) = session.run(None, {INPUT: x})
    with torch.inference_mode():
        from_torch = chain(torch.from_numpy(x)).numpy()

    np.testing.assert_allclose(from_onnx, from_torch, atol=1e-4)


def test_eight_bits_run_on_integer_kernels_alone(tmp_path: Path) -> None:
    fragment = Fragment(parts=parts_of("mobilenet_v2_small"))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 3

    model = onnx_model(fragment, scheme="int8", batch=1)
    onnxruntime.InferenceSession(model.SerializeToString(), options)

    kinds = [node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node]
    layers = [step.layer for step in steps(fragment)]
    assert kinds.count("QLinearConv") == len(layers) - 1
    assert kinds.count("QGemm") == 1
    assert not {"Conv", "Gemm", "Add", "DequantizeLinear"} & set(kinds)


def test_both_graphs_are_valid() -> None:
    draw = np.random.default_rng(0)
    space = SPACES["tiny"]
    choices = tuple(int(draw.integers(len(block.ops))) for block in space.blocks)
    spec = model_spec(Architecture(space=space, choices=choices))
    fragment = Fragment(
        parts=tuple(Part(layers=tuple(layers)) for layers in model_parts(spec.layers))
    )

    for scheme in ("fp32", "int8"):
        onnx.checker.check_model(onnx_model(fragment, scheme=scheme, batch=1), full_check=True)


def test_every_part_of_every_model_can_be_built() -> None:
    every = {part.label: part for model in MODELS for part in parts_of(model)}

    for part in every.values():
        onnx.checker.check_model(onnx_model(Fragment(parts=(part,)), scheme="int8", batch=1))
