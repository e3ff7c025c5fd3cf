"""What a cost model sees of a network: its quantisable layers, in forward order."""

from dataclasses import dataclass, replace
from typing import Literal

LayerKind = Literal["conv", "pointwise", "depthwise", "grouped", "linear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSpec:
    """One convolution or linear layer; sizes are those of square feature maps, in pixels."""

    name: str  # qualified, as in model.named_modules()
    kind: LayerKind
    in_channels: int
    out_channels: int
    kernel_size: int = 1
    stride: int = 1
    groups: int = 1
    dilation: int = 1
    input_size: int = 1
    output_size: int = 1
    input_signed: bool = True  # can the layer's input be negative?
    weights: int
    macs: int  # multiply-accumulates for one image

    @property
    def activations(self) -> int:
        """How many numbers go into the layer and come out of it, for one image."""
        return self.in_channels * self.input_size**2 + self.out_channels * self.output_size**2


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """The image a network takes."""

    channels: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A network as `python -m engine describe` prints it."""

    model: str
    input: InputSpec
    classes: int
    parameters: int  # all trainable ones, batch norm included
    macs: int  # of the listed layers, for one image
    model_hash: str  # of the layers' shapes; a policy file names the network by it
    layers: tuple[LayerSpec, ...]
    shared_inputs: tuple[tuple[str, ...], ...] = ()  # names of layers that read one tensor

    @property
    def weights(self) -> int:
        """The weights of the listed layers."""
        return sum(layer.weights for layer in self.layers)

    @property
    def other_parameters(self) -> int:
        """What stays at 32 bits: biases and batch norm."""
        return self.parameters - self.weights

    def named(self, model: str) -> "ModelSpec":
        """The same network under another id."""
        return replace(self, model=model)
