"""The list of runs: what it is filtered by, sorted by and which page, all of it in the URL."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import F, Q, QuerySet

from webapp.accounts.models import User
from webapp.jobs import queries
from webapp.jobs.answer import model_words, target_title
from webapp.jobs.models import Job

PAGE_SIZE = 25
_SORTS = {
    "name": "name",
    "state": "status",
    "model": "model",
    "target": "target",
    "accuracy": "found_accuracy",
    "owner": "owner__username",
    "created": "created_at",
}
DEFAULT_SORT = "-created"
_ACTIVE = (Job.Status.QUEUED, Job.Status.RUNNING)


class RunFilterForm(forms.Form):
    """What one may narrow the list by."""

    q = forms.CharField(label="Search", required=False, max_length=100)
    kind = forms.ChoiceField(label="Kind", required=False)
    state = forms.ChoiceField(label="State", required=False)
    target = forms.ChoiceField(label="Target", required=False)
    model = forms.ChoiceField(label="Network or space", required=False)
    owner = forms.ChoiceField(label="Owner", required=False)
    team = forms.ChoiceField(label="Team", required=False)
    sort = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any, *, visible: QuerySet[Job]) -> None:  # Any: a QueryDict
        super().__init__(data, auto_id="filter_%s")
        facets = list(
            visible.order_by()
            .values_list(
                *("target", "model", "owner__username", "team__slug", "team__name"), "target_title"
            )
            .distinct()
        )
        self._offer("kind", Job.Kind.choices)
        self._offer("state", [*Job.Status.choices, ("active", "Queued or running")])
        self._offer("target", sorted({(row[0], target_title(row[0], row[5])) for row in facets}))
        self._offer("model", sorted({(row[1], model_words(row[1])) for row in facets}))
        self._offer("owner", sorted({(row[2], row[2]) for row in facets}))
        self._offer("team", sorted({(row[3], row[4]) for row in facets}))
        self.is_valid()

    @property
    def said(self) -> dict[str, str]:
        """The filters that are set and make sense; others are as if not there."""
        return {name: value for name, value in self.cleaned_data.items() if value}

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Any"), *choices]
        field.widget.attrs["class"] = "form-select"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A column one may sort by."""

    key: str
    title: str
    href: str
    direction: str  # aria-sort: "ascending", "descending" or "none"
    is_number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunList:
    """One page of the list."""

    form: RunFilterForm
    page: Page[Job]
    headings: tuple[Heading, ...]
    query: str  # the URL's, without the page
    is_filtered: bool

    @property
    def active_ids(self) -> list[str]:
        """The shown runs whose state may change."""
        return [str(job.pk) for job in self.page if job.status in _ACTIVE]


def run_list(user: User, data: Any) -> RunList:  # Any: a QueryDict
    """Return the page of runs that the URL asks for."""
    visible = queries.visible_to(user)
    form = RunFilterForm(data, visible=visible)
    said = form.said
    sort = said.get("sort", DEFAULT_SORT)
    sort = sort if sort.lstrip("-") in _SORTS else DEFAULT_SORT
    rows = _narrowed(visible, said).select_related("owner", "team").defer("result", "config")
    paginator = Paginator(rows.order_by(_ordering(sort), "-created_at", "pk"), PAGE_SIZE)
    filters = {name: value for name, value in said.items() if name != "sort"}
    return RunList(
        form=form,
        page=paginator.get_page(data.get("page")),
        headings=_headings(filters, sort),
        query=urlencode({**filters, **({"sort": sort} if sort != DEFAULT_SORT else {})}),
        is_filtered=bool(filters),
    )


def _narrowed(rows: QuerySet[Job], said: dict[str, str]) -> QuerySet[Job]:
    exact = {
        "kind": "kind",
        "target": "target",
        "model": "model",
        "owner": "owner__username",
        "team": "team__slug",
    }
    for name, column in exact.items():
        if name in said:
            rows = rows.filter(**{column: said[name]})
    if "state" in said:
        states = _ACTIVE if said["state"] == "active" else (said["state"],)
        rows = rows.filter(status__in=states)
    for word in said.get("q", "").split():
        rows = rows.filter(
            Q(name__icontains=word)
            | Q(model__icontains=word)
            | Q(dataset__icontains=word)
            | Q(target__icontains=word)
            | Q(target_title__icontains=word)
            | Q(owner__username__icontains=word)
        )
    return rows


def _ordering(sort: str) -> Any:  # Any: Django's ordering expressions
    column = F(_SORTS[sort.lstrip("-")])
    # Runs without a number come last whichever way one sorts.
    return column.desc(nulls_last=True) if sort.startswith("-") else column.asc(nulls_last=True)


def _headings(filters: dict[str, str], sort: str) -> tuple[Heading, ...]:
    titles = {
        "name": "Run",
        "state": "State",
        "model": "Network or space",
        "target": "Target and budget",
        "accuracy": "Found",
        "owner": "Owner",
        "created": "Started",
    }
    headings = []
    for key, title in titles.items():
        is_now = sort.lstrip("-") == key
        descends_first = key in ("accuracy", "created")
        if is_now:
            following = key if sort.startswith("-") else f"-{key}"
        else:
            following = f"-{key}" if descends_first else key
        headings.append(
            Heading(
                key=key,
                title=title,
                href="?" + urlencode({**filters, "sort": following}),
                direction=("descending" if sort.startswith("-") else "ascending")
                if is_now
                else "none",
                is_number=key == "accuracy",
            )
        )
    return tuple(headings)
