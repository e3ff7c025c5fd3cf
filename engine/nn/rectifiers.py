"""Rectifiers taken over by the quantised layers that they feed, for networks in training.

A half-wave quantiser cuts off below zero and above its clip. A ReLU or ReLU6 in front of it does
nothing that it does not do too, but takes a pass over memory forward and another one backward:
about what the quantiser itself takes.
"""

import math
from collections import Counter

from torch import fx, nn

from engine.nn.quantized import QuantizedLayer
from engine.nn.segments import trace


def absorb_rectifiers(model: nn.Module) -> int:
    """Let quantised layers do the work of each rectifier that feeds them alone; return how many.

    The network computes the same values and has the same parameters under the same names. One
    that has no single graph stays as it is.
    """
    graph_module = trace(model)
    if graph_module is None:
        return 0
    calls = Counter(n.target for n in graph_module.graph.nodes if n.op == "call_module")
    absorbed = 0
    for node in graph_module.graph.nodes:
        highest = _highest(model, node)
        readers = [_layer(model, user) for user in node.users]
        if highest is None or not readers or calls[node.target] > 1:
            continue
        layers = [reader for reader in readers if reader is not None and not reader.input_signed]
        shared = any(calls[user.target] > 1 for user in node.users)
        if shared or len(layers) < len(readers):
            continue
        for layer in layers:
            layer.rectify(highest)
        parent, _, name = str(node.target).rpartition(".")
        setattr(model.get_submodule(parent), name, nn.Identity())
        absorbed += 1
    return absorbed


def _highest(model: nn.Module, node: fx.Node) -> float | None:
    """Return where the rectifier that a node calls ends; None: it calls none."""
    if node.op != "call_module":
        return None
    module = model.get_submodule(str(node.target))
    if isinstance(module, nn.ReLU):
        return math.inf
    if isinstance(module, nn.Hardtanh) and module.min_val == 0.0:  # ReLU6 is one
        return float(module.max_val)
    return None


def _layer(model: nn.Module, node: fx.Node) -> QuantizedLayer | None:
    if node.op != "call_module":
        return None
    module = model.get_submodule(str(node.target))
    return module if type(module) is QuantizedLayer else None
