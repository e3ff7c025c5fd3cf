"""Pages and fragments about jobs: form to service and redirect, query to template."""

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from engine.catalog.presets import QUANTIZE_PRESETS
from engine.schema.quantize_config import QuantizeConfig
from webapp.accounts.models import User
from webapp.jobs import queries, services
from webapp.jobs.filters import run_list
from webapp.jobs.form_choices import unavailable_datasets
from webapp.jobs.forms import QuantizeForm
from webapp.jobs.launching import asked_fields, earlier_config, is_uuid, named_network, posted
from webapp.jobs.models import Job, ModelDescription
from webapp.jobs.pages import LOG_LINES, RESULT_PAGES, config_rows, live_page
from webapp.jobs.prefill import initial_for_network, initial_from
from webapp.jobs.question_fields import FURTHER_FIELDS
from webapp.jobs.reach import MetricChoice, metric_choices, width_note
from webapp.jobs.transitions import What

_RECENT = 5


@require_GET
def list_runs(request: HttpRequest) -> HttpResponse:
    """Show the team's runs, one page of them; htmx gets the table alone."""
    runs = run_list(_user(request), request.GET)
    template = "jobs/_runs.html" if _is_fragment(request) else "jobs/list.html"
    return render(request, template, {"runs": runs})


@require_GET
def states(request: HttpRequest) -> HttpResponse:
    """Show how the runs named by `?id=` stand now; the list asks while some are active."""
    ids = [each for each in request.GET.getlist("id")[:100] if is_uuid(each)]
    jobs = list(queries.visible_to(_user(request)).filter(pk__in=ids).defer("result", "config"))
    active = [str(job.pk) for job in jobs if not job.is_over and job.status != Job.Status.PAUSED]
    return render(request, "jobs/_states.html", {"jobs": jobs, "active_ids": active})


@require_GET
def new(request: HttpRequest) -> HttpResponse:
    """Show the engines one may launch, and recent runs to start from."""
    recent = queries.visible_to(_user(request)).select_related("owner").defer("result", "config")
    return render(request, "jobs/new.html", {"recent": recent[:_RECENT]})


@require_http_methods(["GET", "POST"])
def new_quantize(request: HttpRequest) -> HttpResponse:
    """Show the HAQ form and launch what it says."""
    form = QuantizeForm(
        posted(request), request.FILES or None, user=_user(request), initial=_initial(request)
    )
    if request.method == "POST" and "check" not in request.POST:
        job = form.launch()
        if job is not None:
            return redirect("jobs:detail", job_id=job.pk)
    return render(request, "jobs/new_quantize.html", _form_context(form))


@require_GET
def reach(request: HttpRequest) -> HttpResponse:
    """Show what the budget can be for the form as it stands (an htmx fragment)."""
    user, said = _user(request), _plain_values(request.GET)
    form = QuantizeForm(None, user=user, initial=said)
    form.band()
    is_described = form.reaches is not None
    possible = [choice.id for choice in _metrics(form) if not choice.reason]
    if possible and form.first_metric not in possible:
        form = QuantizeForm(None, user=user, initial={**said, "metric": possible[0]})
    subject = str(said.get("subject", ""))
    # Without a subject a description was waited for; while that lasts, no field is disturbed.
    is_other_subject = subject != form.subject and bool(subject or is_described)
    if is_other_subject:
        form.initial["limit"] = ""
    if subject.rpartition("|")[0] != form.subject.rpartition("|")[0]:
        form.initial.update(dict.fromkeys(FURTHER_FIELDS.values(), ""))
    context = {**_form_context(form), "is_other_subject": is_other_subject}
    return render(request, "jobs/_reach_answer.html", context)


@require_GET
def detail(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Show a job: live while it runs, its result once there is one."""
    visible = queries.visible_to(_user(request)).select_related("owner", "team")
    job = get_object_or_404(visible, pk=job_id)
    context: dict[str, Any] = {  # Any: a template's context
        "job": job,
        "state": queries.job_state(job),
        "config_rows": config_rows(job),
        "artifacts": job.artifacts.all(),
        "log": queries.last_lines(job.pk, LOG_LINES),
    }
    if job.status == Job.Status.SUCCEEDED:
        template = f"jobs/result_{job.kind}.html"
        return render(request, template, {**context, "result": RESULT_PAGES[job.kind](job)})
    return render(request, "jobs/live.html", {**context, **live_page(job)})


@require_POST
def request_change(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Ask something of a job: cancel, pause, finish, resume or retry."""
    job = get_object_or_404(queries.visible_to(_user(request)), pk=job_id)
    try:
        services.request(job, cast(What, request.POST.get("what", "")), _user(request))
    except services.RequestRefused as refusal:
        messages.warning(request, str(refusal))
    return redirect("jobs:detail", job_id=job.pk)


@require_GET
def events(request: HttpRequest, job_id: UUID) -> JsonResponse:
    """Answer with the log past `?after=`, for pages whose socket does not hold."""
    job = get_object_or_404(queries.visible_to(_user(request)), pk=job_id)
    after = request.GET.get("after", "0")
    state = queries.job_state(job)
    seq = int(after) if after.isascii() and after.isdigit() else 0
    return JsonResponse({"state": state, "events": queries.events_after(job.pk, seq)})


def _form_context(form: QuantizeForm) -> dict[str, Any]:  # Any: a template's context
    band = form.band()
    drawn = None if isinstance(band, ModelDescription) else band
    if not form.is_bound and not form.initial.get("limit"):
        form.initial["limit"] = form.start_limit
    target = form.shown_target
    return {
        "form": form,
        "band": drawn,
        "description": band if isinstance(band, ModelDescription) else None,
        "target": target,
        "metrics": _metrics(form),
        "further": form.further_budgets(),
        "width_note": width_note(target) if target else "",
        "presets": QUANTIZE_PRESETS.values(),
        "unavailable": unavailable_datasets(),
        "form_unit": drawn.unit if drawn else "",
    }


def _metrics(form: QuantizeForm) -> tuple[MetricChoice, ...]:
    target = form.shown_target
    return metric_choices(target, form.reaches, is_weights_only=form.is_weights_only)


def _initial(request: HttpRequest) -> dict[str, Any]:  # Any: values of form fields
    search = named_network(request)
    if search is not None:
        return initial_for_network(search)
    earlier = earlier_config(request)
    if isinstance(earlier, QuantizeConfig):
        return initial_from(earlier)
    return asked_fields(request, ("model", "dataset", "folder", "target", "metric"))


def _plain_values(data: Any) -> dict[str, Any]:  # Any: a QueryDict, and values of form fields
    several = ("weight_bits", "activation_bits")  # boxes, of which none may be ticked
    return {**{key: data[key] for key in data}, **{key: data.getlist(key) for key in several}}


def _is_fragment(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False)) and not request.headers.get("HX-Boosted")


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)  # LoginRequiredMiddleware lets nobody else in
