"""Half precision where a GPU or CPU gains by it: autocast, and the scaling that fp16 needs."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from engine.schema.errors import InvalidConfig
from engine.schema.search_config import Precision
from engine.training.checkpoint import State

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
FP16_DEVICES = ("cuda",)  # elsewhere it is slower than bf16 and no more exact
_FIRST_SCALE = 2.0**13  # of fp16 losses; it halves by itself where gradients overflow


class Mixed:
    """Runs networks in a precision and steps their optimisers."""

    def __init__(self, precision: Precision, device: torch.device) -> None:
        if precision == "fp16" and device.type not in FP16_DEVICES:
            raise InvalidConfig("precision", "fp16 needs a GPU; choose bf16 or fp32")
        self._device = device.type
        self._dtype = _DTYPES.get(precision)
        self._scaler = torch.amp.GradScaler(
            self._device, init_scale=_FIRST_SCALE, enabled=precision == "fp16"
        )

    def autocast(self) -> AbstractContextManager[object]:
        """Inside, layers that gain by it compute in half precision."""
        if self._dtype is None:
            return nullcontext()
        return torch.autocast(self._device, dtype=self._dtype)

    def step(self, loss: Tensor, optimiser: torch.optim.Optimizer) -> None:
        """Take one step down a loss; under fp16 one whose gradients overflow is left out."""
        optimiser.zero_grad(set_to_none=True)
        scaled: Tensor = self._scaler.scale(loss)
        scaled.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self._scaler.step(optimiser)
        self._scaler.update()

    def state(self) -> State:
        """Return the scale of fp16 losses."""
        return self._scaler.state_dict()

    def restore(self, state: State) -> None:
        """Go back to where `state` was taken."""
        if state:
            self._scaler.load_state_dict(state)
