"""The fields of the form that measures a device: what is asked, in which words."""

from typing import Any

from django import forms

from webapp.jobs.search_shape import ShapeFields
from webapp.teams.models import Team

# Numbers of the effort, by the config's names.
EFFORT_FIELDS = ("samples", "sampling_s", "warmup_s", "retries", "networks")


def _number(kind: type[forms.Field], label: str, help_text: str) -> Any:  # Any: a field of a form
    widget = forms.NumberInput(attrs={"placeholder": "as the effort above", "step": "any"})
    return kind(label=label, help_text=help_text, required=False, widget=widget)


class ProfileFields(ShapeFields):
    """What a person is asked to measure a device."""

    subject = forms.ChoiceField(label="Space or network", initial="tiny")
    subject_other = forms.CharField(
        label="Other network",
        required=False,
        max_length=200,
        help_text="A torchvision classification model such as mobilenet_v3_small, or a width "
        "of the catalogue’s such as mobilenet_v2@0.5.",
    )
    dataset = forms.ChoiceField(label="For the images of", required=False)
    folder = forms.CharField(label="Image folder", required=False, max_length=400)
    target = forms.ChoiceField(label="Device", initial="host-cpu", widget=forms.RadioSelect)
    precisions = forms.MultipleChoiceField(
        label="Precisions",
        required=False,
        choices=[(one, one) for one in ("fp32", "fp16", "bf16", "int8")],
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: all the device has, fp32 and int8 on a CPU; fp32, fp16 and bf16 "
        "on a GPU. Below 8 bits there are no kernels: fewer bits run as int8.",
    )
    preset = forms.ChoiceField(label="Effort", initial="balanced", widget=forms.RadioSelect)
    samples = _number(forms.IntegerField, "Samples of each", "At least; each a millisecond long.")
    sampling_s = _number(forms.FloatField, "Seconds of each", "At least.")
    warmup_s = _number(forms.FloatField, "Seconds of warm-up", "Before each.")
    retries = _number(
        forms.IntegerField, "Repeats", "Of a measurement whose samples scatter by more than 5 %."
    )
    networks = _number(
        forms.IntegerField,
        "Whole networks",
        "Drawn at random and run end to end, to check the sums; 5 or more, or 0 for none.",
    )
    batch = forms.IntegerField(label="Batch", initial=1, help_text="Images of one run.")
    threads = forms.IntegerField(
        label="CPU threads",
        initial=1,
        help_text="On cores of their own; leave at least one to others.",
    )
    seed = forms.IntegerField(label="Seed", initial=0, help_text="Of the networks that are drawn.")
    table = forms.CharField(
        label="Name of the table",
        required=False,
        max_length=48,
        help_text="Small letters, digits and hyphens; empty: after what is measured.",
    )
    name = forms.CharField(label="Name of the run", required=False, max_length=120)
    team = forms.ModelChoiceField(label="Team", queryset=Team.objects.none(), empty_label=None)
