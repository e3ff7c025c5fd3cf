"""The command line on models that no table lists: they are built, by torch."""

import json

import pytest

from engine.__main__ import main


def test_a_torchvision_model_is_described_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", "resnet34", "--dataset", "cifar10"]) == 0

    description = json.loads(capsys.readouterr().out)
    assert description["model"] == "resnet34"
    assert description["classes"] == 10
    assert len(description["layers"]) == 37  # 32 in blocks, 3 shortcuts, stem, classifier
    assert description["layers"][-1]["out_channels"] == 10


def test_a_model_with_another_width_is_priced(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["price", "mobilenet_v2_small@0.5", "--target", "bismo-cloud"]) == 0

    report = json.loads(capsys.readouterr().out)
    assert report["total"]["latency_ms"]["value"] > 0
    assert len(report["layers"]) == 53


def test_grouped_convolutions_are_priced(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["price", "regnet_x_400mf", "--target", "bismo-cloud"]) == 0

    report = json.loads(capsys.readouterr().out)
    grouped = [layer for layer in report["layers"] if layer["kind"] == "grouped"]
    assert grouped
    assert all(layer["latency_ms"] > 0 for layer in grouped)


def test_a_name_that_no_one_knows_is_refused_with_what_is_near(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["describe", "resnet35"]) == 2

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("model: 'resnet35' is neither in the catalogue nor in torchvision")
    assert "resnet34" in line or "resnet18" in line
