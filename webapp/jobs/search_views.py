"""The ProxylessNAS form and its feasibility band."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from engine.catalog.presets import SEARCH_PRESETS
from engine.schema.search_config import SearchConfig
from webapp.accounts.models import User
from webapp.jobs.form_choices import unavailable_datasets
from webapp.jobs.launching import asked_fields, earlier_config, posted
from webapp.jobs.search_choices import space_sentence
from webapp.jobs.search_fields import FURTHER_FIELDS
from webapp.jobs.search_form import SearchForm
from webapp.jobs.search_prefill import search_initial
from webapp.jobs.search_reach import search_metrics
from webapp.jobs.search_shape import COUNTS, LISTS, SHAPE_FIELDS

_ASKED = ("space", "dataset", "folder", "target", "metric", *SHAPE_FIELDS)


@require_http_methods(["GET", "POST"])
def new_search(request: HttpRequest) -> HttpResponse:
    """Show the ProxylessNAS form and launch what it says."""
    earlier = earlier_config(request)
    initial = (
        search_initial(earlier)
        if isinstance(earlier, SearchConfig)
        else asked_fields(request, _ASKED)
    )
    form = SearchForm(posted(request), user=_user(request), initial=initial)
    if request.method == "POST" and "check" not in request.POST:
        job = form.launch()
        if job is not None:
            return redirect("jobs:detail", job_id=job.pk)
    return render(request, "jobs/new_search.html", _context(form))


@require_GET
def search_reach(request: HttpRequest) -> HttpResponse:
    """Show what the budget can be for the form as it stands (an htmx fragment)."""
    data = request.GET.dict()
    is_other_space = data.get("shape_space") != data.get("space")
    if is_other_space:  # the numbers were those of another space's stages
        data |= dict.fromkeys((*LISTS, *COUNTS), "")
    form = SearchForm(None, user=_user(request), initial=data)
    target = form.targets.find(data.get("target", ""))
    possible = [m.id for m in search_metrics(target, form.bits) if not m.reason]
    if possible and data.get("metric") not in possible:
        data["metric"] = possible[0]
    form = SearchForm(None, user=_user(request), initial=data)
    subject = data.get("subject", "")
    is_other_subject = subject != form.subject
    if is_other_subject:
        form.initial["limit"] = ""
    if subject.rpartition("|")[0] != form.subject.rpartition("|")[0]:
        form.initial.update(dict.fromkeys(FURTHER_FIELDS.values(), ""))
    context = {
        **_context(form),
        "is_other_subject": is_other_subject,
        "is_other_space": is_other_space,
        "is_other_data": data.get("data_subject") != form.dataset_id,
    }
    return render(request, "jobs/_search_reach_answer.html", context)


def _context(form: SearchForm) -> dict[str, Any]:  # Any: a template's context
    band = form.band()
    if not form.is_bound and not form.initial.get("limit"):
        form.initial["limit"] = form.start_limit
    target = form.shown_target
    return {
        "form": form,
        "band": band,
        "space_sentence": space_sentence(form.fitted) if form.fitted else "",
        "target": target,
        "metrics": search_metrics(target, form.bits),
        "further": form.further_budgets(),
        "presets": SEARCH_PRESETS.values(),
        "unavailable": unavailable_datasets(),
        "form_unit": band.unit if band else "",
        "limit_help": "For the whole network. Starts at a MobileNetV2 between the lowest and the "
        "mean of the space.",
    }


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)  # LoginRequiredMiddleware lets nobody else in
