"""A place in a network that holds several operations, one of them active: Cai et al. 2019, 3.1."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engine.nn.zero import Zero
from engine.proxyless.gates.all_paths import AllPaths, all_paths
from engine.proxyless.gates.binary_gate import binary_gates
from engine.proxyless.gates.draw import Draw, ZeroRule
from engine.proxyless.gates.echo import Operation, echo


class MixedOp(nn.Module):
    """Candidates of equal input and output shape, with an architecture parameter for each.

    With a shortcut the input is added to what the active candidate gives. `shared` holds weights
    that several candidates take their own from.
    """

    def __init__(
        self,
        candidates: Sequence[nn.Module],
        *,
        has_shortcut: bool = False,
        shared: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.candidates = nn.ModuleList(candidates)
        self.alphas = nn.Parameter(torch.zeros(len(candidates)))
        self.shared = shared
        self.has_shortcut = has_shortcut
        self.active = 0
        self.draw: Draw | None = None  # None: no gates are learnt, the active path alone runs
        self.zero_rule: ZeroRule = "all"
        self.all_paths: AllPaths | None = None  # for the comparison of memory alone

    @property
    def zero_is_active(self) -> bool:
        """Does the active candidate give zeros?"""
        return self.is_zero(self.active)

    def is_zero(self, place: int) -> bool:
        """Does this candidate give zeros?"""
        return isinstance(self.candidates[place], Zero)

    def forward(self, input_NCHW: Tensor) -> Tensor:
        """Return the map of the active candidate, with the shortcut where there is one."""
        if self.all_paths is not None:
            candidates = list(self.candidates)
            sum_NCHW = all_paths(candidates, self.alphas, input_NCHW, self.all_paths)
            return self._combined(input_NCHW, sum_NCHW)
        if self.draw is None:
            return self._combined(input_NCHW, self._output(input_NCHW))
        if self.draw.mode == "full":
            return self._all_at_once(input_NCHW, self.draw)
        return self._one_path(input_NCHW, self.draw)

    def _one_path(self, input_NCHW: Tensor, draw: Draw) -> Tensor:
        output_NCHW = self._output(input_NCHW)
        if not self._learns:
            return self._combined(input_NCHW, output_NCHW)
        others: dict[int, Operation] = {
            place: self.candidates[place]
            for place in draw.drawn
            if place != draw.active and not self.is_zero(place)
        }
        gates_P = binary_gates(self.alphas, draw)
        if output_NCHW is None:
            skipped_NCHW = self._combined(input_NCHW, None)
            return echo(gates_P, input_NCHW, skipped_NCHW, active=None, others=others)
        echoed_NCHW = echo(gates_P, input_NCHW, output_NCHW, active=draw.active, others=others)
        return self._combined(input_NCHW, echoed_NCHW)

    def _all_at_once(self, input_NCHW: Tensor, draw: Draw) -> Tensor:
        """The definition, for comparison: every candidate's map times its gate, all kept."""
        if not self._learns:
            return self._combined(input_NCHW, self._output(input_NCHW))
        gates_P = binary_gates(self.alphas, draw)
        with torch.no_grad():
            tried = [
                None if place == draw.active else candidate(input_NCHW)
                for place, candidate in enumerate(self.candidates)
            ]
        outputs = [
            self.candidates[draw.active](input_NCHW) if output is None else output
            for output in tried
        ]
        weighted = [gate * output for gate, output in zip(gates_P, outputs, strict=True)]
        sum_NCHW = torch.stack(weighted).sum(dim=0)
        return self._combined(input_NCHW, sum_NCHW)

    @property
    def _learns(self) -> bool:
        return self.zero_rule == "all" or not self.zero_is_active

    def _output(self, input_NCHW: Tensor) -> Tensor | None:
        """The active candidate's map; None instead of zeros where a shortcut stands for them."""
        if self.has_shortcut and self.zero_is_active:
            return None
        output_NCHW: Tensor = self.candidates[self.active](input_NCHW)
        return output_NCHW

    def _combined(self, input_NCHW: Tensor, output_NCHW: Tensor | None) -> Tensor:
        if output_NCHW is None:
            return input_NCHW
        return input_NCHW + output_NCHW if self.has_shortcut else output_NCHW
