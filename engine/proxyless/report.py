"""A search's result as a page of text."""

from collections.abc import Iterator

from engine.schema.results import SearchResult, TrainedNetwork
from engine.schema.search_config import SearchConfig


def report_text(config: SearchConfig, result: SearchResult) -> str:
    """Return the report in Markdown."""
    return "\n".join(_lines(config, result)) + "\n"


def _lines(config: SearchConfig, result: SearchResult) -> Iterator[str]:
    budgets = ", ".join(f"{budget.metric} <= {budget.limit:g}" for budget in config.budgets)
    yield f"# {result.space.title} on {config.dataset} for {config.target}"
    yield ""
    yield f"Budget: {budgets}. Algorithm: {config.algorithm}. Seed: {config.seed}."
    yield ""
    metrics = [budget.metric for budget in config.budgets]
    yield f"| network | accuracy | {' | '.join(metrics)} | parameters |"
    yield f"|---|---|{'---|' * len(metrics)}---|"
    for row in result.contenders:
        costs = " | ".join(f"{row.cost[metric]:,.6g}" for metric in metrics)
        yield f"| {row.label} | {_percent(row)} | {costs} | {row.parameters:,} |"
    yield ""
    yield "## The found network"
    yield ""
    found = result.contender(result.found)
    assert found.choices is not None
    for block, choice in zip(result.space.decisions, found.choices, strict=True):
        yield f"- {block.name}: {block.ops[choice].id}"
    yield ""
    yield "## Notes"
    yield ""
    for note in result.notes:
        yield f"- {note}"


def _percent(row: TrainedNetwork) -> str:
    if row.report_accuracy is None:
        return "-"
    value, error = row.report_accuracy.value, row.report_accuracy.standard_error
    return f"{100 * value:.2f} ± {100 * error:.2f} %"
