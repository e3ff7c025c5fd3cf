"""The fields of the HAQ form: what is asked, in which words."""

from django import forms

from webapp.teams.models import Team

WIDTHS = tuple(str(bits) for bits in range(2, 9))
_CHOICES = [(bits, bits) for bits in WIDTHS]


class QuantizeFields(forms.Form):
    """What a person is asked to launch a HAQ search."""

    model = forms.ChoiceField(label="Network", initial="mobilenet_v2_small")
    model_other = forms.CharField(
        label="Other network",
        required=False,
        max_length=200,
        help_text="A torchvision classification model such as mobilenet_v3_small, or a width "
        "of the catalogue’s such as mobilenet_v2@0.5.",
    )
    dataset = forms.ChoiceField(label="Data set", initial="fashion-mnist")
    folder = forms.CharField(label="Image folder", required=False, max_length=400)
    target = forms.ChoiceField(label="Target device", initial="bismo-cloud")
    preset = forms.ChoiceField(label="Effort", initial="smoke", widget=forms.RadioSelect)
    weight_bits = forms.MultipleChoiceField(
        label="Weight bits to choose from",
        choices=_CHOICES,
        initial=list(WIDTHS),
        widget=forms.CheckboxSelectMultiple,
    )
    activation_bits = forms.MultipleChoiceField(
        label="Activation bits to choose from",
        choices=_CHOICES,
        initial=list(WIDTHS),
        widget=forms.CheckboxSelectMultiple,
    )
    granularity = forms.ChoiceField(
        label="Weight scales",
        choices=[("channel", "One per output channel"), ("tensor", "One per layer")],
        help_text="Per channel merges into batch norm and costs nothing on these devices.",
    )
    clipping = forms.ChoiceField(
        label="Clipping thresholds",
        choices=[
            ("mse", "Least squared error"),
            ("kl", "Least KL divergence"),
            ("max", "The largest value"),
        ],
    )
    sensitivity = forms.ChoiceField(
        label="Sensitivity by",
        required=False,
        choices=[
            ("divergence", "Divergence of the probabilities"),
            ("loss", "Rise of the loss"),
            ("distance", "Distance of the logits"),
            ("hessian", "Curvature of the loss (Hessian trace)"),
        ],
        help_text="What a layer alone loses at each width. Rise and curvature need labels; the "
        "others do not.",
    )
    faithful = forms.BooleanField(
        label="As in the original",
        required=False,
        help_text="The paper’s enforcement, replay and reward, for comparison: budgets are met "
        "from the last layer on, nothing is refilled.",
    )
    seed = forms.IntegerField(label="Seed", initial=0, help_text="Same config and seed, same log.")
    device = forms.ChoiceField(
        label="Device",
        choices=[("auto", "GPU if there is one"), ("cpu", "CPU"), ("cuda", "GPU (CUDA)")],
        help_text="Only the worker knows whether it has a GPU. A job that asks for CUDA on a "
        "worker without one fails and says so.",
    )
    threads = forms.IntegerField(label="CPU threads", initial=1)
    checkpoint = forms.FileField(
        label="Float weights",
        required=False,
        help_text="safetensors. Without a file, weights that ship with Bespoke are used, or the "
        "network is trained first and kept for the next run.",
    )
    kept_checkpoint = forms.CharField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(label="Name", required=False, max_length=120)
    team = forms.ModelChoiceField(label="Team", queryset=Team.objects.none(), empty_label=None)
