"""Networks that the ProxylessNAS authors published: Cai et al. 2019, the released configs."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from engine.catalog.architecture_file import architecture_from_json
from engine.catalog.spaces import space_for
from engine.schema.architecture import ZERO, Architecture, OpSpec, choose, mbconv
from engine.schema.space_shape import SpaceShape

_FOLDER = Path(__file__).parent / "networks"


class _Rows(NamedTuple):
    """A mobile network: its widths, and kernel and expansion of each block (0: skipped)."""

    space: str
    shape: SpaceShape
    rows: str


_MOBILE: Mapping[str, _Rows] = {
    "proxyless_mobile": _Rows(
        "mobile-32",
        SpaceShape(),
        """3,1
        5,3 3,3 0   0
        7,3 3,3 5,3 5,3
        7,6 5,3 5,3 5,3
        5,6 5,3 5,3 5,3
        7,6 7,6 7,3 7,3
        7,6""",
    ),
    "proxyless_mobile_14": _Rows(
        "mobile-32",
        SpaceShape(widths=(40, 56, 112, 136, 256, 448), stem=48, first_block=24, feature_mix=1792),
        """3,1
        5,3 3,3 0   0
        7,3 3,3 5,3 5,3
        7,6 5,3 5,3 5,3
        5,6 5,3 5,3 5,3
        7,6 7,6 7,3 7,3
        7,6""",
    ),
    "proxyless_gpu": _Rows(
        "mobile-24",
        SpaceShape(width=1.35),
        """3,1
        5,3 0   0   0
        7,3 0   0   3,3
        7,6 0   0   5,3
        5,6 0   3,3 5,3
        7,6 7,6 7,6 5,6
        7,6""",
    ),
    "proxyless_cpu": _Rows(
        "mobile-24",
        SpaceShape(width=1.12),
        """3,1
        3,6 3,3 3,3 3,3
        3,6 3,3 3,3 5,3
        3,6 0   0   3,3
        5,6 3,3 3,3 3,3
        5,6 5,3 5,3 3,3
        5,6""",
    ),
}
_FROM_FILES = ("proxyless_cifar",)  # written by `architecture_to_json` from the authors' config

PUBLISHED: tuple[str, ...] = (*_MOBILE, *_FROM_FILES)


@cache
def published(model_id: str) -> Architecture:
    """Return a published network, one of `PUBLISHED`."""
    if model_id in _FROM_FILES:
        path = _FOLDER / f"{model_id}.json"
        return architecture_from_json(json.loads(path.read_text(encoding="utf-8")))
    space_id, shape, rows = _MOBILE[model_id]
    return choose(space_for(space_id, shape=shape), [_op(word) for word in rows.split()])


def _op(word: str) -> OpSpec:
    if word == "0":
        return ZERO
    kernel_size, expansion = word.split(",")
    return mbconv(int(kernel_size), int(expansion))
