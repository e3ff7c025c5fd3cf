"""The part of the HAQ form that asks the question: what is sought, and the limits on it."""

from dataclasses import dataclass
from typing import Any, cast

from django.forms import BoundField

from engine.schema.cost import Budget, Metric
from engine.schema.errors import BudgetsContradict, InvalidConfig, readable_limit
from webapp.charts.quantities import QUANTITIES, metric_title
from webapp.charts.reach_band import ReachBand, default_limit, reach_band
from webapp.jobs.engine_form import EngineForm
from webapp.jobs.question_fields import COST, FURTHER_FIELDS, KMEANS, QuestionFields
from webapp.jobs.reach import BUDGET_METRICS, Reaches


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherBudget:
    """A metric that one may limit beside the first."""

    metric: Metric
    field: BoundField
    unit: str
    span: str  # what can be reached, in words
    band: ReachBand | None  # drawn where a limit is set


class QuestionForm(EngineForm, QuestionFields):
    """The question and its limits; a form that inherits says of which network and widths."""

    reaches: Reaches | None = None  # once the network's layers are known
    who = ""  # the network as sentences name it
    where = ""  # the target
    start_limit = ""  # what the first budget starts from, once it is known

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: as Django's Form
        super().__init__(*args, **kwargs)
        self.offer("metric", [(metric, metric_title(metric)) for metric in BUDGET_METRICS])
        self.fields["limit"].required = not self.asks_for_cost
        self.fields["accuracy_drop"].required = self.asks_for_cost

    @property
    def asks_for_cost(self) -> bool:
        """Whether the smallest cost is sought, not the best accuracy."""
        return self.said("question") == COST

    @property
    def is_weights_only(self) -> bool:
        """Whether activations stay float."""
        return self.said("quantizer") == KMEANS

    @property
    def first_metric(self) -> Metric:
        """The metric that the question is about."""
        return cast(Metric, self.said("metric"))

    @property
    def has_further(self) -> bool:
        """Whether something is limited beside the first metric."""
        return any(self.said(name) for name in FURTHER_FIELDS.values())

    def further_budgets(self) -> tuple[FurtherBudget, ...]:
        """Return what can be limited beside the first; and what was, though it cannot be."""
        if self.reaches is None:
            return ()
        return tuple(
            self._further(metric, name)
            for metric, name in FURTHER_FIELDS.items()
            if self.said(name) or (metric != self.first_metric and not self.reaches.why_not(metric))
        )

    def first_band(self) -> ReachBand:
        """Return the band of the question's metric; a budget stands on it where one is asked for.

        Raises:
            InvalidConfig: no budget can be set on the metric here.
        """
        assert self.reaches is not None
        found = self.reaches.of(self.first_metric)
        self.start_limit = default_limit(found)
        if self.asks_for_cost:
            return self._band(self.first_metric, None)
        limit = self.said_number("limit")
        return self._band(self.first_metric, float(self.start_limit) if limit is None else limit)

    def budgets(self) -> tuple[Budget, ...]:
        """Return the limits as the config has them, the first budget first."""
        limits = {} if self.asks_for_cost else {self.first_metric: self.cleaned_data["limit"]}
        for metric, name in FURTHER_FIELDS.items():
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
        if not self.asks_for_cost and "limit" not in self.errors:
            self._check_limit(self.first_metric, "limit")
        for metric, name in FURTHER_FIELDS.items():
            if self.cleaned_data.get(name) is not None:
                self._check_further(metric, name)
        limited = {"limit", *FURTHER_FIELDS.values()}
        if not self.errors.keys() & limited:
            self._check_together()

    def style(self) -> None:
        """Give each widget the class of its look; limits stand beside their units."""
        super().style()
        for name in ("accuracy_drop", *FURTHER_FIELDS.values()):
            self.fields[name].widget.attrs |= {
                "step": "any",
                "inputmode": "decimal",
                "class": "form-control unit-input__control",
            }

    def field_of(self, path: str) -> str:
        """Return where an error is shown: what is to be small is chosen as the metric."""
        return "metric" if path == "objective" else super().field_of(path)

    def _check_further(self, metric: Metric, name: str) -> None:
        assert self.reaches is not None
        if metric == self.first_metric:
            what = "is to be as small as it can" if self.asks_for_cost else "has its limit above"
            self.add_error(name, f"{metric_title(metric)} {what}; leave this one empty.")
        elif reason := self.reaches.why_not(metric):
            self.add_error(name, reason)
        else:
            self._check_limit(metric, name)

    def _check_limit(self, metric: Metric, name: str) -> None:
        if problem := self._band(metric, self.cleaned_data[name]).problem:
            self.add_error(name, problem)

    def _check_together(self) -> None:
        assert self.reaches is not None
        budgets = self.budgets()
        if len(budgets) < 2:
            return
        try:
            self.reaches.check_together(budgets)
        except BudgetsContradict as error:
            self.add_error(FURTHER_FIELDS[cast(Metric, error.second[0])], _in_words(error))

    def _further(self, metric: Metric, name: str) -> FurtherBudget:
        assert self.reaches is not None
        unit = QUANTITIES[metric].form_unit
        can_be_limited = not self.reaches.why_not(metric)
        limit = self.said_number(name)
        span = ""
        if can_be_limited:
            found = self.reaches.of(metric)
            span = f"{unit.digits(found.lowest)} to {unit.write(found.highest)} can be reached."
        return FurtherBudget(
            metric=metric,
            field=self[name],
            unit=unit.symbol,
            span=span,
            band=self._band(metric, limit) if can_be_limited and limit is not None else None,
        )

    def _band(self, metric: Metric, limit: float | None) -> ReachBand:
        assert self.reaches is not None
        return reach_band(
            self.reaches.of(metric),
            limit,
            who=self.who,
            where=self.where,
            keeps_ends=not self.is_weights_only,
        )


def _in_words(error: BudgetsContradict) -> str:
    """Return a contradiction as the form says it, in its units."""
    (first, limit), (_, other) = error.first, error.second
    kept = QUANTITIES[cast(Metric, first)]
    second = QUANTITIES[cast(Metric, error.second[0])]
    least = readable_limit(error.least / second.form_unit.size, upwards=True)
    return (
        f"{kept.title} of {kept.form_unit.write(limit)} and {second.title.lower()} of "
        f"{second.form_unit.write(other)} contradict each other: with the first, "
        f"{second.title.lower()} is at least {least} {second.form_unit.symbol}. "
        "Raise one of the two."
    )
