"""The form that measures a device, and what it would measure."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from engine.catalog.presets import PROFILE_PRESETS
from engine.schema.profile_config import ProfileConfig
from webapp.accounts.models import User
from webapp.jobs.launching import earlier_config, named_network, posted
from webapp.jobs.profile_form import ProfileForm
from webapp.jobs.profile_prefill import asked_initial, profile_initial, space_initial


@require_http_methods(["GET", "POST"])
def new_profile(request: HttpRequest) -> HttpResponse:
    """Show the form and queue the measuring that it says."""
    form = ProfileForm(posted(request), user=_user(request), initial=_initial(request))
    if request.method == "POST" and "check" not in request.POST:
        job = form.launch()
        if job is not None:
            return redirect("jobs:detail", job_id=job.pk)
    return render(request, "jobs/new_profile.html", _context(form))


@require_GET
def plan(request: HttpRequest) -> HttpResponse:
    """Show what would be measured for the form as it stands (an htmx fragment)."""
    initial: dict[str, Any] = request.GET.dict()  # Any: values of form fields
    initial["precisions"] = request.GET.getlist("precisions")
    form = ProfileForm(None, user=_user(request), initial=initial)
    return render(request, "jobs/_profile_plan.html", _context(form))


def _initial(request: HttpRequest) -> dict[str, Any]:  # Any: values of form fields
    earlier = earlier_config(request)
    if isinstance(earlier, ProfileConfig):
        return profile_initial(earlier)
    search = named_network(request)
    asked = asked_initial(request.GET)
    return {**asked, **space_initial(search)} if search else asked


def _context(form: ProfileForm) -> dict[str, Any]:  # Any: a template's context
    return {"form": form, "plan": form.plan(), "presets": PROFILE_PRESETS.values()}


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)  # LoginRequiredMiddleware lets nobody else in
