"""The part of the HAQ form that asks the question: what is sought, and the limits on it."""

from typing import Any

from engine.schema.cost import Metric
from webapp.charts.quantities import metric_title
from webapp.charts.reach_band import ReachBand, default_limit, reach_band
from webapp.jobs.limits_form import LimitsForm
from webapp.jobs.question_fields import COST, FURTHER_FIELDS, KMEANS, QuestionFields
from webapp.jobs.reach import BUDGET_METRICS, Reaches


class QuestionForm(LimitsForm, QuestionFields):
    """The question and its limits; a form that inherits says of which network and widths."""

    further_fields = FURTHER_FIELDS
    reaches: Reaches | None = None  # once the network's layers are known
    who = ""  # the network as sentences name it
    where = ""  # the target

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
    def limits_first(self) -> bool:
        """Whether the first metric has a limit; without one it is to be small."""
        return not self.asks_for_cost

    def usual_limit(self, metric: Metric) -> str:
        """Return the limit to start from, as the form takes it."""
        assert self.reaches is not None
        return default_limit(self.reaches.of(metric))

    def drawn(self, metric: Metric, limit: float | None) -> ReachBand:
        """Return the band of a metric; the limit is in form units."""
        assert self.reaches is not None
        return reach_band(
            self.reaches.of(metric),
            limit,
            who=self.who,
            where=self.where,
            keeps_ends=not self.is_weights_only,
        )

    def style(self) -> None:
        """Give each widget the class of its look."""
        super().style()
        self.style_numbers(("accuracy_drop",))

    def field_of(self, path: str) -> str:
        """Return where an error is shown: what is to be small is chosen as the metric."""
        return "metric" if path == "objective" else super().field_of(path)
