"""A quantised network in one file: what is loaded is what was saved."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.catalog.architecture_file import architecture_to_json
from engine.catalog.baselines import uniform_policy
from engine.catalog.datasets import dataset_entry
from engine.catalog.spaces import space_for
from engine.data.image_set import Normalisation
from engine.export.quantized import load_quantized, save_quantized
from engine.haq.grid import set_policy
from engine.haq.thresholds import compute_thresholds
from engine.nn.build import build_model
from engine.nn.describe import describe
from engine.nn.quantized import quantize_layers, quantized_layers, weight_levels
from engine.schema.architecture import Architecture
from engine.schema.codec import policy_from_json
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec, ModelSpec
from engine.schema.policy import LayerBits, Policy
from engine.schema.quantize_config import Granularity
from tests.engine.quantized_networks import with_statistics

INPUT = InputSpec(channels=1, size=28)
NORMALISATION = Normalisation(mean=(0.25,), std=(0.5,))


def images() -> Tensor:
    return torch.randn(6, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def mixed_policy(spec: ModelSpec) -> Policy:
    """Return a policy that uses every width."""
    layers = {
        layer.name: LayerBits(weight_bits=2 + index % 7, activation_bits=8 - index % 7)
        for index, layer in enumerate(spec.layers)
    }
    return Policy(layers=layers, model_hash=spec.model_hash)


def saved(
    path: Path, *, model: str = "mobilenet_v1_small", granularity: Granularity = "channel"
) -> tuple[nn.Module, Policy]:
    """Save a quantised network and return it."""
    torch.manual_seed(0)
    network = with_statistics(build_model(model, input=INPUT, classes=10))
    spec = describe(network, model_id=model, input=INPUT, classes=10)
    layers = quantize_layers(network, spec.layers)
    network.eval()
    thresholds = compute_thresholds(
        network, layers, [images()], clipping="max", granularity=granularity
    )
    policy = mixed_policy(spec)
    set_policy(layers, policy, thresholds)
    save_quantized(
        network,
        path,
        spec=spec,
        dataset="fashion-mnist",
        policy=policy,
        normalisation=NORMALISATION,
    )
    return network, policy


@pytest.mark.parametrize("model", ["mobilenet_v1_small", "resnet20"])
@pytest.mark.parametrize("granularity", ["channel", "tensor"])
def test_a_loaded_network_answers_as_the_saved_one(
    tmp_path: Path, model: str, granularity: Granularity
) -> None:
    network, policy = saved(tmp_path / "net.safetensors", model=model, granularity=granularity)

    loaded = load_quantized(tmp_path / "net.safetensors")

    assert not loaded.training
    assert {name: layer.bits for name, layer in quantized_layers(loaded).items()} == policy.layers
    with torch.no_grad():
        assert torch.equal(loaded(images()), network(images()))


def test_a_network_from_a_file_is_loaded_without_that_file(tmp_path: Path) -> None:
    space = space_for("tiny", dataset=dataset_entry("fashion-mnist"))
    architecture = Architecture(space=space, choices=(3, 6, 0, 1, 5, 2))
    source = tmp_path / "architecture.json"
    source.write_text(json.dumps(architecture_to_json(architecture)))
    network, _ = saved(tmp_path / "net.safetensors", model=f"file:{source}")
    source.unlink()

    loaded = load_quantized(tmp_path / "net.safetensors")

    with torch.no_grad():
        assert torch.equal(loaded(images()), network(images()))


def test_weights_lie_in_the_file_as_integers_of_their_width(tmp_path: Path) -> None:
    _, policy = saved(tmp_path / "net.safetensors")

    tensors = load_file(tmp_path / "net.safetensors")

    for name, bits in policy.layers.items():
        assert tensors[f"{name}.weight"].dtype == torch.int8
        assert int(tensors[f"{name}.weight"].abs().max()) == weight_levels(bits.weight_bits)
        assert len(tensors[f"{name}.weight_scale"]) == len(tensors[f"{name}.weight"])
        assert tensors[f"{name}.activation_clip"].shape == ()
    assert not [name for name in tensors if ".inner." in name]


def test_the_file_says_all_that_its_user_must_know(tmp_path: Path) -> None:
    _, policy = saved(tmp_path / "net.safetensors")

    with safe_open(str(tmp_path / "net.safetensors"), framework="pt") as file:
        metadata = file.metadata()

    assert metadata["model"] == "mobilenet_v1_small"
    assert metadata["dataset"] == "fashion-mnist"
    assert json.loads(metadata["input"]) == {"channels": 1, "size": 28}
    assert policy_from_json(json.loads(metadata["policy"])) == policy
    assert json.loads(metadata["mean"]) == [0.25]
    assert json.loads(metadata["std"]) == [0.5]


def test_equal_networks_are_equal_files(tmp_path: Path) -> None:
    for name in ("one", "other"):
        saved(tmp_path / name)

    content = (tmp_path / "one").read_bytes()
    assert content == (tmp_path / "other").read_bytes()
    # The tensors begin at a multiple of eight bytes, as the format asks for.
    assert int.from_bytes(content[:8], "little") % 8 == 0


def test_the_file_is_a_quarter_of_the_float_network(tmp_path: Path) -> None:
    network, _ = saved(tmp_path / "net.safetensors", model="resnet20")
    floats = sum(parameter.numel() for parameter in network.parameters()) * 4

    assert (tmp_path / "net.safetensors").stat().st_size < floats / 3


def test_a_loaded_network_can_be_trained_on(tmp_path: Path) -> None:
    saved(tmp_path / "net.safetensors")
    loaded = load_quantized(tmp_path / "net.safetensors").train()

    loaded(images()).sum().backward()

    for layer in quantized_layers(loaded).values():
        assert layer.inner.weight.grad is not None
        assert layer.activation_clip.grad is not None


def test_another_safetensors_file_is_refused_by_its_name(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(2)}, tmp_path / "float.safetensors")

    with pytest.raises(InvalidConfig, match=r"float\.safetensors is not a quantised network"):
        load_quantized(tmp_path / "float.safetensors")


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"

    class Touching:
        def __reduce__(self) -> tuple[object, tuple[str, str]]:
            return open, (str(ran), "w")

    (tmp_path / "net.safetensors").write_bytes(pickle.dumps(Touching()))

    with pytest.raises(InvalidConfig, match=r"net\.safetensors is not a quantised network"):
        load_quantized(tmp_path / "net.safetensors")
    assert not ran.exists()


def test_the_uniform_policy_of_eight_bits_hardly_changes_the_network(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = with_statistics(build_model("resnet20", input=INPUT, classes=10)).eval()
    spec = describe(network, model_id="resnet20", input=INPUT, classes=10)
    with torch.no_grad():
        wanted = network(images())
    layers = quantize_layers(network, spec.layers)
    thresholds = compute_thresholds(
        network, layers, [images()], clipping="max", granularity="channel"
    )
    set_policy(layers, uniform_policy(spec, 8, 8), thresholds)
    save_quantized(
        network,
        tmp_path / "net.safetensors",
        spec=spec,
        dataset="fashion-mnist",
        policy=uniform_policy(spec, 8, 8),
        normalisation=NORMALISATION,
    )

    with torch.no_grad():
        found = load_quantized(tmp_path / "net.safetensors")(images())

    assert (found - wanted).norm() < 0.05 * wanted.norm()
