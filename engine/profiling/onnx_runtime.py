"""ONNX Runtime on the CPU: float and 8 bit, on fixed threads."""

import time

import numpy as np
import onnxruntime

from engine.profiling.fragments import Fragment
from engine.profiling.machine import describe_machine
from engine.profiling.onnx_graph import INPUT, OUTPUT, Scheme, onnx_model
from engine.profiling.runtime import Runtime
from engine.profiling.stopwatch import Runner
from engine.schema.cost_table import KernelPrecision
from engine.schema.errors import InvalidConfig


def onnx_runtime(*, batch: int, threads: int) -> Runtime:
    """Return ONNX Runtime as something that times fragments."""
    return _OnnxRuntime(batch, threads)


class _OnnxRuntime:
    def __init__(self, batch: int, threads: int) -> None:
        self._batch = batch
        self._threads = threads
        self.name = f"ONNX Runtime {onnxruntime.__version__}"
        self.machine = describe_machine()

    def runner(self, fragment: Fragment, precision: KernelPrecision) -> Runner:
        scheme: Scheme = "int8" if precision == "int8" else "fp32"
        if precision not in ("fp32", "int8"):
            raise InvalidConfig("precisions", f"{precision} has no kernels on this CPU")
        model = onnx_model(fragment, scheme=scheme, batch=self._batch)
        session = onnxruntime.InferenceSession(
            model.SerializeToString(),
            sess_options=self._options(),
            providers=["CPUExecutionProvider"],
        )
        shape = (self._batch, fragment.channels, fragment.size, fragment.size)
        generator = np.random.default_rng(1)
        x = (
            generator.integers(0, 256, shape, dtype=np.uint8)
            if scheme == "int8"
            else generator.random(shape, dtype=np.float32)
        )
        return _Session(session, x)

    def _options(self) -> onnxruntime.SessionOptions:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3
        # Random weights may make numbers so small that processors take the slow path.
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        return options


class _Session:
    """A loaded graph whose input and output stay where they are."""

    memory_bytes: int | None = None

    def __init__(self, session: onnxruntime.InferenceSession, x: np.ndarray) -> None:
        self._session = session
        self._binding = session.io_binding()
        self._binding.bind_ortvalue_input(INPUT, onnxruntime.OrtValue.ortvalue_from_numpy(x))
        self._binding.bind_output(OUTPUT)

    def run(self, times: int) -> float:
        run, binding = self._session.run_with_iobinding, self._binding
        started = time.perf_counter_ns()
        for _ in range(times):
            run(binding)
        return (time.perf_counter_ns() - started) * 1e-9
