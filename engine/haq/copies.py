"""One quantised network several times over, so that several policies can be evaluated at once."""

import copy
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

from engine.nn.quantized import QuantizedLayer

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True, eq=False)
class Copy:
    """A network, and the layers in it that take a policy's widths."""

    network: nn.Module
    layers: Mapping[str, QuantizedLayer]


class Copies:
    """Spreads work over copies, a thread for each. The first of them is the network itself.

    On small maps a network gains less by more threads than several networks do that need not wait
    for each other (`benchmarks/haq_rounds.py`). Each has its own maps in memory.
    """

    def __init__(
        self, network: nn.Module, layers: Mapping[str, QuantizedLayer], count: int
    ) -> None:
        original = Copy(network, layers)
        self._copies = [original, *(copy.deepcopy(original) for _ in range(count - 1))]

    def each(self, work: Callable[[Copy, Item], Outcome], items: Sequence[Item]) -> list[Outcome]:
        """Return what the work makes of each item, in their order; it may raise."""
        used = min(len(self._copies), len(items))
        if used <= 1:
            return [work(self._copies[0], item) for item in items]
        threads = torch.get_num_threads()

        def share(index: int) -> list[Outcome]:
            torch.set_num_threads(max(1, threads // used))  # of this thread and later ones
            return [work(self._copies[index], item) for item in items[index::used]]

        try:
            with ThreadPoolExecutor(used) as pool:
                shares = list(pool.map(share, range(used)))
        finally:
            torch.set_num_threads(threads)
        return [shares[index % used][index // used] for index in range(len(items))]
