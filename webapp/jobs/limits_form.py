"""The part of a search's form that sets limits: a first budget, others beside it, their bands."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, cast

from django.forms import BoundField

from engine.schema.cost import Budget, Metric
from engine.schema.errors import BudgetsContradict, InvalidConfig, readable_limit
from webapp.charts.quantities import QUANTITIES, metric_title, metric_words
from webapp.charts.reach_band import ReachBand
from webapp.jobs.engine_form import EngineForm


class Ends(Protocol):
    """The ends of what a metric can be, in its unit."""

    @property
    def lowest(self) -> float: ...

    @property
    def highest(self) -> float: ...


class Limited(Protocol):
    """What every metric can be for the subject and target of a form."""

    def of(self, metric: Metric) -> Ends:
        """Return the span of a metric. Raises InvalidConfig where no budget can be set on it."""

    def why_not(self, metric: Metric) -> str:
        """Return why no budget can be set on a metric; "" where one can."""

    def check_together(self, budgets: Sequence[Budget]) -> None:
        """Refuse budgets that can be met alone and not together. Raises BudgetsContradict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherBudget:
    """A metric that one may limit beside the first."""

    metric: Metric
    field: BoundField
    unit: str
    span: str  # what can be reached, in words
    band: ReachBand | None  # drawn where a limit is set


class LimitsForm(EngineForm):
    """The limits of a search; a form that inherits says of what, and how their bands are drawn."""

    further_fields: ClassVar[Mapping[Metric, str]]  # the field that limits a metric beside
    reaches: Limited | None = None  # once what is searched is known
    start_limit = ""  # what the first budget starts from, once it is known

    @property
    def limits_first(self) -> bool:
        """Whether the first metric has a limit; without one it is to be small."""
        return True

    @property
    def first_metric(self) -> Metric:
        """The metric that the first budget is on."""
        return cast(Metric, self.said("metric"))

    @property
    def has_further(self) -> bool:
        """Whether something is limited beside the first metric."""
        return any(self.said(name) for name in self.further_fields.values())

    def usual_limit(self, metric: Metric) -> str:
        """Return the limit to start from, as the form takes it. Raises as `Limited.of`."""
        raise NotImplementedError

    def drawn(self, metric: Metric, limit: float | None) -> ReachBand:
        """Return the band of a metric; the limit is in form units. Raises as `Limited.of`."""
        raise NotImplementedError

    def first_band(self) -> ReachBand:
        """Return the band of the first metric; a budget stands on it where one is asked for.

        Raises:
            InvalidConfig: no budget can be set on the metric here.
        """
        self.start_limit = self.usual_limit(self.first_metric)
        if not self.limits_first:
            return self.drawn(self.first_metric, None)
        limit = self.said_number("limit")
        return self.drawn(self.first_metric, float(self.start_limit) if limit is None else limit)

    def further_budgets(self) -> tuple[FurtherBudget, ...]:
        """Return what can be limited beside the first; and what was, though it cannot be."""
        if self.reaches is None:
            return ()
        return tuple(
            self._further(metric, name, self.reaches)
            for metric, name in self.further_fields.items()
            if self.said(name) or (metric != self.first_metric and not self.reaches.why_not(metric))
        )

    def budgets(self) -> tuple[Budget, ...]:
        """Return the limits as the config has them, the first budget first."""
        limits = {self.first_metric: self.cleaned_data["limit"]} if self.limits_first else {}
        for metric, name in self.further_fields.items():
            if self.cleaned_data.get(name) is not None:
                limits[metric] = self.cleaned_data[name]
        return tuple(
            Budget(metric=metric, limit=limit * QUANTITIES[metric].form_unit.size)
            for metric, limit in limits.items()
        )

    def check_limits(self) -> None:
        """Put what stands against each limit at its field; then, whether they go together."""
        assert self.reaches is not None
        try:
            self.reaches.of(self.first_metric)
        except InvalidConfig as error:
            self.add_engine_error(error)
            return
        if self.limits_first and "limit" not in self.errors:
            self._check_limit(self.first_metric, "limit")
        for metric, name in self.further_fields.items():
            if self.cleaned_data.get(name) is not None:
                self._check_further(metric, name, self.reaches)
        if not self.errors.keys() & {"limit", *self.further_fields.values()}:
            self._check_together(self.reaches)

    def style(self) -> None:
        """Give each widget the class of its look; limits stand beside their units."""
        super().style()
        self.style_numbers(self.further_fields.values())

    def style_numbers(self, names: Iterable[str]) -> None:
        """Give the fields the look of a number beside its unit."""
        for name in names:
            self.fields[name].widget.attrs |= {
                "step": "any",
                "inputmode": "decimal",
                "class": "form-control unit-input__control",
            }

    def _check_further(self, metric: Metric, name: str, reaches: Limited) -> None:
        if metric == self.first_metric:
            what = "has its limit above" if self.limits_first else "is to be as small as it can"
            self.add_error(name, f"{metric_title(metric)} {what}; leave this one empty.")
        elif reason := reaches.why_not(metric):
            self.add_error(name, reason)
        else:
            self._check_limit(metric, name)

    def _check_limit(self, metric: Metric, name: str) -> None:
        if problem := self.drawn(metric, self.cleaned_data[name]).problem:
            self.add_error(name, problem)

    def _check_together(self, reaches: Limited) -> None:
        budgets = self.budgets()
        if len(budgets) < 2:
            return
        try:
            reaches.check_together(budgets)
        except BudgetsContradict as error:
            self.add_error(self.further_fields[cast(Metric, error.second[0])], _in_words(error))

    def _further(self, metric: Metric, name: str, reaches: Limited) -> FurtherBudget:
        unit = QUANTITIES[metric].form_unit
        can_be_limited = not reaches.why_not(metric)
        limit = self.said_number(name)
        span = ""
        if can_be_limited:
            found = reaches.of(metric)
            span = f"{unit.digits(found.lowest)} to {unit.write(found.highest)} can be reached."
        return FurtherBudget(
            metric=metric,
            field=self[name],
            unit=unit.symbol,
            span=span,
            band=self.drawn(metric, limit) if can_be_limited and limit is not None else None,
        )


def limits_initial(
    budgets: Sequence[Budget], further_fields: Mapping[Metric, str], *, first: Metric | None
) -> dict[str, str]:
    """Return the limits' first values from a config's; `first` is the first budget's metric."""
    return {
        "limit" if budget.metric == first else further_fields[budget.metric]: (
            f"{budget.limit / QUANTITIES[budget.metric].form_unit.size:.6g}"
        )
        for budget in budgets
    }


def _in_words(error: BudgetsContradict) -> str:
    """Return a contradiction as the form says it, in its units."""
    (first, limit), (_, other) = error.first, error.second
    kept = QUANTITIES[cast(Metric, first)]
    second = QUANTITIES[cast(Metric, error.second[0])]
    name = metric_words(cast(Metric, error.second[0]))
    least = readable_limit(error.least / second.form_unit.size, upwards=True)
    return (
        f"{kept.title} of {kept.form_unit.write(limit)} and {name} of "
        f"{second.form_unit.write(other)} contradict each other: with the first, "
        f"{name} is at least {least} {second.form_unit.symbol}. "
        "Raise one of the two."
    )
