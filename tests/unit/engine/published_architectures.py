"""Architectures that papers publish, as choices of the catalogue's spaces."""

from engine.catalog.spaces import SPACES, space_entry
from engine.schema.architecture import ZERO, Architecture, OpSpec, SearchSpace, choose, mbconv

MOBILE_SPACES = [space.id for space in SPACES.values() if space.form == "mobile"]

# Cai et al. 2019: the network found for the phone, block by block (kernel, expansion; 0 skips).
_PROXYLESS_MOBILE = """
3,1
5,3 3,3 0 0
7,3 3,3 5,3 5,3
7,6 5,3 5,3 5,3
5,6 5,3 5,3 5,3
7,6 7,6 7,3 7,3
7,6
"""


def proxyless_mobile() -> Architecture:
    return choose(space_entry("mobile-32"), [_op(word) for word in _PROXYLESS_MOBILE.split()])


def everywhere(space: SearchSpace, op: OpSpec) -> Architecture:
    """The architecture with one operation wherever there is a choice."""
    ops = [block.ops[0] if block.is_fixed else op for block in space.decisions]
    return choose(space, ops)


def shallowest(space: SearchSpace, op: OpSpec) -> Architecture:
    """The architecture that skips what can be skipped, with one operation elsewhere."""
    ops = [
        block.ops[0] if block.is_fixed else ZERO if ZERO in block.ops else op
        for block in space.blocks
    ]
    return choose(space, ops)


def _op(word: str) -> OpSpec:
    if word == "0":
        return ZERO
    kernel_size, expansion = word.split(",")
    return mbconv(int(kernel_size), int(expansion))
