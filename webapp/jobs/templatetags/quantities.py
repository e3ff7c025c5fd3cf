"""Numbers as pages write them."""

from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from engine.schema.cost import Metric
from engine.schema.results import Accuracy
from webapp.charts import quantities

register = template.Library()

register.filter("percent", quantities.percent)
register.filter("duration", quantities.duration)
register.filter("metric_title", quantities.metric_title)


@register.filter
def as_metric(value: float | None, metric: Metric) -> str:
    """Return a value with the unit that suits it, or a dash where there is none."""
    return "–" if value is None else quantities.write(metric, value)


@register.filter
def unlocalized(value: float) -> str:
    """Return a number as SVG and scripts read it."""
    return f"{value:.6g}"


@register.filter
def until(start: datetime, end: datetime) -> str:
    """Return how long it took from one time to another."""
    return quantities.duration((end - start).total_seconds())


@register.filter
def as_bytes(count: int) -> str:
    """Return a file's size."""
    return quantities.write("model_bytes", count)


@register.filter
def meaning(provenance: str) -> str:
    """Return what a word of provenance means."""
    return quantities.PROVENANCE_MEANING.get(provenance, "")  # type: ignore[call-overload,no-any-return] # any text


@register.filter
def with_error(accuracy: Accuracy | None) -> SafeString:
    """Return an accuracy in percent with its standard error in points, or a dash."""
    if accuracy is None:
        return mark_safe("–")
    return format_html(
        '{} <span class="data-table__sub">± {}</span>',
        quantities.percent(accuracy.value),
        f"{100 * accuracy.standard_error:.1f}",
    )
