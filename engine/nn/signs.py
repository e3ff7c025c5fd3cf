"""Which tensors of a forward pass can be negative: followed from operation to operation.

A tensor counts as non-negative only where that follows from the operation that made it (a ReLU,
a sigmoid, a pooling of non-negative values), never from the values seen, so that an unlucky
image cannot turn a signed input into an unsigned one.
"""

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_aten = torch.ops.aten

# The result cannot be negative, whatever goes in.
_ALWAYS = frozenset(
    {
        _aten.relu,
        _aten.relu_,
        _aten.sigmoid,
        _aten.sigmoid_,
        _aten.hardsigmoid,
        _aten.hardsigmoid_,
        _aten.abs,
        _aten.exp,
        _aten.square,
        _aten.softplus,
        _aten._softmax,
        _aten._safe_softmax,
    }
)
# The result is not negative if no tensor that goes in is.
_INHERITED = frozenset(
    {
        _aten.max_pool2d_with_indices,
        _aten.avg_pool2d,
        _aten._adaptive_avg_pool2d,
        _aten.adaptive_max_pool2d,
        _aten.mean,
        _aten.sum,
        _aten.amax,
        _aten.max,
        _aten.cat,
        _aten.stack,
        _aten.add,
        _aten.add_,
        _aten.mul,
        _aten.mul_,
        _aten.upsample_nearest2d,
        _aten.upsample_bilinear2d,
        _aten.view,
        _aten._unsafe_view,
        _aten.reshape,
        _aten._reshape_alias,
        _aten.clone,
        _aten.detach,
        _aten._to_copy,
        _aten.copy_,
        _aten.alias,
        _aten.expand,
        _aten.permute,
        _aten.transpose,
        _aten.t,
        _aten.squeeze,
        _aten.unsqueeze,
        _aten.slice,
        _aten.select,
        _aten.split,
        _aten.split_with_sizes,
        _aten.chunk,
        _aten.unbind,
        _aten.index_select,
        _aten.roll,
        _aten.flip,
        _aten.channel_shuffle,
        _aten.native_channel_shuffle,
        _aten.dropout,
        _aten.native_dropout,
    }
)


class SignTracker(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it untyped
    """Follows the signs of all tensors made while it is entered; leaves no trace on them."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        # Held, not only numbered: a freed tensor's id would be given out again.
        self._non_negative: dict[int, Tensor] = {}

    def can_be_negative(self, tensor: Tensor) -> bool:
        """Tell whether the operations that made the tensor allow negative values."""
        return id(tensor) not in self._non_negative

    def __torch_dispatch__(
        self,
        func: Any,  # Any: torch's operator overload, untyped
        types: Any,
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run the operation and note the signs of what it returns."""
        keywords = kwargs or {}
        result = func(*args, **keywords)
        operands = [*_tensors(args), *_tensors(keywords.values())]
        keeps = self._is_non_negative(func, args, keywords, operands)
        for tensor in _tensors([result]):
            if keeps:
                self._non_negative[id(tensor)] = tensor
            elif func._schema.is_mutable:
                self._forget_all_over(tensor)
        return result

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        """Stop following; the tensors are let go."""
        super().__exit__(exc_type, exc_val, exc_tb)  # type: ignore[no-untyped-call]  # as above
        self._non_negative.clear()

    def _forget_all_over(self, written: Tensor) -> None:
        # Views share memory: writing through one changes them all.
        memory = written.untyped_storage()._cdata
        for key, tensor in list(self._non_negative.items()):
            if tensor.untyped_storage()._cdata == memory:
                del self._non_negative[key]

    def _is_non_negative(
        self, func: Any, args: Sequence[Any], keywords: dict[str, Any], operands: list[Tensor]
    ) -> bool:
        operator = func.overloadpacket
        if operator in _ALWAYS:
            return True
        if operator in (_aten.hardtanh, _aten.hardtanh_, _aten.clamp, _aten.clamp_):
            return _lower_bound(args, keywords) >= 0
        if operator is _aten.clamp_min or operator is _aten.clamp_min_:
            return _is_non_negative_number(args[1])
        all_are = bool(operands) and not any(self.can_be_negative(each) for each in operands)
        if operator is _aten.constant_pad_nd:
            return all_are and (len(args) < 3 or args[2] >= 0)
        if operator not in _INHERITED:
            return False
        return all_are and all(
            _is_non_negative_number(factor)
            for factor in (*args[1:], *keywords.values())
            if operator in (_aten.add, _aten.add_, _aten.mul, _aten.mul_)
            and isinstance(factor, int | float)
        )


def _lower_bound(args: Sequence[Any], keywords: dict[str, Any]) -> float:
    bound = args[1] if len(args) > 1 else keywords.get("min_val", keywords.get("min"))
    return float(bound) if isinstance(bound, int | float) else -1.0


def _is_non_negative_number(value: object) -> bool:
    return isinstance(value, int | float) and value >= 0


def _tensors(values: Iterable[Any]) -> list[Tensor]:
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found.extend(_tensors(value))
    return found
