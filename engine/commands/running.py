"""`python -m engine run`: a search, its events as JSON lines."""

import argparse
from pathlib import Path

from engine.commands.answers import OK, STOPPED, make_folder, read_json
from engine.commands.asked import add_tables
from engine.commands.signals import listen_to_signals
from engine.schema.codec import config_from_json, to_line
from engine.schema.places import Places


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("config", type=Path, metavar="CONFIG.json")
    parser.add_argument("--workdir", type=Path, required=True, help="checkpoints and results")
    parser.add_argument("--data-root", type=Path, default=Path("var/data"))
    parser.add_argument("--weights-store", type=Path, default=Path("var/weights"))
    add_tables(parser)
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    config = config_from_json(read_json(options.config, "config"))
    make_folder(options.workdir, "workdir")
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
