"""Weights in and out of safetensors files."""

import pickle
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from torchvision.models import mnasnet0_5

from engine.catalog.models import WEIGHTS
from engine.nn.weights import load_weights, save_weights, shipped_weights
from engine.schema.errors import InvalidConfig


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 3))


def saved(path: Path, **changes: torch.Tensor | None) -> Path:
    """A file of that network, with tensors replaced, added or (None) left out."""
    state = {**network().state_dict(), **{k.replace("__", "."): v for k, v in changes.items()}}
    save_file({name: tensor for name, tensor in state.items() if tensor is not None}, path)
    return path


def test_weights_come_back_as_they_were_saved(tmp_path: Path) -> None:
    original, other = network(), network()

    save_weights(original, tmp_path / "w.safetensors", metadata={"model": "tiny"})
    load_weights(other, tmp_path / "w.safetensors")

    for name, tensor in original.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name])
    with safe_open(tmp_path / "w.safetensors", "pt") as file:
        assert file.metadata() == {"model": "tiny"}


def test_a_network_that_asks_for_the_version_of_its_weights_takes_them(tmp_path: Path) -> None:
    original, other = mnasnet0_5(num_classes=2), mnasnet0_5(num_classes=2)
    save_weights(original, tmp_path / "w.safetensors", metadata={})

    load_weights(other, tmp_path / "w.safetensors")

    assert torch.equal(original.classifier[1].weight, other.classifier[1].weight)


def test_saving_leaves_no_other_file_and_replaces_an_older_one(tmp_path: Path) -> None:
    for _ in range(2):
        save_weights(network(), tmp_path / "new" / "w.safetensors", metadata={})

    assert [path.name for path in (tmp_path / "new").iterdir()] == ["w.safetensors"]


def test_a_channels_last_network_is_saved_in_the_usual_layout(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(4, 2, 3)).to(memory_format=torch.channels_last)
    other = nn.Sequential(nn.Conv2d(4, 2, 3))

    save_weights(model, tmp_path / "w.safetensors", metadata={})
    load_weights(other, tmp_path / "w.safetensors")

    assert torch.equal(model[0].weight, other[0].weight)


def test_half_precision_weights_are_read_as_floats(tmp_path: Path) -> None:
    model = network()
    half = torch.full((3, 2), 0.25, dtype=torch.float16)

    load_weights(model, saved(tmp_path / "w.safetensors", **{"3__weight": half}))

    assert model[3].weight.dtype == torch.float32
    assert torch.equal(model[3].weight, half.float())


def test_a_missing_batch_counter_is_no_obstacle(tmp_path: Path) -> None:
    load_weights(network(), saved(tmp_path / "w.safetensors", **{"1__num_batches_tracked": None}))


class _Malicious:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('ran')",))


def test_a_pickle_is_named_and_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(pickle.dumps(_Malicious()))

    with pytest.raises(InvalidConfig, match=r"checkpoint: is a pickle, not safetensors; convert"):
        load_weights(network(), path)


def test_a_torch_archive_is_named_and_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    torch.save(network().state_dict(), path)

    with pytest.raises(InvalidConfig, match=r"PyTorch archive with a pickle inside.*convert"):
        load_weights(network(), path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"3__weight": None, "3__bias": None}, r"lacks the tensors '3.weight', '3.bias', which"),
        ({"extra__weight": torch.zeros(1)}, r"holds the tensors 'extra.weight', which the model"),
        (
            {"3__weight": torch.zeros(5, 2)},
            r"'3.weight' has shape \[5, 2\], the model needs \[3, 2\]",
        ),
        ({"0__weight": torch.full((2, 1, 3, 3), torch.nan)}, r"'0.weight' holds NaN or infinite"),
        ({"1__running_var": torch.tensor([1.0, torch.inf])}, r"'1.running_var' holds NaN or inf"),
        ({"3__weight": torch.zeros(3, 2, dtype=torch.int8)}, r"'3.weight' is I8; give the float"),
    ],
    ids=["missing", "unexpected", "misshapen", "nan", "infinite", "integers"],
)
def test_what_does_not_fit_is_named_and_the_network_left_alone(
    tmp_path: Path, changes: dict[str, torch.Tensor | None], message: str
) -> None:
    model = network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    with pytest.raises(InvalidConfig, match=message):
        load_weights(model, saved(tmp_path / "w.safetensors", **changes))

    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_many_missing_tensors_are_not_all_listed(tmp_path: Path) -> None:
    save_file({"foreign": torch.zeros(1)}, tmp_path / "w.safetensors")

    with pytest.raises(InvalidConfig, match=r"'0.weight', '0.bias', '1.weight' and 5 more"):
        load_weights(network(), tmp_path / "w.safetensors")


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.safetensors")
    path.write_bytes(path.read_bytes()[:-7])

    with pytest.raises(InvalidConfig, match="cut short"):
        load_weights(network(), path)


def test_an_absent_file_is_a_users_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match=r"none.safetensors cannot be opened \(No such file"):
        load_weights(network(), tmp_path / "none.safetensors")


def test_nothing_is_shipped_for_an_unknown_pair() -> None:
    assert shipped_weights("mobilenet_v2_small", "cifar10") is None
    assert WEIGHTS.is_dir()
