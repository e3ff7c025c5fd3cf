"""What a profile would measure: how many shapes, how often, and how long that takes at least."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.catalog.datasets import dataset_entry
from engine.catalog.spaces import SPACES, space_for
from engine.cost.table_coverage import model_parts, space_parts, unique_parts
from engine.schema.layers import LayerSpec, ModelSpec
from engine.schema.profile_config import ProfileConfig
from webapp.charts.quantities import duration
from webapp.jobs.queries import model_spec


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilePlan:
    """How much there is to measure."""

    shapes: int | None  # distinct blocks and layers; None: the engine has to build the network
    precisions: tuple[str, ...]
    networks: int  # at most
    least_s: float | None  # of warm-up and sampling alone

    @property
    def sentence(self) -> str:
        """The plan in words."""
        precisions = " and ".join(self.precisions)
        checked = f", then up to {self.networks} whole networks" if self.networks else ""
        if self.shapes is None or self.least_s is None:
            return f"Its distinct layers in {precisions}{checked}; they are counted at the start."
        return (
            f"{self.shapes} distinct blocks and layers in {precisions}{checked}: at least "
            f"{duration(self.least_s)}, and more on a machine that is busy with other things."
        )


def profile_plan(config: ProfileConfig) -> ProfilePlan:
    """Return what a profile would measure.

    Raises:
        InvalidConfig: no such space, network or data, or they do not fit each other.
    """
    parts = subject_parts(config)
    shapes = None if parts is None else len(list(unique_parts(parts)))
    effort = config.effort
    each_s = effort.warmup_s + effort.sampling_s
    things = None if shapes is None else shapes + effort.networks
    return ProfilePlan(
        shapes=shapes,
        precisions=config.measured,
        networks=effort.networks,
        least_s=None if things is None else things * len(config.measured) * each_s,
    )


def subject_parts(config: ProfileConfig) -> Iterable[Sequence[LayerSpec]] | None:
    """Return the blocks and layers that are measured; None: the network is not described yet.

    Raises:
        InvalidConfig: no such space, network or data, or they do not fit each other.
    """
    if config.subject in SPACES:
        dataset = dataset_entry(config.dataset) if config.dataset else None
        return space_parts(space_for(config.subject, dataset=dataset, shape=config.shape))
    spec = model_spec(config.subject, config.dataset)
    return model_parts(spec.layers) if isinstance(spec, ModelSpec) else None
