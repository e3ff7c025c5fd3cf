"""The plain network of an architecture, of whichever form."""

import torch
from torch import nn

from engine.nn.initialise import initialise
from engine.nn.mobile_network import MobileNetwork
from engine.nn.tree_cell import plain_tree
from engine.schema.architecture import Architecture


def network_of(architecture: Architecture, *, generator: torch.Generator) -> nn.Module:
    """Return a network with first weights from the generator, on the ambient device."""
    is_tree = architecture.space.form == "tree"
    network = plain_tree(architecture) if is_tree else MobileNetwork(architecture)
    initialise(network, generator)
    return network
