"""The plain network of an architecture, of whichever form."""

import torch
from torch import nn

from engine.nn.initialise import initialise
from engine.nn.mobile_network import MobileNetwork, mobile_network
from engine.nn.tree_cell import plain_tree, tree_network
from engine.schema.architecture import Architecture


def network_of(architecture: Architecture, *, generator: torch.Generator) -> nn.Module:
    """Return a network with first weights from the generator, on the ambient device."""
    is_tree = architecture.space.form == "tree"
    network = plain_tree(architecture) if is_tree else MobileNetwork(architecture)
    initialise(network, generator)
    return network


def drawn_network(architecture: Architecture, *, generator: torch.Generator) -> nn.Module:
    """Return a network with first weights from the generator, on the CPU.

    The ambient generator is not touched.
    """
    if architecture.space.form == "tree":
        return tree_network(architecture, generator=generator)
    return mobile_network(architecture, generator=generator)
