"""`python -m engine profile`: times on this machine, as a table."""

import argparse
from pathlib import Path

from engine.catalog.spaces import space_entry
from engine.commands.answers import STOPPED, make_folder, print_answer
from engine.commands.asked import add_shape, add_tables, asked_shape
from engine.commands.signals import listen_to_signals
from engine.schema.codec import from_json, to_json
from engine.schema.errors import InvalidConfig
from engine.schema.profile_config import ProfileConfig, ProfileEffort
from engine.schema.space_shape import SpaceShape


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    subject = parser.add_mutually_exclusive_group(required=True)
    subject.add_argument("--space", metavar="S", help="an id of `list spaces`")
    subject.add_argument(
        "--model", metavar="M", help="an id of `list models`, torchvision's, or file:<path>"
    )
    parser.add_argument("--dataset", default="", help="fit it to a data set's images and classes")
    parser.add_argument("--width", type=float, help="multiplies a space's channels")
    add_shape(parser)
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
    add_tables(parser)
    parser.set_defaults(command=_profile)


def _profile(options: argparse.Namespace) -> int:
    values = {
        "name": options.name or options.out.stem,
        "subject": options.space or options.model,
        "dataset": options.dataset,
        "shape": to_json(_shape(options)),
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
    make_folder(options.out.parent, "out")
    # Imported here, since it loads the runtimes; signals are caught before that.
    from engine.training.interrupt import Interrupt, Stopped  # noqa: PLC0415

    interrupt = Interrupt()
    listen_to_signals(interrupt)
    from engine.profiling.command import profile_to_file  # noqa: PLC0415 - as above

    try:
        return print_answer(
            profile_to_file(config, options.out, tables=options.tables, interrupt=interrupt)
        )
    except Stopped:
        return STOPPED


def _shape(options: argparse.Namespace) -> SpaceShape:
    if options.width is None:
        return asked_shape(options.shape)
    if options.shape is not None:
        raise InvalidConfig("options", "--width and --shape exclude each other; give one of them")
    return SpaceShape(width=options.width)
