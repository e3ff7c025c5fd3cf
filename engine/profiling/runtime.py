"""Who runs what is timed: ONNX Runtime or PyTorch on the CPU, PyTorch on a CUDA GPU."""

from typing import Protocol

from engine.profiling.fragments import Fragment
from engine.profiling.stopwatch import Runner
from engine.schema.cost_table import KernelPrecision, Machine


class Runtime(Protocol):
    """Loads fragments and runs them."""

    name: str  # with its version
    machine: Machine

    def runner(self, fragment: Fragment, precision: KernelPrecision) -> Runner:
        """Return a fragment, loaded and ready to run.

        Raises:
            InvalidConfig: the device has no kernels of that precision.
        """
        ...
