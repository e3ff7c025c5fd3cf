"""The supernet of tree cells: a mixed operation on every edge, in the order of the choices."""

import pytest
import torch
from torch.nn import functional

from engine.catalog.spaces import space_for
from engine.nn.describe import describe
from engine.proxyless.mixed_op import MixedOp
from engine.proxyless.supernet import SuperNet
from engine.schema.lowering import model_spec
from engine.schema.space_shape import SpaceShape
from engine.schema.tree_cell import EDGES

SPACE = space_for("cifar-tree", shape=SpaceShape(cells=(1, 1), strides=(1, 2), channels=80))
SHARING = pytest.mark.parametrize("shared", [True, False], ids=["shared", "private"])


def supernet_of(*, shared: bool) -> SuperNet:
    generator = torch.Generator().manual_seed(3)
    return SuperNet(SPACE, generator=generator, shared=shared, alpha_scale=0.5)


@SHARING
def test_an_inherited_tree_computes_what_its_path_does(shared: bool) -> None:
    supernet = supernet_of(shared=shared)
    choices = supernet.sample(torch.Generator().manual_seed(1))
    images_NCHW = torch.randn(4, 3, 32, 32)
    supernet.train()(images_NCHW)  # statistics that differ from the first ones

    network = supernet.inherit(choices).eval()

    torch.testing.assert_close(network(images_NCHW), supernet.eval()(images_NCHW))
    spec = describe(network, model_id=SPACE.id, input=SPACE.input, classes=SPACE.classes)
    assert spec == model_spec(supernet.architecture(choices))


def test_choices_and_probabilities_stand_in_the_order_of_the_edges() -> None:
    """That of the costs, which a hardware term multiplies the probabilities by."""
    supernet = supernet_of(shared=True)
    wanted = [place % 7 for place in range(24)]
    for place, op in enumerate(wanted):
        block, edge = divmod(place, len(EDGES))
        mixed = supernet.body.get_submodule(f"blocks.{block + 1}.{EDGES[edge].name}")
        assert isinstance(mixed, MixedOp)
        with torch.no_grad():
            mixed.alphas[op] = 9.0

    assert supernet.argmax() == tuple(wanted)
    assert [int(each.argmax()) for each in supernet.probabilities()] == wanted
    supernet.activate(wanted)
    assert supernet.active == tuple(wanted)


@SHARING
@pytest.mark.parametrize("mode", ["two", "full_v2"])
def test_an_architecture_step_of_a_tree_moves_architecture_parameters_alone(
    shared: bool, mode: str
) -> None:
    supernet = supernet_of(shared=shared).train()
    alphas = supernet.architecture_parameters()
    optimizer = torch.optim.Adam(alphas, lr=0.1, betas=(0.0, 0.999))
    weights = [each.detach().clone() for each in supernet.weight_parameters()]
    before = [each.detach().clone() for each in alphas]
    images_NCHW = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    generator = torch.Generator().manual_seed(5)

    with supernet.architecture_step(mode, generator) as step:  # type: ignore[arg-type]
        loss = functional.cross_entropy(supernet(images_NCHW), torch.arange(4))
        probabilities = step.probabilities()
        (loss + 0.1 * sum(each[1] for each in probabilities)).backward()
        step.apply(optimizer)

    assert len(probabilities) == 24
    moved = [not torch.equal(old, new) for old, new in zip(before, alphas, strict=True)]
    assert all(moved) if mode == "full_v2" else any(moved)
    assert all(
        torch.equal(old, new) and new.grad is None
        for old, new in zip(weights, supernet.weight_parameters(), strict=True)
    )


def test_only_the_path_of_a_weight_step_learns() -> None:
    supernet = supernet_of(shared=False).train()
    supernet.activate([0] * 24)  # identities: no edge has weights

    functional.cross_entropy(supernet(torch.randn(2, 3, 32, 32)), torch.arange(2)).backward()

    learnt = {name for name, each in supernet.named_parameters() if each.grad is not None}
    assert not [name for name in learnt if "candidates" in name or "alphas" in name]
    assert any("cell.edges.0.conv" in name for name in learnt)
