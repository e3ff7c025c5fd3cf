"""The comparison of the runs that the URL names."""

from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from engine.schema.cost import Metric
from webapp.accounts.models import User
from webapp.charts.comparison import NamedResult, comparison_chart
from webapp.compare.alignment import strips
from webapp.compare.architectures import architecture_strips
from webapp.compare.outcome import outcome
from webapp.compare.selection import Run, caveats, chosen_ids, runs_of
from webapp.compare.table import comparison
from webapp.jobs import queries
from webapp.jobs.models import Job


@require_GET
def compare(request: HttpRequest) -> HttpResponse:
    """Show the runs side by side; one that is not there or not one's own is a 404."""
    runs = runs_of(_jobs(request))
    only_differences = request.GET.get("only") == "differences"
    metric = _common_metric(runs)
    named = [
        NamedResult(name=run.job.name, mark=run.mark, points=outcome(run.result).points)
        for run in runs
        if run.result is not None
    ]
    context = {
        "runs": runs,
        "groups": comparison(runs, only_differences=only_differences),
        "only_differences": only_differences,
        "caveats": caveats(runs),
        "chart": comparison_chart(named, metric) if named and metric else None,
        "strips": strips(runs),
        "architectures": architecture_strips(runs),
    }
    return render(request, "compare/compare.html", context)


def _jobs(request: HttpRequest) -> list[Job]:
    try:
        ids = chosen_ids(request.GET.getlist("job"))
    except ValueError:
        raise Http404 from None
    visible = queries.visible_to(cast(User, request.user)).select_related("owner", "team")
    found = visible.in_bulk(ids)
    if len(found) != len(ids):
        raise Http404
    return [found[job_id] for job_id in ids]


def _common_metric(runs: list[Run]) -> Metric | None:
    """Return the metric to draw: the first run's budget's, if all know it, else any all know."""
    known = [set(run.result.contender(run.result.found).cost.values) for run in runs if run.result]
    if not known:
        return None
    common = set.intersection(*known) - {"peak_activation_bytes"}
    wanted = [run.result.budgets[0].metric for run in runs if run.result]
    return next((metric for metric in [*wanted, *sorted(common)] if metric in common), None)
