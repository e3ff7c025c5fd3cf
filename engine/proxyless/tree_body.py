"""The supernet of a tree space: a mixed operation on each of the twelve edges of every cell."""

import torch
from torch import Tensor, nn

from engine.nn.initialise import initialise
from engine.nn.tree_cell import TreeNetwork, edge_operation, plain_tree, tree_network
from engine.proxyless.mixed_op import MixedOp
from engine.proxyless.shared_edges import SharedEdge, SharedSepConv
from engine.schema.architecture import TREE_EDGES, Architecture, BlockSpec, SearchSpace
from engine.schema.tree_cell import EDGES


class TreeBody(TreeNetwork):
    """A network of tree cells whose edges are chosen by architecture parameters."""

    def __init__(self, space: SearchSpace, *, shared: bool) -> None:
        super().__init__(space, lambda block, _place: _edge(block, shared=shared))
        self.space = space

    def initialise(self, generator: torch.Generator) -> None:
        """Draw first weights."""
        initialise(self, generator)
        for module in self.modules():
            if isinstance(module, SharedEdge):
                module.initialise(generator)

    @property
    def places(self) -> tuple[int, ...]:
        """Return which of an architecture's choices each mixed operation makes.

        The order is that of the modules: both edges of a node stand before the nodes behind them.
        """
        in_block = sorted(range(TREE_EDGES), key=_module_order)
        return tuple(
            index * TREE_EDGES + place
            for index, block in enumerate(self.space.blocks)
            if not block.is_fixed
            for place in in_block
        )

    def plain(self, architecture: Architecture, generator: torch.Generator) -> TreeNetwork:
        """Return an architecture's network with new weights."""
        return tree_network(architecture, generator=generator)

    def inherit(self, architecture: Architecture) -> TreeNetwork:
        """Return an architecture's network with the supernet's weights and statistics."""
        with torch.device("meta"):  # draws nothing from the ambient generator
            network = plain_tree(architecture)
        network.to_empty(device="cpu")
        names = network.state_dict().keys()
        state = {name: tensor for name, tensor in self.state_dict().items() if name in names}
        for place, choice in enumerate(architecture.choices):
            index, edge = divmod(place, TREE_EDGES)
            prefix = f"blocks.{index + 1}.{EDGES[edge].name}"
            of_edge = _state(self.get_submodule(prefix), choice)
            state |= {f"{prefix}.{name}": tensor for name, tensor in of_edge.items()}
        network.load_state_dict(state)
        return network


def _edge(block: BlockSpec, *, shared: bool) -> nn.Module:
    if block.is_fixed:
        return edge_operation(block, block.ops[0])
    if not shared or all(op.kind != "sepconv" for op in block.ops):
        return MixedOp([edge_operation(block, op) for op in block.ops])
    weights = SharedEdge(block.planes, block.ops)
    candidates = [
        SharedSepConv(weights, block.planes, op)
        if op.kind == "sepconv"
        else edge_operation(block, op)
        for op in block.ops
    ]
    return MixedOp(candidates, shared=weights)


def _module_order(place: int) -> tuple[int, bool, int, int]:
    edge = EDGES[place]
    return edge.branch, edge.second is not None, edge.first, edge.second or 0


def _state(edge: nn.Module, choice: int) -> dict[str, Tensor]:
    if isinstance(edge, MixedOp):
        candidate = edge.candidates[choice]
        if isinstance(candidate, SharedSepConv):
            return candidate.plain_state()
        return dict(candidate.state_dict())
    return dict(edge.state_dict())
