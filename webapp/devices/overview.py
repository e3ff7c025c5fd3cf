"""The table of all devices: what it is narrowed by and sorted by, all of it in the URL."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms

from engine.schema.cost import Metric
from engine.schema.target import Target
from webapp.charts.quantities import PROVENANCE_MEANING, QUANTITIES
from webapp.devices.facts import (
    bits_text,
    has_narrow_gains,
    limits_text,
    metrics_text,
    own_metrics,
)
from webapp.tables.models import DeviceTable

_OWN_METRICS: tuple[Metric, ...] = ("latency_ms", "energy_mj")
_GAINS = {"narrow": "Fewer bits save time or energy", "one": "One width"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRow:
    """One device as the table shows it."""

    target: Target
    metrics: str
    bits: str
    float_bits: str  # "" where it computes on integers alone
    limits: tuple[str, ...]
    runs: int  # of the person's teams
    table: DeviceTable | None  # of the person's teams, where the device is one


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A column; `href` is empty where one cannot sort by it."""

    title: str
    href: str = ""
    direction: str = "none"  # aria-sort
    is_number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The devices that the URL asks for."""

    form: "DeviceFilterForm"
    rows: tuple[DeviceRow, ...]
    headings: tuple[Heading, ...]
    total: int

    @property
    def is_narrowed(self) -> bool:
        """Whether some devices are left out."""
        return len(self.rows) < self.total


class DeviceFilterForm(forms.Form):
    """What one may narrow the devices by; a value there is not is as if not given."""

    q = forms.CharField(label="Search", required=False, max_length=100)
    metric = forms.ChoiceField(
        label="Tells",
        required=False,
        choices=[("", "Anything"), *((m, QUANTITIES[m].title) for m in _OWN_METRICS)],
    )
    known = forms.ChoiceField(
        label="Known by",
        required=False,
        choices=[("", "Any way"), *((word, word) for word in PROVENANCE_MEANING)],
    )
    gains = forms.ChoiceField(label="Bits", required=False, choices=[("", "Any"), *_GAINS.items()])
    sort = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any) -> None:  # Any: a QueryDict
        super().__init__(data, auto_id="filter_%s")
        for name in ("metric", "known", "gains"):
            self.fields[name].widget.attrs["class"] = "form-select"
        self.is_valid()

    @property
    def said(self) -> dict[str, str]:
        """The filters that are set and make sense."""
        return {name: value for name, value in self.cleaned_data.items() if value}


def overview(
    targets: Sequence[Target],
    runs: Mapping[str, int],
    data: Any,  # a QueryDict
    *,
    tables: Mapping[str, DeviceTable],
) -> Overview:
    """Return the devices that the URL asks for; `runs` and `tables` are by target id."""
    form = DeviceFilterForm(data)
    said = form.said
    rows = [
        _row(target, runs.get(target.id, 0), tables.get(target.id))
        for target in targets
        if _fits(target, said)
    ]
    sort = said.get("sort", "")
    by = _SORTS.get(sort.lstrip("-"))
    if by is not None:
        rows.sort(key=by, reverse=sort.startswith("-"))
    return Overview(
        form=form,
        rows=tuple(rows),
        headings=_headings({k: v for k, v in said.items() if k != "sort"}, sort if by else ""),
        total=len(targets),
    )


def _row(target: Target, runs: int, table: DeviceTable | None) -> DeviceRow:
    return DeviceRow(
        target=target,
        metrics=metrics_text(target),
        bits=bits_text(target),
        float_bits="" if target.float_bits is None else f"float {target.float_bits}",
        limits=limits_text(target),
        runs=runs,
        table=table,
    )


def _fits(target: Target, said: Mapping[str, str]) -> bool:
    text = f"{target.id} {target.title} {target.description} {target.source}".lower()
    return (
        all(word in text for word in said.get("q", "").lower().split())
        and ("metric" not in said or said["metric"] in own_metrics(target))
        and said.get("known", target.provenance) == target.provenance
        and ("gains" not in said or (said["gains"] == "narrow") == has_narrow_gains(target))
    )


_SORTS: dict[str, Callable[[DeviceRow], Any]] = {  # Any: whatever orders rows
    "device": lambda row: row.target.title.lower(),
    "batch": lambda row: row.target.batch,
    "known": lambda row: list(PROVENANCE_MEANING).index(row.target.provenance),
    "runs": lambda row: row.runs,
}


def _headings(filters: dict[str, str], sort: str) -> tuple[Heading, ...]:
    def sortable(key: str, title: str, *, is_number: bool = False) -> Heading:
        is_now = sort.lstrip("-") == key
        descends = sort.startswith("-")
        first, second = (f"-{key}", key) if key == "runs" else (key, f"-{key}")
        following = second if is_now and descends == first.startswith("-") else first
        return Heading(
            title=title,
            href="?" + urlencode({**filters, "sort": following}),
            direction=("descending" if descends else "ascending") if is_now else "none",
            is_number=is_number,
        )

    return (
        sortable("device", "Device"),
        Heading(title="Tells"),
        Heading(title="Bits it gains from"),
        sortable("batch", "Batch", is_number=True),
        sortable("known", "How it is known"),
        sortable("runs", "Runs", is_number=True),
    )
