"""Which runtime measures: the fastest that is installed for the device."""

from importlib.util import find_spec

from engine.profiling.runtime import Runtime
from engine.schema.errors import InvalidConfig
from engine.schema.profile_config import ProfileConfig


def choose_runtime(config: ProfileConfig) -> Runtime:
    """Return what times fragments on the config's device.

    A CPU is timed with ONNX Runtime, since PyTorch's own kernels take several times as long; with
    PyTorch where that is all there is.

    Raises:
        InvalidConfig: there is no GPU, or nothing that could measure is installed.
    """
    # Loaded on demand: a board may have one of the two alone.
    if config.device == "cpu" and find_spec("onnxruntime") and find_spec("onnx"):
        from engine.profiling.onnx_runtime import onnx_runtime  # noqa: PLC0415

        return onnx_runtime(batch=config.batch, threads=config.threads)
    if not find_spec("torch"):
        raise InvalidConfig(
            "device", f"to time {config.device} install onnx and onnxruntime, or torch"
        )
    from engine.profiling.torch_runtime import torch_runtime  # noqa: PLC0415

    return torch_runtime(config)
