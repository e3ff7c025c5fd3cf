"""Networks cut into segments, so that what stands before a change need not be computed again.

A cut is possible wherever one single tensor carries everything that follows: between the blocks of
a chain, after each residual sum, at the pooling. The cuts are found in the traced graph, so nothing
is asked of how a model is written. A forward that cannot be traced is one segment.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn

from engine.nn.quantized import QuantizedLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of a network from one cut to the next, and the quantised layers in it."""

    module: nn.Module
    layers: tuple[str, ...]


def trace(model: nn.Module) -> fx.GraphModule | None:
    """Return the network's graph, quantised layers its leaves; None: it has no single one."""
    try:
        return fx.GraphModule(model, _Tracer().trace(model))
    except Exception:
        # A forward that branches on its data may raise anything while it is traced.
        return None


def cut(model: nn.Module, sample: Tensor, *, largest: int) -> tuple[Segment, ...]:
    """Return the segments of an evaluating network, in order; each holds a quantised layer.

    `sample` is a small batch to try the graph on; no cut is made through a tensor of more than
    `largest` elements an image. The segments share the modules of `model`.
    """
    whole = (Segment(module=model, layers=tuple(_layer_names(model))),)
    graph_module = trace(model)
    if graph_module is None or len(graph_module.graph.find_nodes(op="placeholder")) != 1:
        return whole
    with torch.no_grad():
        sizes = _Sizes(graph_module)
        sizes.run(sample)
        segments = tuple(_segments(graph_module, sizes.elements_by_node, largest))
        matches = torch.equal(run(segments, sample), model(sample))
    return segments if matches else whole


def run(segments: tuple[Segment, ...], x: Tensor) -> Tensor:
    """Return the output of these segments one after the other."""
    for segment in segments:
        x = segment.module(x)
    return x


def first_segments(segments: tuple[Segment, ...]) -> dict[str, int]:
    """Return for each quantised layer the index of the first segment that it acts in."""
    first: dict[str, int] = {}
    for index, segment in enumerate(segments):
        for name in segment.layers:
            first.setdefault(name, index)
    return first


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, QuantizedLayer) or super().is_leaf_module(m, module_qualified_name)


class _Sizes(fx.Interpreter):
    """Runs a graph and notes how many elements an image has in each tensor."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.elements_by_node: dict[fx.Node, int] = {}

    def run_node(self, n: fx.Node) -> object:
        value: object = super().run_node(n)
        if isinstance(value, Tensor) and value.dim() > 0:
            self.elements_by_node[n] = value.numel() // value.shape[0]
        return value


def _segments(
    graph_module: fx.GraphModule, elements: Mapping[fx.Node, int], largest: int
) -> Iterator[Segment]:
    nodes = list(graph_module.graph.nodes)
    cuts = _cuts(nodes, elements, largest)
    starts = _starts(graph_module, nodes, cuts)
    value = nodes[0]
    for start, stop in zip(starts, [*starts[1:], len(nodes)], strict=True):
        following = cuts.get(stop)
        body = nodes[start:stop]
        yield Segment(
            module=_part(graph_module, body, value, following),
            layers=tuple(_layers_among(graph_module, body)),
        )
        if following is not None:
            value = following


def _cuts(
    nodes: list[fx.Node], elements: Mapping[fx.Node, int], largest: int
) -> dict[int, fx.Node]:
    """Return by index of the node behind each cut the value that crosses it."""
    position = {node: index for index, node in enumerate(nodes)}
    last_use = {
        node: max((position[user] for user in node.users), default=-1)
        for node in nodes
        if node.op != "get_attr"  # a parameter is at hand everywhere
    }
    live: set[fx.Node] = set()
    cuts: dict[int, fx.Node] = {}
    for index, node in enumerate(nodes[:-1]):
        if last_use.get(node, -1) > index:
            live.add(node)
        live -= {value for value in live if last_use[value] <= index}
        crossing = next(iter(live)) if len(live) == 1 else None
        if crossing is not None and elements.get(crossing, largest + 1) <= largest:
            cuts[index + 1] = crossing
    return cuts


def _starts(
    graph_module: fx.GraphModule, nodes: list[fx.Node], cuts: Mapping[int, fx.Node]
) -> list[int]:
    """Return where segments begin: at the last cut before each quantised layer but the first."""
    starts = [1]  # behind the placeholder
    latest, current, seen = 1, 1, False
    for index, node in enumerate(nodes):
        latest = index if index in cuts else latest
        if not _quantized_layer(graph_module, node):
            continue
        if seen and latest != current:
            starts.append(latest)
        current, seen = latest, True
    return starts


def _part(
    graph_module: fx.GraphModule, body: list[fx.Node], value: fx.Node, following: fx.Node | None
) -> fx.GraphModule:
    graph = fx.Graph()
    copies = {value: graph.placeholder("x")}
    inside = set(body)
    parameters = [
        node
        for node in graph_module.graph.nodes
        if node.op == "get_attr" and node not in inside and not inside.isdisjoint(node.users)
    ]
    for node in (*parameters, *body):
        copies[node] = graph.node_copy(node, lambda original: copies[original])
    if following is not None:
        graph.output(copies[following])
    return fx.GraphModule(graph_module, graph)


def _layers_among(graph_module: fx.GraphModule, body: list[fx.Node]) -> Iterator[str]:
    for node in body:
        if _quantized_layer(graph_module, node):
            yield str(node.target)


def _quantized_layer(graph_module: fx.GraphModule, node: fx.Node) -> bool:
    if node.op != "call_module":
        return False
    return isinstance(graph_module.get_submodule(str(node.target)), QuantizedLayer)


def _layer_names(model: nn.Module) -> Iterator[str]:
    for name, module in model.named_modules():
        if isinstance(module, QuantizedLayer):
            yield name
