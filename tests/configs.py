"""Configs that tests queue: real ones, of the smallest network of the catalogue."""

from dataclasses import replace
from typing import Any

from engine.schema.cost import Budget
from engine.schema.profile_config import ProfileConfig, ProfileEffort
from engine.schema.quantize_config import QuantizeConfig, QuantizeEffort
from engine.schema.search_config import SearchConfig, SearchEffort

# The small MobileNetV2 reaches 2.0 to 8.4 ms on this target.
LATENCY_BUDGET = Budget(metric="latency_ms", limit=4.0)


def quantize_config(*, episodes: int = 3, **changes: Any) -> QuantizeConfig:
    """Return a HAQ search that is admissible as it stands."""
    config = QuantizeConfig(
        model="mobilenet_v2_small",
        dataset="fashion-mnist",
        target="bismo-cloud",
        budgets=(LATENCY_BUDGET,),
        preset="smoke",
        effort=QuantizeEffort(episodes=episodes),
        device="cpu",
    )
    return replace(config, **changes)


def search_config(**changes: Any) -> SearchConfig:
    """Return a ProxylessNAS search that is admissible as it stands."""
    config = SearchConfig(
        space="tiny",
        dataset="fashion-mnist",
        target="counted",
        # The tiny space reaches 1.06 to 5.26 million multiply-accumulates on these images.
        budgets=(Budget(metric="macs", limit=2.0e6),),
        preset="smoke",
        effort=SearchEffort(),
        device="cpu",
    )
    return replace(config, **changes)


def profile_config(**changes: Any) -> ProfileConfig:
    """Return a profile of the smallest space that is admissible as it stands and takes seconds."""
    config = ProfileConfig(
        name="cpu-tiny",
        subject="tiny",
        effort=ProfileEffort(
            warmup_runs=3,
            warmup_s=0,
            samples=5,
            sampling_s=0.005,
            longest_s=0.05,
            retries=0,
            networks=6,
        ),
    )
    return replace(config, **changes)
