"""The engine as a program: `python -m engine list|describe|price|profile|run`.

Answers are JSON on stdout. What the person who asks can mend is one line on stderr and exit
status 2; a run that was stopped at a safe point exits with 3; anything else is a bug.
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from engine.catalog.baselines import uniform_policy
from engine.catalog.datasets import DATASETS, DatasetEntry, dataset_entry
from engine.catalog.hosts import HOSTS
from engine.catalog.model_files import entry_of, spec_of
from engine.catalog.models import MODELS, fitted_input
from engine.catalog.presets import QUANTIZE_PRESETS
from engine.catalog.spaces import SPACES, space_entry, space_for
from engine.catalog.tables import read_table, stored_tables, table_target
from engine.catalog.targets import TARGETS, target_entry
from engine.cost.price import price
from engine.cost.pricing import cost_model
from engine.cost.space_price import space_price
from engine.schema.architecture import SearchSpace
from engine.schema.codec import (
    Json,
    config_from_json,
    from_json,
    policy_from_json,
    to_json,
    to_line,
)
from engine.schema.errors import EngineError, InvalidConfig
from engine.schema.layers import ModelSpec
from engine.schema.places import Places
from engine.schema.policy import MAX_BITS, LayerBits, Policy
from engine.schema.profile_config import ProfileConfig, ProfileEffort
from engine.schema.space_shape import SpaceShape
from engine.schema.target import Target

if TYPE_CHECKING:
    from engine.training.interrupt import Interrupt

OK, UNREAD, USER_ERROR, STOPPED = 0, 1, 2, 3

CATALOGUES: Mapping[str, Mapping[str, object]] = {
    "targets": {**TARGETS, **HOSTS},
    "models": MODELS,
    "spaces": SPACES,
    "datasets": DATASETS,
    "presets": QUANTIZE_PRESETS,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the process's exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.command(options)
    except EngineError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return USER_ERROR
    return status


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; `--help` has the rest."""

    def error(self, message: str) -> NoReturn:
        self.exit(USER_ERROR, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m engine", description="Cut neural networks to fit hardware.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="what one may choose")
    listing.add_argument("catalogue", choices=list(CATALOGUES))
    _add_tables(listing)
    listing.set_defaults(command=_list)

    describing = commands.add_parser(
        "describe", help="the quantisable layers of a model, the blocks of a space"
    )
    _add_model(describing)
    _add_shape(describing)
    describing.set_defaults(command=_describe)

    pricing = commands.add_parser(
        "price", help="what a model or the networks of a space cost on a target"
    )
    _add_model(pricing)
    _add_shape(pricing)
    pricing.add_argument(
        "--target", required=True, metavar="T", help="an id of `list targets`, or a table's file"
    )
    _add_tables(pricing)
    pricing.add_argument(
        "--weight-bits", type=int, metavar="N", help=f"of every layer (default {MAX_BITS})"
    )
    pricing.add_argument(
        "--activation-bits", type=int, metavar="N", help=f"of every layer (default {MAX_BITS})"
    )
    pricing.add_argument("--policy", type=Path, metavar="FILE", help="bits by layer name, JSON")
    pricing.add_argument("--float", action="store_true", help="32-bit floats, no bits")
    pricing.set_defaults(command=_price)

    profiling = commands.add_parser("profile", help="times on this machine, as a table")
    _add_profile(profiling)
    _add_tables(profiling)
    profiling.set_defaults(command=_profile)

    running = commands.add_parser("run", help="a search; prints its events, one JSON line each")
    running.add_argument("config", type=Path, metavar="CONFIG.json")
    running.add_argument("--workdir", type=Path, required=True, help="checkpoints and results")
    running.add_argument("--data-root", type=Path, default=Path("var/data"))
    running.add_argument("--weights-store", type=Path, default=Path("var/weights"))
    _add_tables(running)
    running.set_defaults(command=_run)
    return parser


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="an id of `list models`, torchvision's, file:<path>, or space:<id of `list spaces`>",
    )
    parser.add_argument("--dataset", metavar="D", help="fit the ends to an id of `list datasets`")


def _add_shape(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--shape", type=Path, metavar="FILE", help="of a space: its widths, blocks, strides; JSON"
    )


def _add_tables(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tables", type=Path, default=Path("var/tables"), help="folder of measured tables"
    )


def _add_profile(parser: argparse.ArgumentParser) -> None:
    subject = parser.add_mutually_exclusive_group(required=True)
    subject.add_argument("--space", metavar="S", help="an id of `list spaces`")
    subject.add_argument(
        "--model", metavar="M", help="an id of `list models`, torchvision's, or file:<path>"
    )
    parser.add_argument("--dataset", default="", help="fit it to a data set's images and classes")
    parser.add_argument("--width", type=float, default=1.0, help="of a space's channels")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--out", type=Path, required=True, metavar="TABLE.json")
    parser.add_argument("--name", help="of the table (default: the file's)")
    parser.add_argument(
        "--precision", action="append", default=[], help="fp32, int8 (cpu); fp32, fp16, bf16 (cuda)"
    )
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0, help="of the networks that are drawn")
    effort = ProfileEffort()
    parser.add_argument("--samples", type=int, default=effort.samples)
    parser.add_argument("--seconds", type=float, default=effort.sampling_s, help="of each sampling")
    parser.add_argument("--warmup", type=float, default=effort.warmup_s, metavar="SECONDS")
    parser.add_argument("--networks", type=int, default=effort.networks, help="run end to end")


def _list(options: argparse.Namespace) -> int:
    entries = list(CATALOGUES[options.catalogue].values())
    if options.catalogue == "targets":
        entries += [table_target(table) for table in stored_tables(options.tables)]
    return _print([_without_rows(to_json(entry)) for entry in entries])


def _without_rows(entry: Json) -> Json:
    """A list tells what there is; a table's thousands of times are in its file."""
    return {name: value for name, value in entry.items() if name != "cost_table"}


def _describe(options: argparse.Namespace) -> int:
    space = _space(options)
    if space is not None:
        return _print(to_json(space) | {"architectures": space.size})
    return _print(to_json(_model_spec(options.model, options.dataset)))


def _price(options: argparse.Namespace) -> int:
    target = _target(options.target, options.tables)
    space = _space(options)
    if space is not None:
        return _print(space_price(space, cost_model(target), _asked_widths(options, target)))
    spec = _model_spec(options.model, options.dataset)
    return _print(price(spec, cost_model(target), _asked_policy(options, spec)))


def _target(asked: str, tables: Path) -> Target:
    """Return a target by its id, or by the file of a table."""
    if asked.endswith(".json"):
        return table_target(read_table(Path(asked)))
    return target_entry(asked, tables=tables)


def _profile(options: argparse.Namespace) -> int:
    values = {
        "name": options.name or options.out.stem,
        "subject": options.space or options.model,
        "dataset": options.dataset,
        "shape": {"width": options.width},
        "device": options.device,
        "precisions": options.precision,
        "batch": options.batch,
        "threads": options.threads,
        "seed": options.seed,
        "effort": {
            "samples": options.samples,
            "sampling_s": options.seconds,
            "warmup_s": options.warmup,
            "longest_s": max(ProfileEffort().longest_s, options.seconds),
            "networks": options.networks,
        },
    }
    config = from_json(ProfileConfig, values)
    if options.space:
        space_entry(options.space)
    _make_folder(options.out.parent, "out")
    # Imported here, since it loads the runtimes; signals are caught before that.
    from engine.training.interrupt import Interrupt, Stopped  # noqa: PLC0415

    interrupt = Interrupt()
    listen_to_signals(interrupt)
    from engine.profiling.command import profile_to_file  # noqa: PLC0415 - as above

    try:
        return _print(
            profile_to_file(config, options.out, tables=options.tables, interrupt=interrupt)
        )
    except Stopped:
        return STOPPED


def _run(options: argparse.Namespace) -> int:
    config = config_from_json(_read_json(options.config, "config"))
    _make_folder(options.workdir, "workdir")
    places = Places(
        data_root=options.data_root, weights_store=options.weights_store, tables=options.tables
    )
    # Imported here, since it loads torch; signals are caught before that takes its seconds.
    from engine.training.interrupt import Interrupt, Stopped  # noqa: PLC0415

    interrupt = Interrupt()
    listen_to_signals(interrupt)
    from engine.run import run  # noqa: PLC0415 - as above

    try:
        for event in run(config, options.workdir, places=places, interrupt=interrupt):
            print(to_line(event), flush=True)
    except Stopped:
        return STOPPED
    return OK


def listen_to_signals(interrupt: "Interrupt") -> None:
    """Turn signals into requests that the run sees between its steps; a second Ctrl-C kills."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        interrupt.requested = "stop"

    def stop_once(number: int, frame: FrameType | None) -> None:
        stop(number, frame)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def finish(_number: int, _frame: FrameType | None) -> None:
        # A stop that was asked for stays: the worker is leaving.
        interrupt.requested = interrupt.requested or "finish"

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop_once)
    signal.signal(signal.SIGUSR1, finish)


def _model_spec(model_id: str, dataset_id: str | None) -> ModelSpec:
    """Return a model's layers from the catalogue or a file, else by building it."""
    dataset = None if dataset_id is None else dataset_entry(dataset_id)
    return spec_of(model_id, dataset) or _built_spec(model_id, dataset)


def _built_spec(model_id: str, dataset: DatasetEntry | None) -> ModelSpec:
    entry = entry_of(model_id)
    # Only here: loading torch takes seconds, and most questions need no network.
    from engine.nn.build import build_model  # noqa: PLC0415
    from engine.nn.describe import describe  # noqa: PLC0415

    image, classes = fitted_input(entry, dataset)
    model = build_model(model_id, input=image, classes=classes)
    return describe(model, model_id=model_id, input=image, classes=classes)


def _asked_policy(options: argparse.Namespace, spec: ModelSpec) -> Policy | None:
    """Return the policy that the options ask for; None: float."""
    has_bits = options.weight_bits is not None or options.activation_bits is not None
    if sum((has_bits, options.policy is not None, options.float)) > 1:
        raise InvalidConfig(
            "options", "bits, --policy and --float exclude each other; give one of them"
        )
    if options.float:
        return None
    if options.policy is not None:
        return _policy_file(options.policy, spec)
    weight_bits = MAX_BITS if options.weight_bits is None else options.weight_bits
    activation_bits = MAX_BITS if options.activation_bits is None else options.activation_bits
    return uniform_policy(spec, weight_bits, activation_bits, pinned=False)


def _space(options: argparse.Namespace) -> SearchSpace | None:
    """Return the space that was asked about, in its shape; None where it was a model."""
    kind, _, name = options.model.partition(":")
    if kind != "space":
        if options.shape is not None:
            raise InvalidConfig("shape", f"{options.model} is no space; ask for space:<id>")
        return None
    dataset = None if options.dataset is None else dataset_entry(options.dataset)
    asked = {} if options.shape is None else _read_json(options.shape, "shape")
    return space_for(name, dataset=dataset, shape=from_json(SpaceShape, asked))


def _asked_widths(options: argparse.Namespace, target: Target) -> LayerBits | None:
    """Return the widths that every operation of a space is priced at; None: float."""
    if options.policy is not None:
        raise InvalidConfig("options", "--policy is for one network; give bits or --float")
    asked = (options.weight_bits, options.activation_bits)
    if options.float or (asked == (None, None) and target.float_bits is not None):
        return None
    weight_bits, activation_bits = (MAX_BITS if bits is None else bits for bits in asked)
    return LayerBits(weight_bits=weight_bits, activation_bits=activation_bits)


def _policy_file(path: Path, spec: ModelSpec) -> Policy:
    policy = policy_from_json(_read_json(path, "policy"))
    if policy.model_hash not in ("", spec.model_hash):
        raise InvalidConfig(
            "policy",
            f"{path} was made for another network ({policy.model_hash}, {spec.model} here is "
            f"{spec.model_hash}); give the data set it was searched on by --dataset",
        )
    return policy


def _read_json(path: Path, field: str) -> object:
    try:
        data: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidConfig(field, f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidConfig(field, f"{path} is not a text file in UTF-8") from error
    except json.JSONDecodeError as error:
        raise InvalidConfig(
            field, f"{path} is not JSON: {error.msg} in line {error.lineno}"
        ) from error
    return data


def _make_folder(path: Path, field: str) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidConfig(field, f"cannot make {path}: {error.strerror}") from error


def _print(value: object) -> int:
    """Print an answer as JSON and return the exit status."""
    try:
        print(json.dumps(value, indent=1, allow_nan=False), flush=True)
    except BrokenPipeError:
        # The reader has seen enough, as `head` has; the interpreter must not flush again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    return OK


if __name__ == "__main__":
    sys.exit(main())
