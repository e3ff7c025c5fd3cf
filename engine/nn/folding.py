"""Batch norm folded into the layer before it, for networks that only evaluate."""

from collections import Counter
from typing import cast

import torch
from torch import Tensor, fx, nn

from engine.nn.quantized import QuantizedLayer
from engine.nn.segments import trace


def fold_batch_norms(model: nn.Module) -> int:
    """Fold each batch norm that alone follows a quantised convolution; return how many.

    The weights are quantised first and scaled after: on a grid of the folded weights a single
    large batch-norm factor would take the grid from all other channels. With one scale a channel
    the factor merges into it, so the folded network computes the same values.
    """
    graph_module = trace(model)
    if graph_module is None:
        return 0
    calls = Counter(n.target for n in graph_module.graph.nodes if n.op == "call_module")
    folded = 0
    for node in graph_module.graph.nodes:
        norm_node = _only_user(node)
        if norm_node is None or calls[node.target] > 1 or calls[norm_node.target] > 1:
            continue
        layer = _module(model, node)
        norm = _module(model, norm_node)
        if isinstance(layer, QuantizedLayer) and isinstance(norm, nn.BatchNorm2d):
            layer.fold(*_affine(norm))
            _replace(model, str(norm_node.target), nn.Identity())
            folded += 1
    return folded


def _only_user(node: fx.Node) -> fx.Node | None:
    users = list(node.users)
    if node.op != "call_module" or len(users) != 1 or users[0].op != "call_module":
        return None
    return users[0]


def _module(model: nn.Module, node: fx.Node) -> nn.Module:
    return model.get_submodule(str(node.target))


def _affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    variance, mean = cast(Tensor, norm.running_var), cast(Tensor, norm.running_mean)
    with torch.no_grad():
        multiplier = torch.rsqrt(variance + norm.eps)
        if norm.affine:
            multiplier = multiplier * norm.weight
        offset = -mean * multiplier
        return multiplier, offset + norm.bias if norm.affine else offset


def _replace(model: nn.Module, name: str, module: nn.Module) -> None:
    parent_name, _, child_name = name.rpartition(".")
    setattr(model.get_submodule(parent_name), child_name, module)
