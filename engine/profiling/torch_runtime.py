"""PyTorch: on a CUDA GPU, or on a CPU where ONNX Runtime is not installed.

On CUDA whole fragments are recorded as graphs (as deployment runtimes do) and timed by events, so
that a time is the GPU's and not that of launching kernels from Python.
"""

import time

import torch
from torch import Tensor, nn

from engine.profiling.fragments import Fragment, Step, steps
from engine.profiling.machine import describe_machine
from engine.profiling.runtime import Runtime
from engine.profiling.stopwatch import Runner
from engine.schema.cost_table import KernelPrecision
from engine.schema.errors import InvalidConfig
from engine.schema.profile_config import ProfileConfig

_CUDA_WARMUP_RUNS = 11  # before a graph is recorded: algorithms are chosen meanwhile
_DTYPES: dict[KernelPrecision, torch.dtype] = {
    "fp32": torch.float32,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
}


def torch_runtime(config: ProfileConfig) -> Runtime:
    """Return PyTorch as something that times fragments.

    Raises:
        InvalidConfig: a GPU was asked for and there is none.
    """
    if config.device == "cuda" and not torch.cuda.is_available():
        raise InvalidConfig("device", "this machine has no CUDA GPU; choose cpu")
    torch.set_num_threads(config.threads)
    return _TorchRuntime(config)


class _TorchRuntime:
    def __init__(self, config: ProfileConfig) -> None:
        self._batch = config.batch
        self._device = torch.device(config.device)
        is_cuda = config.device == "cuda"
        self.name = f"PyTorch {torch.__version__}{', CUDA graphs' if is_cuda else ''}"
        accelerator = torch.cuda.get_device_name() if is_cuda else ""
        self.machine = describe_machine(accelerator)

    def runner(self, fragment: Fragment, precision: KernelPrecision) -> Runner:
        dtype = _DTYPES.get(precision)
        if dtype is None or (self._device.type == "cpu" and precision != "fp32"):
            raise InvalidConfig(
                "precisions",
                f"PyTorch has no {precision} kernels for whole blocks on {self._device.type}; "
                "leave it out, or install onnx and onnxruntime for int8 on a CPU",
            )
        baseline = _allocated(self._device)
        network = Chain(fragment).to(self._device, dtype).to(memory_format=torch.channels_last)
        x_NCHW = torch.rand(
            (self._batch, fragment.channels, fragment.size, fragment.size), device=self._device
        ).to(dtype, memory_format=torch.channels_last)
        if self._device.type == "cuda":
            return _CudaGraph(network.eval(), x_NCHW, baseline)
        return _Eager(network.eval(), x_NCHW)


class Chain(nn.Module):
    """A fragment's layers, batch norms folded, as PyTorch runs them."""

    def __init__(self, fragment: Fragment) -> None:
        super().__init__()
        self._steps = tuple(steps(fragment))
        self.layers = nn.ModuleList(_module(step) for step in self._steps)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x
        for step, layer in zip(self._steps, self.layers, strict=True):
            shortcut = x if step.opens_part else shortcut
            x = layer(x)
            if step.closes_part and step.part.has_shortcut:
                x = x + shortcut
        return x


def _module(step: Step) -> nn.Module:
    layer, (before, behind) = step.layer, step.padding
    if layer.kind == "linear":
        pool = nn.AdaptiveAvgPool2d(1)
        return nn.Sequential(pool, nn.Flatten(), nn.Linear(layer.in_channels, layer.out_channels))
    convolution = nn.Conv2d(
        layer.in_channels,
        layer.out_channels,
        layer.kernel_size,
        stride=layer.stride,
        padding=before if before == behind else 0,
        dilation=layer.dilation,
        groups=layer.groups,
    )
    modules: list[nn.Module] = [convolution]
    if before != behind:
        modules.insert(0, nn.ZeroPad2d((before, behind, before, behind)))
    if step.part.has_activation(layer):
        modules.append(nn.ReLU6(inplace=True))
    return nn.Sequential(*modules)


class _Eager:
    """Runs on a CPU."""

    memory_bytes: int | None = None

    def __init__(self, network: nn.Module, x: Tensor) -> None:
        self._network = network
        self._x = x

    def run(self, times: int) -> float:
        with torch.inference_mode():
            started = time.perf_counter_ns()
            for _ in range(times):
                self._network(self._x)
            return (time.perf_counter_ns() - started) * 1e-9


class _CudaGraph:
    """Runs as one recorded graph on a GPU."""

    def __init__(self, network: nn.Module, x: Tensor, baseline: int) -> None:
        # The fastest algorithms, as a deployment has them; convolutions may round fp32 to TF32.
        fastest = torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=True)
        with torch.inference_mode(), fastest:
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch leaves it so
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                network(x)
                torch.cuda.synchronize()
                torch.cuda.reset_peak_memory_stats()
                for _ in range(_CUDA_WARMUP_RUNS - 1):
                    network(x)
            torch.cuda.current_stream().wait_stream(stream)
            torch.cuda.synchronize()
            self.memory_bytes: int | None = torch.cuda.max_memory_allocated() - baseline
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._output = network(x)
        self._kept = network, x  # the graph reads their memory

    def run(self, times: int) -> float:
        start, end = _event(), _event()
        start.record()
        for _ in range(times):
            self._graph.replay()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end)) * 1e-3


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # as above


def _allocated(device: torch.device) -> int:
    return torch.cuda.memory_allocated() if device.type == "cuda" else 0
