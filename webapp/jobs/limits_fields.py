"""The fields that limit metrics beside the first budget; searches of both kinds have them."""

from django import forms

from engine.schema.cost import Metric
from webapp.charts.quantities import metric_title


def further_name(metric: Metric) -> str:
    """Return the name of the field that limits a metric beside the first budget."""
    return f"limit_{metric}"


def further_field(metric: Metric) -> forms.FloatField:
    """Return the field that limits a metric beside the first budget."""
    return forms.FloatField(label=f"{metric_title(metric)} at most", required=False, min_value=0)


class LimitsFields(forms.Form):
    """Limits beside the first budget, of the metrics that every kind of search knows."""

    limit_latency_ms = further_field("latency_ms")
    limit_energy_mj = further_field("energy_mj")
    limit_model_bytes = further_field("model_bytes")
    limit_bit_ops = further_field("bit_ops")
