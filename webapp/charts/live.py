"""The charts of a running job, by the job's kind.

A new live chart is one `LiveChart` in the file of its kind.
"""

from engine.schema.architecture import SearchSpace
from engine.schema.configs import SearchConfig
from webapp.charts.live_chart import LiveChart
from webapp.charts.live_profile import PROFILE_CHARTS
from webapp.charts.live_quantize import quantize_charts
from webapp.charts.live_search import SEARCH_CHARTS, cost_chart, network_charts, space_charts

LIVE_CHARTS: dict[str, tuple[LiveChart, ...]] = {
    "quantize": quantize_charts(),
    "search": SEARCH_CHARTS,
    "profile": PROFILE_CHARTS,
}


def search_charts(config: SearchConfig, space: SearchSpace) -> tuple[LiveChart, ...]:
    """Return the charts of a search in a space: those of any, and those of its own blocks."""
    paths, *strip = space_charts(space)
    loss, accuracy, step_accuracy, entropy = SEARCH_CHARTS
    return (
        *strip,
        paths,
        cost_chart(config.budgets[0]),
        entropy,
        step_accuracy,
        loss,
        accuracy,
        *network_charts(config.effort.random_networks),
    )
