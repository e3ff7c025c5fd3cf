"""`python -m engine price`: what a model or the networks of a space cost on a target."""

import argparse
from pathlib import Path

from engine.catalog.baselines import uniform_policy
from engine.commands.answers import print_answer, read_json
from engine.commands.asked import add_subject, add_tables, asked_model, asked_space, asked_target
from engine.cost.price import price
from engine.cost.pricing import cost_model
from engine.cost.space_price import space_price
from engine.schema.codec import policy_from_json
from engine.schema.errors import InvalidConfig
from engine.schema.layers import ModelSpec
from engine.schema.policy import MAX_BITS, LayerBits, Policy
from engine.schema.target import Target


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add_subject(parser)
    parser.add_argument(
        "--target", required=True, metavar="T", help="an id of `list targets`, or a table's file"
    )
    add_tables(parser)
    parser.add_argument(
        "--weight-bits", type=int, metavar="N", help=f"of every layer (default {MAX_BITS})"
    )
    parser.add_argument(
        "--activation-bits", type=int, metavar="N", help=f"of every layer (default {MAX_BITS})"
    )
    parser.add_argument("--policy", type=Path, metavar="FILE", help="bits by layer name, JSON")
    parser.add_argument("--float", action="store_true", help="32-bit floats, no bits")
    parser.set_defaults(command=_price)


def _price(options: argparse.Namespace) -> int:
    target = asked_target(options.target, options.tables)
    space = asked_space(options)
    if space is not None:
        return print_answer(space_price(space, cost_model(target), _asked_widths(options, target)))
    spec = asked_model(options.model, options.dataset)
    return print_answer(price(spec, cost_model(target), _asked_policy(options, spec)))


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
    policy = policy_from_json(read_json(path, "policy"))
    if policy.model_hash not in ("", spec.model_hash):
        raise InvalidConfig(
            "policy",
            f"{path} was made for another network ({policy.model_hash}, {spec.model} here is "
            f"{spec.model_hash}); give the data set it was searched on by --dataset",
        )
    return policy
