"""The engine's command line: JSON on stdout; for what the person can mend one line on stderr."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.__main__ import main
from engine.catalog.architecture_file import architecture_to_json, net_config
from engine.catalog.baselines import uniform_policy
from engine.catalog.models import MODELS, layer_table
from engine.catalog.published import published
from engine.commands.signals import listen_to_signals
from engine.schema.architecture import Architecture
from engine.schema.codec import to_json
from engine.training.interrupt import Interrupt

PRICE = ("price", "mobilenet_v2", "--target", "bismo-cloud")


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """Return what a command that succeeds prints."""
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return json.loads(printed.out)


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the line that a command refuses with."""
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    return line


def policy_file(folder: Path, data: object) -> str:
    path = folder / "policy.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return str(path)


def four_bit_policy() -> dict[str, Any]:
    spec = layer_table("mobilenet_v2")
    assert spec is not None
    return to_json(uniform_policy(spec, 4, 4))


@pytest.mark.parametrize("catalogue", ["targets", "models", "datasets", "presets"])
def test_a_list_has_an_id_and_a_title_for_each_entry(
    capsys: pytest.CaptureFixture[str], catalogue: str
) -> None:
    entries = answer(capsys, "list", catalogue)

    assert entries
    assert all(entry["id"] and entry["title"] for entry in entries)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_of_the_catalogue_is_described(
    capsys: pytest.CaptureFixture[str], model: str
) -> None:
    description = answer(capsys, "describe", model)

    assert description["model"] == model
    assert description["macs"] == sum(layer["macs"] for layer in description["layers"])


def test_a_description_follows_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    description = answer(capsys, "describe", "resnet20", "--dataset", "cifar10")

    assert description["input"] == {"channels": 3, "size": 32}
    assert description["layers"][0]["in_channels"] == 3


def test_a_price_without_options_is_for_8_bits(capsys: pytest.CaptureFixture[str]) -> None:
    report = answer(capsys, *PRICE)

    assert report["total"]["latency_ms"]["value"] == pytest.approx(198.1, abs=0.05)
    assert report["published_total"]["latency_ms"] == pytest.approx(189.8, abs=0.05)
    assert {layer["weight_bits"] for layer in report["layers"]} == {8}


def test_uniform_bits_cover_the_ends(capsys: pytest.CaptureFixture[str]) -> None:
    report = answer(capsys, *PRICE, "--weight-bits", "4", "--activation-bits", "4")

    assert report["published_total"]["latency_ms"] == pytest.approx(74.46, rel=1e-3)
    assert report["total"]["model_bytes"]["value"] == 1_875_328
    assert report["layers"][0]["activation_bits"] == 4


def test_one_width_leaves_the_other_at_8(capsys: pytest.CaptureFixture[str]) -> None:
    report = answer(capsys, *PRICE, "--weight-bits", "3")

    assert {(x["weight_bits"], x["activation_bits"]) for x in report["layers"]} == {(3, 8)}


def test_float_is_priced_where_no_device_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    report = answer(capsys, "price", "mobilenet_v2", "--target", "counted", "--float")

    assert report["total"]["model_bytes"]["value"] == 14_019_488


@pytest.mark.parametrize("bare", [False, True], ids=["with its hash", "a bare map of layers"])
def test_a_policy_file_is_priced(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, bare: bool
) -> None:
    policy = four_bit_policy()
    path = policy_file(tmp_path, policy["layers"] if bare else policy)

    report = answer(capsys, *PRICE, "--policy", path)

    assert report["total"]["latency_ms"]["value"] == pytest.approx(82.77, abs=5e-3)
    assert report["layers"][0]["weight_bits"] == 8
    assert report["layers"][1]["weight_bits"] == 4


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("price", "../x", "--target", "counted"), "model: '../x' is no model; choose one of"),
        (("price", "mobilenet_v2", "--target", "abacus"), "target: 'abacus' is not known"),
        (("describe", "resnet20", "--dataset", "mnist"), "dataset: 'mnist' is not known"),
        (("describe", "resnet20", "--dataset", "folder:/none"), "dataset: there is no folder"),
        (("describe", "resnet20@2"), "model: 'resnet20@2' has no width to choose"),
        ((*PRICE, "--float"), "target: bismo-cloud prices bits only"),
        ((*PRICE, "--weight-bits", "9"), "weight_bits: must lie between 1 and 8, got 9"),
        ((*PRICE, "--activation-bits", "0"), "activation_bits: must lie between 1 and 8, got 0"),
        ((*PRICE, "--float", "--weight-bits", "4"), "options: bits, --policy and --float exclude"),
        ((*PRICE, "--policy", "/none.json"), "policy: cannot read /none.json: No such file"),
        (("run", "/none.json", "--workdir", "/tmp/x"), "config: cannot read /none.json"),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_answered_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], line: str
) -> None:
    assert refusal(capsys, *arguments).startswith(line)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"layers": {"stem": {"weight_bits": 4, "activation_bits": 4}}}, "has no layer 'stem'"),
        ({"layers": {}}, "layer 'features.0.0' has no bits"),
        ({"model_hash": "0123456789abcdef"}, "was made for another network (0123456789abcdef"),
        ({"model_hash": 7}, "policy.model_hash: Input should be a valid string"),
    ],
    ids=["a strange layer", "no layers", "another network", "a hash that is none"],
)
def test_a_policy_for_other_layers_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, change: dict[str, Any], line: str
) -> None:
    path = policy_file(tmp_path, four_bit_policy() | change)

    assert line in refusal(capsys, *PRICE, "--policy", path)


@pytest.mark.parametrize(
    ("bits", "line"),
    [
        ({"weight_bits": 9, "activation_bits": 4}, "policy.stem.weight_bits: must lie between"),
        ({"activation_bits": 4}, "policy.stem.weight_bits: is required"),
        (
            {"weight_bits": "many", "activation_bits": 4},
            "policy.stem.weight_bits: Input should be a valid integer",
        ),
        (4, "policy.stem: must be a JSON object"),
    ],
    ids=["too wide", "no weights", "a word", "no object"],
)
def test_a_layer_that_does_not_fit_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, bits: object, line: str
) -> None:
    path = policy_file(tmp_path, {"stem": bits})

    assert refusal(capsys, *PRICE, "--policy", path).startswith(line)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"{", "policy.json is not JSON: Expecting property name"),
        (b"[]", "policy: must be a JSON object, got list"),
        (b"\xff\xfe", "policy.json is not a text file in UTF-8"),
    ],
    ids=["malformed", "a list", "not text"],
)
def test_a_file_that_is_no_policy_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes, line: str
) -> None:
    path = tmp_path / "policy.json"
    path.write_bytes(content)

    assert line in refusal(capsys, *PRICE, "--policy", str(path))


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ([], "config: must be a JSON object, got list"),
        ({"model": "resnet20"}, "dataset: is required"),
        (
            {"model": "m", "dataset": "d", "target": "t", "budgets": []},
            "budgets: at least one is required",
        ),
        (
            {
                "model": "m",
                "dataset": "d",
                "target": "t",
                "budgets": [{"metric": "speed", "limit": 1}],
            },
            "budgets.0.metric: ",
        ),
        (
            {
                "model": "m",
                "dataset": "d",
                "target": "t",
                "budgets": [{"metric": "bit_ops", "limit": 1}],
                "effort": {"episodes": 0},
            },
            "effort.episodes: must be at least 1, got 0",
        ),
    ],
    ids=["a list", "half a config", "no budget", "an unknown metric", "no episodes"],
)
def test_a_config_that_cannot_run_is_refused_by_its_field(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, config: object, line: str
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config), encoding="utf-8")

    assert refusal(capsys, "run", str(path), "--workdir", str(tmp_path / "out")).startswith(line)


def test_a_working_folder_that_cannot_be_made_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "config.json"
    budgets = [{"metric": "bit_ops", "limit": 1}]
    config = {"model": "m", "dataset": "d", "target": "t", "budgets": budgets}
    path.write_text(json.dumps(config), encoding="utf-8")

    line = refusal(capsys, "run", str(path), "--workdir", str(path / "out"))

    assert line.startswith("workdir: cannot make ")


@pytest.mark.parametrize(
    "arguments",
    [(), ("list", "gods"), ("price", "mobilenet_v2"), (*PRICE, "--weight-bits", "four")],
    ids=["no command", "an unknown list", "no target", "a width in words"],
)
def test_a_command_that_is_none_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)

    assert stop.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("write", [architecture_to_json, net_config], ids=["own", "net.config"])
@pytest.mark.parametrize("model_id", ["proxyless_gpu", "proxyless_cifar"])
def test_an_architecture_in_a_file_is_described_and_priced_as_the_catalogues(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    model_id: str,
    write: Callable[[Architecture], dict[str, Any]],
) -> None:
    path = tmp_path / "network.json"
    path.write_text(json.dumps(write(published(model_id))), encoding="utf-8")

    described = answer(capsys, "describe", f"file:{path}")
    priced = answer(capsys, "price", f"file:{path}", "--target", "bismo-cloud")

    assert described == answer(capsys, "describe", model_id) | {"model": f"file:{path}"}
    known = answer(capsys, "price", model_id, "--target", "bismo-cloud")
    assert priced == known | {"model": f"file:{path}"}


def test_a_file_follows_the_data(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "tree.json"
    path.write_text(json.dumps(net_config(published("proxyless_cifar"))), encoding="utf-8")

    spec = answer(capsys, "describe", f"file:{path}", "--dataset", "cluttered-fashion-mnist")

    assert spec["input"] == {"channels": 1, "size": 48}
    assert spec["layers"][0]["in_channels"] == 1


def test_a_file_that_is_no_architecture_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "network.json"
    path.write_text('{"name": "ProxylessNASNets", "first_conv": 3}', encoding="utf-8")

    line = refusal(capsys, "price", f"file:{path}", "--target", "counted")

    assert line == f"model: {path}: first_conv: must be a JSON object, got 3"


def test_catalogue_models_are_listed_described_and_priced_without_torch() -> None:
    program = (
        "import sys; from engine.__main__ import main; "
        "main(['list', 'models']); main(['describe', 'resnet20']); "
        "main(['price', 'mobilenet_v2', '--target', 'bismo-cloud']); "
        "sys.exit('torch' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)

    assert done.returncode == 0, done.stderr


def test_the_program_refuses_with_status_2_and_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "engine", "price", "mobilenet_v2", "--target", "abacus"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("target: 'abacus' is not known; choose one of")


def test_a_reader_that_leaves_early_sees_no_traceback() -> None:
    done = subprocess.run(
        f"{sys.executable} -m engine describe mobilenet_v2 | head -c 10",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == '{\n "model":'[:10]
    assert done.stderr == ""


@pytest.fixture
def interrupt() -> Iterator[Interrupt]:
    """An interrupt that this process's signals set, as those of a run do."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
    before = {number: signal.getsignal(number) for number in numbers}
    interrupt = Interrupt()
    listen_to_signals(interrupt)
    yield interrupt
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("numbers", "requested"),
    [
        ((signal.SIGTERM,), "stop"),
        ((signal.SIGINT,), "stop"),
        ((signal.SIGUSR1,), "finish"),
        ((signal.SIGUSR1, signal.SIGTERM), "stop"),
        ((signal.SIGTERM, signal.SIGUSR1), "stop"),
    ],
    ids=["SIGTERM", "Ctrl-C", "SIGUSR1", "stop after finish", "finish after stop"],
)
def test_signals_become_requests(
    interrupt: Interrupt, numbers: tuple[signal.Signals, ...], requested: str
) -> None:
    for number in numbers:
        signal.raise_signal(number)

    assert interrupt.requested == requested


def test_a_second_ctrl_c_ends_the_program_at_once(interrupt: Interrupt) -> None:
    signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.fixture
def narrow(tmp_path: Path) -> str:
    """The file of a shape."""
    path = tmp_path / "narrow.json"
    path.write_text('{"widths": [16, 32, 64], "cells": [1, 2, 1]}')
    return str(path)


def test_a_space_is_described_in_its_shape(capsys: pytest.CaptureFixture[str], narrow: str) -> None:
    space = answer(capsys, "describe", "space:tiny", "--dataset", "cifar10", "--shape", narrow)

    assert [block["out_channels"] for block in space["blocks"]] == [16, 32, 32, 64]
    assert space["input"] == {"channels": 3, "size": 32}
    assert space["architectures"] == 6 * 6 * 7 * 6


def test_the_networks_of_a_space_are_priced_from_the_lowest_to_the_highest(
    capsys: pytest.CaptureFixture[str], narrow: str
) -> None:
    asked = ("price", "space:tiny", "--target", "pixel1")
    whole, smaller = answer(capsys, *asked), answer(capsys, *asked, "--shape", narrow)

    assert (whole["architectures"], whole["weight_bits"], whole["provenance"]) == (
        74_088,
        None,
        "fit",
    )
    for metric, span in whole["metrics"].items():
        assert span["lowest"] < span["mean"] < span["highest"]
        assert smaller["metrics"][metric]["highest"] < span["highest"]


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (("describe", "space:huge"), "space: 'huge' is not known"),
        (("describe", "resnet20", "--shape", "none.json"), "shape: resnet20 is no space"),
        (("describe", "space:tiny", "--shape", "none.json"), "shape: cannot read none.json"),
        (
            ("price", "space:tiny", "--target", "bismo-cloud", "--float"),
            "target: bismo-cloud has no latency_ms for float",
        ),
        (
            ("price", "space:tiny", "--target", "bismo-cloud", "--policy", "p.json"),
            "options: --policy is for one network",
        ),
    ],
)
def test_what_cannot_be_asked_of_a_space_is_refused(
    capsys: pytest.CaptureFixture[str], asked: tuple[str, ...], line: str
) -> None:
    assert refusal(capsys, *asked).startswith(line)
