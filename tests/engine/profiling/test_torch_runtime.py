"""PyTorch as the runtime, where it is all there is."""

import pytest

from engine.catalog.models import layer_table
from engine.cost.table_coverage import model_parts
from engine.profiling.fragments import Fragment, Part
from engine.profiling.stopwatch import measure
from engine.profiling.torch_runtime import torch_runtime
from engine.schema.errors import InvalidConfig
from tests.engine.profiling.quick import quick_config


def whole_network() -> Fragment:
    spec = layer_table("mobilenet_v1_small")
    assert spec is not None
    return Fragment(parts=tuple(Part(layers=tuple(one)) for one in model_parts(spec.layers)))


def test_a_cpu_is_timed_without_onnx_runtime() -> None:
    config = quick_config()
    runtime = torch_runtime(config)

    measurement = measure(runtime.runner(whole_network(), "fp32"), config)

    assert runtime.name.startswith("PyTorch")
    assert measurement.timing.median_ms > 0


def test_int8_is_refused_where_there_are_no_kernels() -> None:
    runtime = torch_runtime(quick_config())

    with pytest.raises(InvalidConfig, match="no int8 kernels for whole blocks on cpu"):
        runtime.runner(whole_network(), "int8")
