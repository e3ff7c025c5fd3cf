"""Layers as cost models see them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torchvision.models
from torch import Tensor, nn
from torch.nn import functional

from engine.catalog.datasets import DATASETS, DatasetEntry
from engine.catalog.models import LAYER_TABLES, MODELS, fitted_input, layer_table, model_entry
from engine.nn.build import build_model
from engine.nn.describe import describe
from engine.nn.layer_tables import native_spec, write_layer_tables
from engine.schema.errors import UnsupportedModel
from engine.schema.layers import InputSpec, ModelSpec

TINY = InputSpec(channels=2, size=8)
SEVEN_CLASSES = replace(DATASETS["cifar10"], id="folder:/seven", classes=7)


def describe_tiny(model: nn.Module) -> ModelSpec:
    return describe(model, model_id="tiny", input=TINY, classes=3)


def flat(*layers: nn.Module) -> nn.Sequential:
    """Layers, then pooling and a classifier for three classes over four channels."""
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))


@pytest.mark.parametrize(
    ("model_id", "parameters", "macs", "layers"),
    [
        # torchvision's own figures; MobileNetV2's 300,774,272 is what HAQ's tables count.
        ("mobilenet_v2", 3_504_872, 300_774_272, 53),
        ("resnet18", 11_689_512, 1_814_073_344, 21),
        # Howard et al. 2017, table 4: 569 million mult-adds, 4.2 million parameters.
        ("mobilenet_v1", 4_231_976, 568_740_352, 28),
    ],
)
def test_published_counts_are_met(model_id: str, parameters: int, macs: int, layers: int) -> None:
    spec = native_spec(model_entry(model_id))

    assert (spec.parameters, spec.macs, len(spec.layers)) == (parameters, macs, layers)


@pytest.mark.parametrize(
    "model_id",
    [
        "alexnet",
        "densenet121",
        "efficientnet_b0",
        "googlenet",
        "mnasnet0_5",
        "mobilenet_v3_small",
        "resnext50_32x4d",
        "shufflenet_v2_x0_5",
        "squeezenet1_1",
        "vgg16",
    ],
)
def test_counts_agree_with_what_torchvision_publishes(model_id: str) -> None:
    published = torchvision.models.get_model_weights(model_id).DEFAULT.meta
    input = InputSpec(channels=3, size=224)
    with torch.device("meta"):  # shapes are enough
        model = build_model(model_id, input=input, classes=1000)

    spec = describe(model, model_id=model_id, input=input, classes=1000)

    assert spec.parameters == published["num_params"]
    # Theirs are rounded to a million, and count a few operations besides.
    assert spec.macs / 1e9 == pytest.approx(published["_ops"], rel=0.02, abs=0.001)


def test_resnet20_on_colour_images_has_the_papers_270_thousand_parameters() -> None:
    input, classes = fitted_input(model_entry("resnet20"), DATASETS["cifar10"])
    model = build_model("resnet20", input=input, classes=classes)

    spec = describe(model, model_id="resnet20", input=input, classes=classes)

    # 19 convolutions and a classifier; by hand: 16 x 27 + 6 x 2304 + 4608 + 5 x 9216 + 18432
    # + 5 x 36864 weights, 640, 2 x 688 batch norm, 10 biases.
    by_hand = 432 + 6 * 2304 + 4608 + 5 * 9216 + 18432 + 5 * 36864 + 640
    assert len(spec.layers) == 20
    assert spec.weights == by_hand
    assert spec.parameters == by_hand + 2 * (7 * 16 + 6 * 32 + 6 * 64) + 10


def test_the_small_mobilenet_has_409_thousand_parameters() -> None:
    assert native_spec(model_entry("mobilenet_v2_small")).parameters == 408_650


@pytest.mark.parametrize("model_id", list(MODELS))
def test_the_shipped_layer_table_is_what_torch_says(model_id: str) -> None:
    assert layer_table(model_id) == native_spec(model_entry(model_id))


def test_writing_the_tables_gives_the_shipped_files_byte_for_byte(tmp_path: Path) -> None:
    for path in write_layer_tables(tmp_path):
        assert path.read_bytes() == (LAYER_TABLES / path.name).read_bytes()


@pytest.mark.parametrize(
    ("model_id", "dataset"),
    [
        pytest.param(model_id, dataset, id=f"{model_id}-{dataset.id}")
        for model_id in MODELS
        for dataset in [*DATASETS.values(), SEVEN_CLASSES]
        # 912 layers: once, with channels, size and place of its own, is enough.
        if model_id != "proxyless_cifar" or dataset.id == "cluttered-fashion-mnist"
    ],
)
def test_a_table_fitted_to_a_data_set_is_what_torch_says(
    model_id: str, dataset: DatasetEntry
) -> None:
    input, classes = fitted_input(model_entry(model_id), dataset)
    with torch.device("meta"):  # shapes are enough
        model = build_model(model_id, input=input, classes=classes)

    spec = describe(model, model_id=model_id, input=input, classes=classes)

    assert layer_table(model_id, dataset) == spec


@pytest.mark.parametrize(
    "model_id", ["mobilenet_v2@0.5", "mobilenet_v2@1.4", "mobilenet_v2_small@0.75"]
)
def test_mobilenet_v2_at_any_width_is_what_torch_says(model_id: str) -> None:
    cluttered = DATASETS["cluttered-fashion-mnist"]
    input, classes = fitted_input(model_entry(model_id), cluttered)
    with torch.device("meta"):  # shapes are enough
        model = build_model(model_id, input=input, classes=classes)

    spec = describe(model, model_id=model_id, input=input, classes=classes)

    assert layer_table(model_id, cluttered) == spec


def test_layers_come_in_forward_order_with_their_shapes() -> None:
    class Crossed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(4, 3)
            self.second = nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=2)
            self.first = nn.Conv2d(2, 4, 3, stride=2, padding=1)

        def forward(self, images_NCHW: Tensor) -> Tensor:
            return self.head(self.second(self.first(images_NCHW)).mean((2, 3)))

    spec = describe_tiny(Crossed())

    assert [layer.name for layer in spec.layers] == ["first", "second", "head"]
    first, second, head = spec.layers
    assert (first.kind, first.stride, first.input_size, first.output_size) == ("conv", 2, 8, 4)
    assert (first.weights, first.macs) == (4 * 2 * 9, 4 * 2 * 9 * 16)
    assert (second.kind, second.groups, second.dilation, second.weights) == ("grouped", 2, 2, 72)
    assert (head.kind, head.in_channels, head.out_channels, head.macs) == ("linear", 4, 3, 12)
    assert spec.parameters == (72 + 4) + (72 + 4) + (12 + 3)


def test_a_one_by_one_kernel_is_pointwise_and_one_group_a_channel_depthwise() -> None:
    spec = describe_tiny(flat(nn.Conv2d(2, 4, 1), nn.Conv2d(4, 4, 3, groups=4)))

    assert [layer.kind for layer in spec.layers] == ["pointwise", "depthwise", "linear"]


def test_a_grey_images_first_convolution_is_no_depthwise_one() -> None:
    input = InputSpec(channels=1, size=8)

    spec = describe(flat(nn.Conv2d(1, 4, 3)), model_id="tiny", input=input, classes=3)

    assert spec.layers[0].kind == "conv"


@pytest.mark.parametrize(
    ("between", "signed"),
    [
        (nn.ReLU(), False),
        (nn.ReLU6(inplace=True), False),
        (nn.Sigmoid(), False),
        (nn.Sequential(nn.ReLU(), nn.MaxPool2d(2)), False),
        (nn.Sequential(nn.ReLU(), nn.AvgPool2d(2), nn.Dropout(0.5)), False),
        (nn.Sequential(nn.ReLU(), nn.ZeroPad2d(1), nn.ChannelShuffle(2)), False),
        (nn.Hardtanh(0.0, 4.0), False),
        (nn.Hardtanh(), True),
        (nn.Identity(), True),
        (nn.BatchNorm2d(4), True),
        (nn.Hardswish(), True),
        (nn.LeakyReLU(), True),
        (nn.Sequential(nn.ReLU(), nn.BatchNorm2d(4)), True),
        (nn.Sequential(nn.ReLU(), nn.ConstantPad2d(1, -1.0)), True),
    ],
    ids=str,
)
def test_the_sign_of_an_input_follows_from_the_operations_before(
    between: nn.Module, signed: bool
) -> None:
    spec = describe_tiny(flat(nn.Conv2d(2, 4, 3), between, nn.Conv2d(4, 4, 1)))

    assert spec.layers[0].input_signed  # images are normalised
    assert spec.layers[1].input_signed is signed


Join = Callable[[Tensor, Tensor], Tensor]


class _Joined(nn.Module):
    """Two branches joined by an operation."""

    def __init__(self, join: Join) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(2, 4, 1), nn.Conv2d(2, 4, 1)
        self.three, self.head = nn.Conv2d(4, 4, 1), nn.Linear(4, 3)
        self.join = join

    def forward(self, images_NCHW: Tensor) -> Tensor:
        joined = self.join(self.one(images_NCHW), self.two(images_NCHW))
        return self.head(self.three(joined).mean((2, 3)))


@pytest.mark.parametrize(
    ("join", "signed"),
    [
        (lambda a, b: a.relu() + b.relu(), False),
        (lambda a, b: a.relu() * b.sigmoid(), False),
        (lambda a, b: torch.cat([a.relu()[:, :2], b.relu()[:, 2:]], 1), False),
        (lambda a, b: a.relu().add_(b.relu()), False),
        (lambda a, b: a.relu() + 3, False),
        (lambda a, b: a.clamp(min=0) + functional.hardsigmoid(b), False),
        (lambda a, b: a.relu() + b, True),
        (lambda a, b: a.relu() - b.relu(), True),
        (lambda a, b: a.relu().add_(b), True),
        (lambda a, b: a.relu() + -3, True),
        (lambda a, b: torch.add(a.relu(), b.relu(), alpha=-1), True),
        (lambda a, b: a.relu() * -2, True),
        (lambda a, b: torch.cat([a.relu()[:, :2], b[:, 2:]], 1), True),
        (lambda a, b: a.clamp(min=-1) + b.relu(), True),
    ],
)
def test_joined_branches_are_non_negative_only_if_all_of_them_are(join: Join, signed: bool) -> None:
    spec = describe_tiny(_Joined(join))

    assert spec.layers[2].input_signed is signed


def test_an_in_place_change_through_a_view_makes_the_whole_signed() -> None:
    def join(a: Tensor, b: Tensor) -> Tensor:
        positive = a.relu()
        positive[:, :2].sub_(b[:, :2])
        return positive

    assert describe_tiny(_Joined(join)).layers[2].input_signed


@pytest.mark.parametrize("model_id", list(MODELS))
def test_no_layer_called_unsigned_ever_sees_a_negative_value(model_id: str) -> None:
    entry = model_entry(model_id)
    torch.manual_seed(0)
    model = build_model(model_id, input=entry.input, classes=entry.classes)
    spec = describe(model, model_id=model_id, input=entry.input, classes=entry.classes)
    lowest: dict[str, float] = {}
    for layer in spec.layers:
        model.get_submodule(layer.name).register_forward_pre_hook(
            lambda _module, inputs, name=layer.name: lowest.update(
                {name: inputs[0].detach().min().item()}
            )
        )

    model(torch.randn(2, entry.input.channels, entry.input.size, entry.input.size))

    assert {layer.name: lowest[layer.name] < 0 for layer in spec.layers} == {
        layer.name: layer.input_signed for layer in spec.layers
    }


def test_mobilenet_v2_has_signed_inputs_at_the_linear_bottlenecks() -> None:
    signed = [layer.name for layer in layer_table("mobilenet_v2").layers if layer.input_signed]

    # The image, 16 expansions and the last pointwise convolution (Wang et al. 2019 quantise
    # these full-wave).
    assert len(signed) == 18
    assert signed[0] == "features.0.0"
    assert signed[-1] == "features.18.0"


class _CalledTwice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.shared, self.head = nn.Conv2d(2, 2, 1), nn.Linear(2, 3)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        return self.head(self.shared(self.shared(images_NCHW)).mean((2, 3)))


class _WithSpare(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.spare, self.head = nn.Conv2d(2, 2, 1), nn.Linear(2, 3)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        return self.head(images_NCHW.mean((2, 3)))


class _OwnForward(nn.Conv2d):
    def forward(self, input: Tensor) -> Tensor:
        return super().forward(functional.pad(input, (1, 1, 1, 1)))


class _Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(2, 1)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        return images_NCHW


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (_CalledTwice(), r"'shared' is called twice"),
        (_WithSpare(), r"'spare' takes no part"),
        (flat(nn.Conv2d(2, 4, (1, 3))), r"'0' has a kernel of 1 x 3"),
        (flat(nn.Conv2d(2, 4, 3, stride=(1, 2))), r"'0' has an output of 6 x 3"),
        (flat(nn.Conv2d(2, 4, 3, dilation=(1, 2), padding=(1, 2))), r"'0' has a dilation of 1 x 2"),
        (flat(_OwnForward(2, 4, 3)), r"'0' is a _OwnForward with a forward of its own"),
        (flat(nn.ConvTranspose2d(2, 4, 3)), r"'0' is a ConvTranspose2d"),
        (_Attention(), r"'attention' is a MultiheadAttention"),
        (nn.Sequential(nn.Conv2d(2, 4, 3), nn.Linear(6, 3)), r"'1' is a linear layer over"),
        (nn.Sequential(nn.Flatten(), nn.Linear(128, 5)), r"gives \[1, 5\], expected \[1, 3\]"),
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), r"'1' is the last one reached on a 2 x 8"),
        (nn.Sequential(nn.Conv2d(2, 4, 9)), r"'0' is the last one reached"),
        (nn.Flatten(), r"has no convolution and no linear layer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_quantised_or_priced_is_named(model: nn.Module, message: str) -> None:
    with pytest.raises(UnsupportedModel, match=message):
        describe_tiny(model)


def test_describing_changes_nothing_in_the_network() -> None:
    model = flat(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    model[1].eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    describe_tiny(model)

    assert [module.training for module in model] == [True, False, True, True, True, True]
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert not model[0]._forward_hooks
    assert not model[0]._forward_pre_hooks


class Forked(nn.Module):
    """Two convolutions read one tensor; a third reads it after it was written to."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.second = nn.Conv2d(3, 4, 1)
        self.third = nn.Conv2d(3, 4, 1)
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = x.clone()
        both = self.first(y) + self.second(y)
        logits: Tensor = self.head((both + self.third(y.relu_())).mean(dim=(2, 3)))
        return logits


def test_layers_that_read_one_tensor_are_named_together() -> None:
    spec = describe(Forked(), model_id="toy", input=InputSpec(channels=3, size=8), classes=2)

    assert spec.shared_inputs == (("first", "second"),)
