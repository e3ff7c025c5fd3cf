"""A network as cost models see it: its convolutions and linear layers, in forward order."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from engine.catalog.models import shape_hash
from engine.nn.obstacles import OwnProducts, quantisable, refusals
from engine.nn.signs import SignTracker
from engine.schema.errors import UnsupportedModel
from engine.schema.layers import InputSpec, LayerKind, LayerSpec, ModelSpec

_Obstacle = tuple[str, str]  # a layer, and what is the matter with it


def describe(model: nn.Module, *, model_id: str, input: InputSpec, classes: int) -> ModelSpec:
    """Return the quantisable layers of a network, from one forward pass over an empty image.

    MACs are counted as in Cai et al. 2019: convolutions and linear layers alone, biases left out.

    Raises:
        UnsupportedModel: naming all layers that can be neither quantised nor priced.
    """
    names = {module: name for name, module in quantisable(model)}
    recorder = _Recorder(names)
    obstacles = list(refusals(model))
    if not names and not obstacles:
        raise UnsupportedModel("", "has no convolution and no linear layer")
    obstacles += _obstacles_on_the_way(model, input, recorder, classes=classes)
    if obstacles:
        first, *others = obstacles
        raise UnsupportedModel(*first, *others)
    layers = tuple(recorder.layers)
    return ModelSpec(
        model=model_id,
        input=input,
        classes=classes,
        parameters=sum(each.numel() for each in model.parameters() if each.requires_grad),
        macs=sum(layer.macs for layer in layers),
        model_hash=shape_hash(layers),
        layers=layers,
        shared_inputs=recorder.shared_inputs,
    )


def _obstacles_on_the_way(
    model: nn.Module, input: InputSpec, recorder: "_Recorder", *, classes: int
) -> Iterator[_Obstacle]:
    """Run an empty image through the network and yield all that stands in its way."""
    products = OwnProducts(model)
    try:
        with products:
            output = _forward(model, input, recorder)
    except UnsupportedModel as stop:
        yield from recorder.obstacles
        yield from products.refusals()
        yield from stop.obstacles
        return
    yield from recorder.obstacles
    yield from products.refusals()
    for name in recorder.names.values():
        if name not in recorder.called:
            yield name, "takes no part in a forward pass; remove it"
    if not isinstance(output, Tensor) or output.shape != (1, classes):
        shape = list(output.shape) if isinstance(output, Tensor) else type(output).__name__
        yield "output", f"gives {shape}, expected [1, {classes}] logits"


class _Recorder:
    """Notes each quantisable layer as it is called, and each that cannot be taken."""

    def __init__(self, names: dict[nn.Module, str]) -> None:
        self.names = names
        self.layers: list[LayerSpec] = []
        self.called: set[str] = set()
        self.obstacles: list[_Obstacle] = []
        self.signs = SignTracker()
        self.entered = "the first one"
        self._signed: dict[str, bool] = {}
        self._refused: set[str] = set()
        # By tensor and how often it was written to; held, so that no id is given out again.
        self._readers: dict[tuple[int, int], tuple[Tensor, list[str]]] = {}

    @property
    def shared_inputs(self) -> tuple[tuple[str, ...], ...]:
        """Return the names of layers that read one tensor, where it is more than one."""
        groups = (tuple(names) for _, names in self._readers.values())
        return tuple(names for names in groups if len(names) > 1)

    def before(self, module: nn.Module, inputs: tuple[object, ...]) -> None:
        """Look at what goes into a layer, before an in-place operation can change it."""
        name = self.names[module]
        self.entered = name
        if name in self.called:
            self._refuse(name, "is called twice in a forward pass; give each call its own")
            return
        self.called.add(name)
        if len(inputs) != 1 or not isinstance(inputs[0], Tensor):
            self._refuse(name, f"takes {len(inputs)} inputs; one tensor is expected")
            return
        self._signed[name] = self.signs.can_be_negative(inputs[0])
        key = (id(inputs[0]), inputs[0]._version)
        self._readers.setdefault(key, (inputs[0], []))[1].append(name)

    def after(self, module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        """Note the layer with the sizes of its maps."""
        name = self.names[module]
        if name in self._refused:
            return
        signed = self._signed[name]
        try:
            if isinstance(module, nn.Conv2d):
                layer = _convolution(name, module, inputs[0], output, signed=signed)
            else:
                assert isinstance(module, nn.Linear)
                layer = _linear(name, module, inputs[0], signed=signed)
        except UnsupportedModel as error:
            for obstacle in error.obstacles:
                self._refuse(*obstacle)
            return
        self.layers.append(layer)

    def _refuse(self, name: str, message: str) -> None:
        if name not in self._refused:
            self._refused.add(name)
            self.obstacles.append((name, message))


def _forward(model: nn.Module, input: InputSpec, recorder: _Recorder) -> object:
    device = next(model.parameters()).device
    # Made before signs are followed: an image is normalised, so it has both signs.
    image_NCHW = torch.zeros(1, input.channels, input.size, input.size, device=device)
    with _hooks(recorder), _evaluating(model), torch.no_grad(), recorder.signs:
        try:
            output: object = model(image_NCHW)
        except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UnsupportedModel(
                recorder.entered,
                f"is the last one reached on a {input.channels} x {input.size} x {input.size} "
                f"image: {reason}",
            ) from error
        return output


@contextmanager
def _hooks(recorder: _Recorder) -> Iterator[None]:
    handles = [module.register_forward_pre_hook(recorder.before) for module in recorder.names]
    handles += [module.register_forward_hook(recorder.after) for module in recorder.names]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, was_training in training.items():
            module.training = was_training


def _convolution(
    name: str, module: nn.Conv2d, input_NCHW: Tensor, output_NCHW: Tensor, *, signed: bool
) -> LayerSpec:
    kernel_size = _square(name, "a kernel", module.kernel_size)
    input_size = _side(name, "an input", input_NCHW)
    output_size = _side(name, "an output", output_NCHW)
    weights = module.weight.numel()
    return LayerSpec(
        name=name,
        kind=_kind(module),
        in_channels=module.in_channels,
        out_channels=module.out_channels,
        kernel_size=kernel_size,
        stride=_square(name, "a stride", module.stride),
        groups=module.groups,
        dilation=_square(name, "a dilation", module.dilation),
        input_size=input_size,
        output_size=output_size,
        input_signed=signed,
        weights=weights,
        macs=weights * output_size**2,
    )


def _linear(name: str, module: nn.Linear, input_NC: Tensor, *, signed: bool) -> LayerSpec:
    if input_NC.dim() != 2:
        raise UnsupportedModel(
            name,
            f"is a linear layer over {input_NC.dim()} axes; only flat features [N, C] can be "
            "priced: use a 1 x 1 convolution",
        )
    return LayerSpec(
        name=name,
        kind="linear",
        in_channels=module.in_features,
        out_channels=module.out_features,
        input_signed=signed,
        weights=module.weight.numel(),
        macs=module.weight.numel(),
    )


def _kind(module: nn.Conv2d) -> LayerKind:
    if module.groups == 1:
        return "pointwise" if module.kernel_size == (1, 1) else "conv"
    return "depthwise" if module.groups == module.in_channels else "grouped"


def _side(name: str, what: str, tensor_NCHW: Tensor) -> int:
    if tensor_NCHW.dim() != 4:
        raise UnsupportedModel(
            name, f"has {what} of shape {list(tensor_NCHW.shape)}, not [N, C, H, W]"
        )
    return _square(name, what, tuple(tensor_NCHW.shape[2:]))


def _square(name: str, what: str, sides: tuple[int, ...]) -> int:
    height, width = sides
    if height != width:
        raise UnsupportedModel(
            name, f"has {what} of {height} x {width}; only square ones can be priced"
        )
    return height
