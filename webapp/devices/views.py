"""Pages about devices: query to template."""

from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from engine.catalog.hosts import HOSTS
from webapp.accounts.models import User
from webapp.charts.quantities import PROVENANCE_MEANING
from webapp.devices import queries
from webapp.devices.overview import overview
from webapp.devices.page import device_page
from webapp.tables.targets import targets_for


@require_GET
def list_devices(request: HttpRequest) -> HttpResponse:
    """Show every device that a run may ask for; htmx gets the table alone."""
    user = cast(User, request.user)
    targets = targets_for(user)
    context = {
        "devices": overview(
            list(queries.devices(targets).values()),
            queries.runs_by_target(user),
            request.GET,
            tables=targets.rows(),
        ),
        "provenances": PROVENANCE_MEANING.items(),
    }
    is_fragment = bool(getattr(request, "htmx", False)) and not request.headers.get("HX-Boosted")
    return render(request, f"devices/{'_devices' if is_fragment else 'list'}.html", context)


@require_GET
def detail(request: HttpRequest, target_id: str) -> HttpResponse:
    """Show one device: facts, and what bits do there for the network that the URL asks for."""
    targets = targets_for(cast(User, request.user))
    devices = queries.devices(targets)
    target = devices.get(target_id)
    if target is None:
        raise Http404
    page = device_page(target, list(devices.values()), request.GET)
    runs = queries.runs_by_target(cast(User, request.user)).get(target.id, 0)
    rows = targets.rows()
    context = {
        "page": page,
        "runs": runs,
        "table": rows.get(target_id),
        "is_host": target_id in HOSTS,
        "measured": next((row for row in rows.values() if row.host == target_id), None),
    }
    return render(request, "devices/detail.html", context)
