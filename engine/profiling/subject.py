"""What a profile run measures: the distinct parts of a space or model, and networks of them."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.catalog.datasets import DatasetEntry, dataset_entry
from engine.catalog.model_files import entry_of, spec_of
from engine.catalog.models import fitted_input
from engine.catalog.spaces import SPACES, space_for
from engine.cost.table_coverage import model_parts, space_parts
from engine.profiling.fragments import Fragment, Part, is_chain
from engine.schema.architecture import Architecture, SearchSpace
from engine.schema.errors import InvalidConfig
from engine.schema.layers import LayerSpec, ModelSpec
from engine.schema.lowering import model_spec
from engine.schema.profile_config import ProfileConfig
from engine.schema.space_shape import SpaceShape

_MOST_DRAWS = 50  # for each network that is wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnNetwork:
    """A network that is run end to end."""

    label: str
    choices: tuple[int, ...]
    fragment: Fragment


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileSubject:
    """Everything that is measured."""

    title: str
    parts: tuple[Part, ...]  # each shape once
    networks: tuple[DrawnNetwork, ...]
    notes: tuple[str, ...] = ()


def profile_subject(config: ProfileConfig) -> ProfileSubject:
    """Return what a config names.

    Raises:
        InvalidConfig: no space or model has that id, or the data do not fit it.
    """
    generator = random.Random(config.seed)  # noqa: S311 - a draw, not a secret
    dataset = dataset_entry(config.dataset) if config.dataset else None
    if config.subject in SPACES:
        space = space_for(config.subject, dataset=dataset, shape=config.shape)
        return _of_space(space, config.effort.networks, generator)
    if config.shape != SpaceShape():
        raise InvalidConfig("shape", "is of a space; a model has widths of its own")
    title = entry_of(config.subject).title
    return _of_model(_spec(config.subject, dataset), title, config.effort.networks, generator)


def _of_space(space: SearchSpace, count: int, generator: random.Random) -> ProfileSubject:
    networks = tuple(_drawn_networks(space, count, generator))
    notes: tuple[str, ...] = ()
    if count and not networks:
        notes = (
            f"Networks of {space.id} are no chains of blocks, so none was run end to end; how far "
            "sums of rows differ from them is not known.",
        )
    return ProfileSubject(
        title=space.title,
        parts=_unique(space_parts(space)),
        networks=networks,
        notes=notes,
    )


def _of_model(spec: ModelSpec, title: str, count: int, generator: random.Random) -> ProfileSubject:
    parts = [Part(layers=tuple(layers)) for layers in model_parts(spec.layers)]
    stretches = tuple(_drawn_stretches(parts, count, generator))
    notes: tuple[str, ...] = ()
    if count and not stretches:
        notes = (f"No two parts of {spec.model} follow each other, so no sum was compared.",)
    return ProfileSubject(
        title=title,
        parts=_unique(part.layers for part in parts),
        networks=stretches,
        notes=notes,
    )


def _unique(layers: Iterable[Sequence[LayerSpec]]) -> tuple[Part, ...]:
    by_label: dict[str, Part] = {}
    for one in layers:
        part = Part(layers=tuple(one))
        by_label.setdefault(part.label, part)
    return tuple(by_label.values())


def _drawn_networks(
    space: SearchSpace, count: int, generator: random.Random
) -> Iterator[DrawnNetwork]:
    """Yield distinct architectures, each operation drawn alike."""
    seen: set[tuple[int, ...]] = set()
    for _ in range(count * _MOST_DRAWS):
        if len(seen) >= min(count, space.size):
            return
        choices = tuple(generator.randrange(len(block.ops)) for block in space.decisions)
        if choices in seen:
            continue
        spec = model_spec(Architecture(space=space, choices=choices))
        parts = tuple(Part(layers=tuple(layers)) for layers in model_parts(spec.layers))
        if not is_chain(parts):
            return
        seen.add(choices)
        yield DrawnNetwork(
            label=f"network {len(seen)}", choices=choices, fragment=Fragment(parts=parts)
        )


def _drawn_stretches(
    parts: Sequence[Part], count: int, generator: random.Random
) -> Iterator[DrawnNetwork]:
    """Yield stretches of a model: the longest chain of parts, then chains drawn within it."""
    chain = _longest_chain(parts)
    if count == 0 or len(chain) < 2:
        return
    seen = {(0, len(chain))}
    whole = len(chain) == len(parts)
    yield _stretch(chain, 0, len(chain), "all of its parts" if whole else "")
    for _ in range(count * _MOST_DRAWS):
        if len(seen) >= count:
            return
        start = generator.randrange(len(chain) - 1)
        stop = generator.randrange(start + 2, len(chain) + 1)
        if (start, stop) not in seen:
            seen.add((start, stop))
            yield _stretch(chain, start, stop, "")


def _stretch(chain: Sequence[Part], start: int, stop: int, label: str) -> DrawnNetwork:
    first, last = chain[start].layers[0].name, chain[stop - 1].layers[-1].name
    return DrawnNetwork(
        label=label or f"{first} to {last}",
        choices=(),
        fragment=Fragment(parts=tuple(chain[start:stop])),
    )


def _longest_chain(parts: Sequence[Part]) -> Sequence[Part]:
    best: Sequence[Part] = ()
    start = 0
    for stop in range(1, len(parts) + 1):
        if not is_chain(parts[start:stop]):
            start = stop - 1
        if stop - start > len(best):
            best = parts[start:stop]
    return best


def _spec(model_id: str, dataset: DatasetEntry | None) -> ModelSpec:
    known = spec_of(model_id, dataset)
    if known is not None:
        return known
    entry = entry_of(model_id)
    # Only here: what is not in the catalogue has to be built, and that needs torch.
    from engine.nn.build import build_model  # noqa: PLC0415
    from engine.nn.describe import describe  # noqa: PLC0415

    image, classes = fitted_input(entry, dataset)
    network = build_model(model_id, input=image, classes=classes)
    return describe(network, model_id=model_id, input=image, classes=classes)
