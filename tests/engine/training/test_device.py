"""The device a run computes on."""

import pytest
import torch

from engine.schema.errors import InvalidConfig
from engine.training.device import pick_device


def test_the_processor_is_always_there() -> None:
    assert pick_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(("present", "kind"), [(True, "cuda"), (False, "cpu")])
def test_auto_takes_a_gpu_where_there_is_one(
    present: bool, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: present)

    assert pick_device("auto").type == kind


def test_a_gpu_that_is_not_there_is_a_users_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(InvalidConfig, match="device: this machine has no CUDA GPU; choose cpu"):
        pick_device("cuda")
