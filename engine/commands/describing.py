"""`python -m engine describe`: the quantisable layers of a model, the blocks of a space."""

import argparse

from engine.commands.answers import print_answer
from engine.commands.asked import add_subject, asked_model, asked_space
from engine.schema.codec import to_json


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add_subject(parser)
    parser.set_defaults(command=_describe)


def _describe(options: argparse.Namespace) -> int:
    space = asked_space(options)
    if space is not None:
        return print_answer(to_json(space) | {"architectures": space.size})
    return print_answer(to_json(asked_model(options.model, options.dataset)))
