"""The charts of a running job, by the job's kind.

A new live chart is one `LiveChart` in the file of its kind.
"""

from engine.schema.architecture import SearchSpace
from engine.schema.search_config import SearchConfig
from webapp.charts.live_chart import LiveChart
from webapp.charts.live_epochs import network_charts, supernet_charts
from webapp.charts.live_profile import PROFILE_CHARTS
from webapp.charts.live_quantize import quantize_charts
from webapp.charts.live_search import STEP_CHARTS, cost_chart, space_charts

LIVE_CHARTS: dict[str, tuple[LiveChart, ...]] = {
    "quantize": quantize_charts(),
    "search": STEP_CHARTS,  # of a space that is not known any more
    "profile": PROFILE_CHARTS,
}


def search_charts(config: SearchConfig, space: SearchSpace) -> tuple[LiveChart, ...]:
    """Return the charts of a search in a space: those of any, and those of its own blocks."""
    effort = config.effort
    paths, *strip = space_charts(space)
    return (
        *strip,
        paths,
        cost_chart(config.budgets[0]),
        *STEP_CHARTS,
        *supernet_charts(effort.warmup_epochs + effort.epochs),
        *network_charts(config.recipe.epochs, effort.random_networks),
    )
