"""Pages about a team's tables: add one, look at it, keep it, take it away."""

import json
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
    require_safe,
)

from engine.schema.codec import from_json
from engine.schema.cost_table import CostTable
from webapp.accounts.models import User
from webapp.tables import queries, services
from webapp.tables.forms import TableForm
from webapp.tables.page import table_page

_PREVIEW_ROWS = 8
_MOST_ROWS = 500  # on a page; the download has all


@require_http_methods(["GET", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Show the form for a table and lay aside what it brings."""
    form = TableForm(request.POST or None, request.FILES or None, user=_user(request))
    if request.method == "POST":
        draft = form.keep()
        if draft is not None:
            return redirect("tables:draft", draft_id=draft.pk)
    return render(request, "tables/add.html", {"form": form})


@require_http_methods(["GET", "POST"])
def draft(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """Show a table that was read and not kept yet; keep it or drop it."""
    draft = queries.drafts_of(_user(request)).filter(pk=draft_id).first()
    if draft is None:
        return _kept_before(request)
    if request.method == "GET":
        page = table_page(from_json(CostTable, draft.document), most_rows=_PREVIEW_ROWS)
        known = queries.of_team(draft.team).filter(target=page.target.id).first()
        context = {"draft": draft, "page": page, "known": known}
        return render(request, "tables/draft.html", context)
    if "keep" in request.POST:
        table = services.store_draft(draft)
        messages.success(request, f"{table.title} is a device of {table.team} now.")
        return redirect("tables:detail", table_id=table.pk)
    services.drop_draft(draft)
    messages.info(request, f"{draft.file_name} was not kept.")
    return redirect("tables:add")


@require_GET
def detail(request: HttpRequest, table_id: UUID) -> HttpResponse:
    """Show a table: what it covers, its rows, how well its sums tell whole networks."""
    tables = queries.visible_to(request.user).select_related("team", "made_by", "source_job")
    table = get_object_or_404(tables, pk=table_id)
    page = table_page(from_json(CostTable, table.document), most_rows=_MOST_ROWS)
    context = {"table": table, "page": page, "runs": queries.runs_on(table)}
    return render(request, "tables/detail.html", context)


@require_safe
def download(request: HttpRequest, table_id: UUID) -> HttpResponse:
    """Send a table as the document that the upload and the engine take."""
    table = get_object_or_404(queries.visible_to(request.user), pk=table_id)
    text = json.dumps(table.document, separators=(",", ":")) + "\n"
    response = HttpResponse(text, content_type="application/json")
    name = f"{table.document['name']}.json"
    response["Content-Disposition"] = content_disposition_header(True, name) or ""
    return response


@require_POST
def delete(request: HttpRequest, table_id: UUID) -> HttpResponse:
    """Take a table away, unless a job still needs it."""
    table = get_object_or_404(queries.visible_to(request.user), pk=table_id)
    try:
        services.delete(table)
    except services.TableInUse as refusal:
        messages.warning(request, f"{table.title} cannot be deleted yet: {refusal}")
        return redirect("tables:detail", table_id=table.pk)
    messages.success(request, f"{table.title} was deleted.")
    return redirect("devices:list")


def _kept_before(request: HttpRequest) -> HttpResponse:
    """Lead a second click to the table that the first one kept: its draft is gone by then."""
    if "keep" not in request.POST:
        raise Http404
    kept = get_object_or_404(
        queries.visible_to(request.user),
        target=request.POST.get("target", ""),
        team__slug=request.POST.get("team", ""),
    )
    return redirect("tables:detail", table_id=kept.pk)


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)  # LoginRequiredMiddleware lets nobody else in
