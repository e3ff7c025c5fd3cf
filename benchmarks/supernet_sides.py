"""One side of `benchmarks.supernet` as a process of its own.

    python -m benchmarks.supernet_sides SIDE SIZE BATCH

Each line on stdin runs one round of steps and answers with its CPU seconds per step; `peak` answers
with the MB that the process reached over what it held when its imports were done, `parameters` with
the MB of its network's parameters.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import mobilenet_v2

from engine.catalog.spaces import space_entry
from engine.nn.layout import lay_channels_last
from engine.proxyless.gates.all_paths import AllPaths
from engine.proxyless.gates.draw import GateMode
from engine.proxyless.supernet import SuperNet
from engine.schema.architecture import SearchSpace

PATHS = 6  # drawn once, the same for every side that has paths
REINFORCED = 10  # architectures of one REINFORCE step
SURE = 30.0  # an architecture parameter beside which no other is drawn
Step = Callable[[int], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=SIDES)
    parser.add_argument("size", type=int)
    parser.add_argument("batch", type=int)
    parser.add_argument("--candidates", type=int, help="of each block; all if left out")
    options = parser.parse_args()
    torch.set_num_threads(1)
    at_import_mb = resident_mb()
    task = Task(options.size, options.batch, options.candidates)
    step = SIDES[options.side](task)
    for line in sys.stdin:
        if line.strip() == "peak":
            answer = peak_mb() - at_import_mb
        elif line.strip() == "parameters":
            answer = task.parameters_mb
        else:
            answer = round_seconds(step, int(line))
        print(json.dumps(answer), flush=True)


def round_seconds(step: Step, steps: int) -> float:
    start = time.process_time()
    for number in range(steps):
        step(number)
    return (time.process_time() - start) / steps


class Task:
    """One batch of noise, and the networks and optimisers that are timed on it."""

    def __init__(self, size: int, batch: int, candidates: int | None = None) -> None:
        generator = torch.Generator().manual_seed(0)
        self.images_NCHW = torch.randn(batch, 3, size, size, generator=generator)
        self.labels_N = torch.randint(1000, (batch,), generator=generator)
        self.candidates = candidates
        self.parameters_mb = 0.0

    def last(self) -> None:
        """Put the images' channels last, as our loaders do."""
        self.images_NCHW = self.images_NCHW.contiguous(memory_format=torch.channels_last)

    def loss(self, network: nn.Module) -> Tensor:
        """Return the cross-entropy; shape ()."""
        return functional.cross_entropy(network(self.images_NCHW), self.labels_N)

    def space(self) -> SearchSpace:
        """Return the mobile space, its blocks cut to the first candidates if asked for."""
        space = space_entry("mobile-24")
        blocks = (replace(block, ops=block.ops[: self.candidates]) for block in space.blocks)
        return replace(space, blocks=tuple(blocks))

    def supernet(self, *, shared: bool) -> SuperNet:
        """Return the supernet as a search lays it out."""
        self.last()
        supernet = SuperNet(self.space(), generator=torch.Generator().manual_seed(0), shared=shared)
        lay_channels_last(supernet)
        self.holds(supernet)
        return supernet.train()

    def holds(self, network: nn.Module) -> None:
        """Note the parameters of the network that is trained."""
        self.parameters_mb = sum(4e-6 * each.numel() for each in network.parameters())


def sgd(parameters: list[nn.Parameter]) -> torch.optim.SGD:
    return torch.optim.SGD(parameters, lr=0.01, momentum=0.9, nesterov=True, weight_decay=4e-5)


def adam(supernet: SuperNet) -> torch.optim.Adam:
    return torch.optim.Adam(supernet.architecture_parameters(), lr=1e-3, betas=(0.0, 0.999))


def training_step(task: Task, network: nn.Module) -> Step:
    optimizer = sgd(list(network.parameters()))

    def step(_number: int) -> None:
        optimizer.zero_grad()
        task.loss(network).backward()
        optimizer.step()

    return step


def mobilenet_plain(task: Task) -> Step:
    """MobileNetV2 as plain PyTorch runs it."""
    return training_step(task, mobilenet_v2())


def mobilenet_tuned(task: Task) -> Step:
    """The same with channels last; the allocator is the caller's."""
    task.last()
    network = mobilenet_v2()
    lay_channels_last(network)
    return training_step(task, network)


def paths_of(supernet: SuperNet, count: int = PATHS) -> list[tuple[int, ...]]:
    generator = torch.Generator().manual_seed(1)
    return [supernet.sample(generator) for _ in range(count)]


def plain_networks(task: Task, count: int = PATHS) -> list[nn.Module]:
    supernet = task.supernet(shared=True)
    networks = [
        supernet.plain(path, torch.Generator().manual_seed(2)) for path in paths_of(supernet, count)
    ]
    for network in networks:
        lay_channels_last(network)
    return networks


def path_plain(task: Task) -> Step:
    """Sampled paths as plain networks, with channels last."""
    steps = [training_step(task, network) for network in plain_networks(task)]
    return lambda number: steps[number % PATHS](number)


def weight(task: Task, *, shared: bool) -> Step:
    """The same paths in the supernet."""
    supernet = task.supernet(shared=shared)
    paths = paths_of(supernet)
    optimizer = sgd(supernet.weight_parameters())

    def step(number: int) -> None:
        supernet.activate(paths[number % PATHS])
        optimizer.zero_grad()
        task.loss(supernet).backward()
        optimizer.step()

    return step


def architecture(task: Task, mode: GateMode, *, shared: bool) -> Step:
    """One architecture step; every round draws the same gates."""
    supernet = task.supernet(shared=shared)
    generator, optimizer = torch.Generator(), adam(supernet)

    def step(number: int) -> None:
        generator.manual_seed(number)
        with supernet.architecture_step(mode, generator) as drawn:
            task.loss(supernet).backward()
            drawn.apply(optimizer)

    return step


def search(task: Task, *, shared: bool) -> Step:
    """One weight and one architecture step, as `full_v2` takes it."""
    one, other = weight(task, shared=shared), architecture(task, "full_v2", shared=shared)

    def step(number: int) -> None:
        one(number)
        other(number)

    return step


def reinforce(task: Task) -> Step:
    """A REINFORCE step: draws architectures, rates them on one batch, follows the gradient."""
    supernet = task.supernet(shared=True)
    optimizer = adam(supernet)

    def step(_number: int) -> None:
        generator = torch.Generator().manual_seed(1)
        rewards, logs = [], []
        with torch.no_grad(), supernet.frozen_statistics():
            for _ in range(REINFORCED):
                supernet.sample(generator)
                hits_N = supernet(task.images_NCHW).argmax(dim=1) == task.labels_N
                rewards.append(hits_N.float().mean())
                with torch.enable_grad():
                    logs.append(supernet.log_probability(supernet.active))
        rewards_M = torch.stack(rewards)
        optimizer.zero_grad()
        (-(rewards_M - rewards_M.mean()) * torch.stack(logs)).mean().backward()
        optimizer.step()

    return step


def forward(task: Task) -> Step:
    """The forward passes of as many architectures, as plain networks."""
    networks = plain_networks(task, REINFORCED)

    def step(_number: int) -> None:
        with torch.no_grad():
            for network in networks:
                network(task.images_NCHW)

    return step


def one_plain(task: Task) -> Step:
    """Training steps of one path as a plain network, for its memory."""
    (network,) = plain_networks(task, 1)
    task.holds(network)
    return training_step(task, network)


def one_path(task: Task, *, shared: bool) -> Step:
    """Weight steps of the same path in a supernet; of first candidates where their number is set.

    No other path is ever taken, so that closed paths have no momentum.
    """
    supernet = task.supernet(shared=shared)
    if task.candidates is None:
        supernet.activate(paths_of(supernet, 1)[0])
    return training_step(task, supernet)


def first_candidates(task: Task, mode: GateMode) -> Step:
    """Architecture steps in which the first candidates are active, whatever else is tried."""
    supernet = task.supernet(shared=False)
    optimizer, generator = adam(supernet), torch.Generator()
    for alphas_P in supernet.architecture_parameters():
        alphas_P.data[0] = SURE

    def step(_number: int) -> None:
        with supernet.architecture_step(mode, generator) as drawn:
            task.loss(supernet).backward()
            drawn.apply(optimizer)

    return step


def all_paths(task: Task, kind: AllPaths) -> Step:
    """Steps with every candidate alive, for their memory."""
    supernet = task.supernet(shared=False)
    step_once = training_step(task, supernet)

    def step(number: int) -> None:
        with supernet.all_paths(kind):
            step_once(number)

    return step


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


SIDES: dict[str, Callable[[Task], Step]] = {
    "mobilenet-plain": mobilenet_plain,
    "mobilenet-tuned": mobilenet_tuned,
    "path-plain": path_plain,
    "weight-shared": lambda task: weight(task, shared=True),
    "weight-private": lambda task: weight(task, shared=False),
    "two-shared": lambda task: architecture(task, "two", shared=True),
    "two-private": lambda task: architecture(task, "two", shared=False),
    "full_v2-shared": lambda task: architecture(task, "full_v2", shared=True),
    "full_v2-private": lambda task: architecture(task, "full_v2", shared=False),
    "search-private": lambda task: search(task, shared=False),
    "reinforce": reinforce,
    "forward": forward,
    "one-plain": one_plain,
    "one-path-shared": lambda task: one_path(task, shared=True),
    "one-path-private": lambda task: one_path(task, shared=False),
    "one-path-two": lambda task: first_candidates(task, "two"),
    "one-path-full_v2": lambda task: first_candidates(task, "full_v2"),
    "all-paths-sum": lambda task: all_paths(task, "sum"),
    "all-paths-weighted": lambda task: all_paths(task, "weighted"),
}


if __name__ == "__main__":
    main()
