"""What keeps a network from being quantised or priced: all of it at once, not the first alone.

What stays float and can run is no obstacle: batch norms, and layers like PReLU or LayerNorm whose
few parameters are added or multiplied in, element by element. They are told, not refused.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.utils._python_dispatch import TorchDispatchMode

_aten = torch.ops.aten
_ONLY = "only nn.Conv2d and nn.Linear can be quantised"

# Weights in these would escape both quantisation and the count of costs.
_REMEDIES: Mapping[type[nn.Module], str] = {
    _ConvTransposeNd: "upsample, then convolve with an nn.Conv2d",
    _ConvNd: "use an nn.Conv2d on square maps",
    nn.Bilinear: "use an nn.Linear on the features side by side",
    nn.Embedding: "take a network that reads images alone",
    nn.EmbeddingBag: "take a network that reads images alone",
    nn.MultiheadAttention: "take a network of convolutions",
    nn.RNNBase: "take a network of convolutions",
    nn.RNNCellBase: "take a network of convolutions",
}
_PRODUCTS = frozenset(
    {_aten.convolution, _aten.addmm, _aten.mm, _aten.bmm, _aten.baddbmm, _aten.addbmm, _aten.mv}
)
_NAMED = 8


class FloatPart(NamedTuple):
    """A module that keeps float parameters of its own and runs as it is."""

    name: str
    kind: str
    parameters: int


def quantisable(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield the layers that can be quantised, by name; none inside a refused module."""
    for name, module in _open_modules(model):
        if isinstance(module, nn.Conv2d | nn.Linear):
            yield name, module


def refusals(model: nn.Module) -> Iterator[tuple[str, str]]:
    """Yield the modules that can be neither quantised nor priced, with why and what to do."""
    for name, module in _open_modules(model):
        kind = type(module).__name__
        if isinstance(module, nn.Conv2d | nn.Linear):
            if type(module).forward not in (nn.Conv2d.forward, nn.Linear.forward):
                yield name, f"is a {kind} with a forward of its own; use the plain layer"
        elif (remedy := _remedy(module)) is not None:
            yield name, f"is a {kind}; {_ONLY}: {remedy}"


def float_parts(model: nn.Module) -> tuple[FloatPart, ...]:
    """Return the modules with parameters that stay float, but for batch norms."""
    return tuple(
        FloatPart(name, type(module).__name__, own)
        for name, module in _open_modules(model)
        if not isinstance(module, nn.Conv2d | nn.Linear | _BatchNorm)
        and _remedy(module) is None
        and (own := sum(each.numel() for each in module.parameters(recurse=False)))
    )


def float_note(parts: Sequence[FloatPart]) -> str:
    """Return a sentence on what stays float; nothing, where there is nothing."""
    if not parts:
        return ""
    by_kind: dict[str, list[str]] = {}
    for part in parts:
        by_kind.setdefault(part.kind, []).append(part.name or "the network itself")
    kinds = "; ".join(f"{kind} ({listed(names, most=_NAMED)})" for kind, names in by_kind.items())
    count = sum(part.parameters for part in parts)
    return f"These stay float, {count:,} parameters at 32 bits each: {kinds}."


def listed(names: Sequence[str], *, most: int | None = None) -> str:
    """Return names in a row; past `most` only how many more there are."""
    shown = names if most is None else names[:most]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


class OwnProducts(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it untyped
    """Watches for products with parameters that belong to no layer, while it is entered."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.found: dict[str, str] = {}  # by module, the parameter's name
        self._owners = {
            parameter.untyped_storage()._cdata: (part.name, leaf)
            for part in float_parts(model)
            for leaf, parameter in model.get_submodule(part.name).named_parameters(recurse=False)
        }

    def __torch_dispatch__(
        self,
        func: Any,  # Any: torch's operator overload, untyped
        types: Any,
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run the operation; note it, if it multiplies by such a parameter."""
        if self._owners and func.overloadpacket in _PRODUCTS:
            for tensor in _tensors(args):
                owner = self._owners.get(tensor.untyped_storage()._cdata)
                if owner is not None:
                    self.found.setdefault(*owner)
        return func(*args, **(kwargs or {}))

    def refusals(self) -> Iterator[tuple[str, str]]:
        """Yield the modules that were found, with why and what to do."""
        for name, leaf in self.found.items():
            yield (
                name,
                f"multiplies by {leaf!r}, a parameter of its own; hold it in an nn.Conv2d or "
                "nn.Linear, so that it can be quantised and priced",
            )


def _open_modules(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield modules by name, but nothing inside of one that is refused as a whole."""
    closed: tuple[str, ...] = ()
    for name, module in model.named_modules():
        if name.startswith(closed):
            continue
        if _remedy(module) is not None:
            closed = (*closed, f"{name}.")
        yield name, module


def _remedy(module: nn.Module) -> str | None:
    if isinstance(module, nn.Conv2d):
        return None
    return next((text for kind, text in _REMEDIES.items() if isinstance(module, kind)), None)


def _tensors(values: Iterable[object]) -> Iterator[Tensor]:
    return (value for value in values if isinstance(value, Tensor))
