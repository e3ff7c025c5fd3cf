"""The fields that ask a HAQ search its question: what is sought, under which limits."""

from django import forms

from webapp.jobs.limits_fields import LimitsFields, further_name
from webapp.jobs.reach import BUDGET_METRICS

ACCURACY, COST = "accuracy", "cost"
LINEAR, KMEANS = "linear", "kmeans"


class QuestionFields(LimitsFields):
    """What is sought of the network's bits."""

    question = forms.ChoiceField(
        label="Look for",
        choices=[
            (ACCURACY, "The best accuracy within a budget"),
            (COST, "The smallest cost within an accuracy drop"),
        ],
        initial=ACCURACY,
        required=False,
        widget=forms.RadioSelect,
    )
    quantizer = forms.ChoiceField(
        label="Quantise",
        choices=[
            (LINEAR, "Weights and activations, by even steps"),
            (KMEANS, "Weights alone, by codebooks (k-means)"),
        ],
        initial=LINEAR,
        required=False,
        widget=forms.RadioSelect,
    )
    metric = forms.ChoiceField(label="Metric", initial="latency_ms", widget=forms.RadioSelect)
    limit = forms.FloatField(label="At most", min_value=0)
    accuracy_drop = forms.FloatField(
        label="Accuracy lost, at most",
        initial=1.0,
        min_value=0,
        max_value=99,
        help_text="Points below the float network, on the search images and before fine-tuning.",
    )


FURTHER_FIELDS = {metric: further_name(metric) for metric in BUDGET_METRICS}
