"""Configs that tests queue: real ones, of the smallest network of the catalogue."""

from dataclasses import replace
from typing import Any

from engine.schema.configs import QuantizeConfig, QuantizeEffort
from engine.schema.cost import Budget

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
