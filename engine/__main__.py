"""The engine as a program: `python -m engine list|describe|price|profile|run`.

Answers are JSON on stdout. What the person who asks can mend is one line on stderr and exit
status 2; a run that was stopped at a safe point exits with 3; anything else is a bug.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from engine.commands import describing, listing, pricing, profiling, running
from engine.commands.answers import USER_ERROR
from engine.schema.errors import EngineError

COMMANDS: Mapping[str, tuple[Callable[[argparse.ArgumentParser], None], str]] = {
    "list": (listing.add_to, "what one may choose"),
    "describe": (describing.add_to, "the quantisable layers of a model, the blocks of a space"),
    "price": (pricing.add_to, "what a model or the networks of a space cost on a target"),
    "profile": (profiling.add_to, "times on this machine, as a table"),
    "run": (running.add_to, "a search; prints its events, one JSON line each"),
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
    for name, (add_to, says) in COMMANDS.items():
        add_to(commands.add_parser(name, help=says))
    return parser


if __name__ == "__main__":
    sys.exit(main())
