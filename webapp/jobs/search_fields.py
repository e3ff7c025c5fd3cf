"""The fields of the ProxylessNAS form: what is asked, in which words."""

from django import forms

from webapp.jobs.limits_fields import LimitsFields, further_field, further_name
from webapp.jobs.search_effort_fields import EffortFields
from webapp.jobs.search_reach import SEARCH_METRICS
from webapp.jobs.search_shape import ShapeFields
from webapp.teams.models import Team

AS_PRESET = ("", "As the preset")
# Settings that a preset chooses unless the person does.
PRESET_FIELDS = ("gate_mode", "sharing", "hardware_loss")
# What is folded away under Advanced, in groups; the name and the team stand before them.
ADVANCED: dict[str, tuple[str, ...]] = {
    "Hardware term": ("pricing_bits", "hardware_loss", "hardware_strength"),
    "Supernet": (
        "gate_mode",
        "zero_gradient",
        "sharing",
        "warmup_epochs",
        "warmup_learning_rate",
        "train_images",
        "batch_size",
        "weight_decay",
        "label_smoothing",
    ),
    "Search": (
        "epochs",
        "frozen_epochs",
        "search_images",
        "weight_learning_rate",
        "architecture_learning_rate",
        "architecture_every",
        "policy_every",
        "policy_samples",
        "policy_images",
        "settled_entropy",
        "settled_epochs",
    ),
    "Candidates and final training": (
        "rescored",
        "rescore_images",
        "random_networks",
        "starting_weights",
        "final_epochs",
        "final_images",
        "final_batch_size",
        "final_learning_rate",
        "final_weight_decay",
        "final_label_smoothing",
        "report_images",
    ),
    "Machine": ("seed", "threads", "device", "precision"),
}

# Where a metric is limited beside the first budget.
FURTHER_FIELDS = {metric: further_name(metric) for metric in SEARCH_METRICS}


def _choice(label: str, choices: list[tuple[str, str]], help_text: str = "") -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, help_text=help_text)


def _optional(label: str, choices: list[tuple[str, str]], help_text: str = "") -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label, choices=[AS_PRESET, *choices], required=False, help_text=help_text
    )


class SearchFields(ShapeFields, EffortFields, LimitsFields):
    """What a person is asked to launch a ProxylessNAS search."""

    space = forms.ChoiceField(label="Search space", initial="tiny")
    dataset = forms.ChoiceField(label="Data set", initial="fashion-mnist")
    folder = forms.CharField(label="Image folder", required=False, max_length=400)
    target = forms.ChoiceField(label="Target device", initial="pixel1")
    metric = forms.ChoiceField(label="Budget on", initial="latency_ms", widget=forms.RadioSelect)
    limit = forms.FloatField(label="At most", required=True, min_value=0)
    limit_macs = further_field("macs")
    preset = forms.ChoiceField(label="Effort", initial="smoke", widget=forms.RadioSelect)
    algorithm = forms.ChoiceField(
        label="Algorithm",
        initial="gradient",
        choices=[("gradient", "Gradient"), ("reinforce", "REINFORCE")],
        widget=forms.RadioSelect,
    )
    gate_mode = _optional(
        "Gates",
        [
            ("two", "Two paths a step"),
            ("full_v2", "All paths, one in memory at a time"),
            ("full", "All paths in memory, for reference"),
        ],
        "How many paths an architecture step runs; of the gradient algorithm alone.",
    )
    zero_gradient = _choice(
        "What moves the chance to skip",
        [
            ("all", "Accuracy and cost"),
            ("regulariser", "Cost alone"),
            ("none", "Neither"),
        ],
        "Of the gradient algorithm, in blocks that can be skipped.",
    )
    sharing = _optional(
        "Weights of the candidates",
        [("shared", "Shared within a block"), ("private", "Each its own")],
        "Shared weights learn in minutes; the paper's are private.",
    )
    hardware_loss = _optional(
        "Hardware term",
        [
            ("dual", "Dual ascent towards the budget"),
            ("hinge", "Hinge above the budget"),
            ("mul_log", "Factor of the loss (mul#log)"),
            ("add_linear", "Added to the loss (add#linear)"),
            ("none", "None; the budget is met at the end"),
        ],
        "Whichever it is, the delivered network meets the budget.",
    )
    hardware_strength = forms.FloatField(
        label="Strength of the hardware term",
        help_text="Its weight, or the step of dual ascent.",
        required=False,
        widget=forms.NumberInput(attrs={"placeholder": "its default"}),
    )
    pricing_bits = forms.ChoiceField(
        label="Price operations at",
        help_text="As the target has them: float, or else 8 bits.",
        required=False,
        choices=[
            ("", "The target’s own width"),
            *((str(bits), f"{bits} bits") for bits in (8, 6, 4, 2)),
        ],
    )
    starting_weights = _choice(
        "Final training starts from",
        [("scratch", "Random weights"), ("inherited", "The supernet's weights")],
        "Of the found network. Baselines start from random weights.",
    )
    seed = forms.IntegerField(label="Seed", initial=0, help_text="Same config and seed, same log.")
    device = _choice(
        "Device",
        [("auto", "GPU if there is one"), ("cpu", "CPU"), ("cuda", "GPU (CUDA)")],
        "Only the worker knows whether it has a GPU. A job that asks for CUDA on a worker "
        "without one fails and says so.",
    )
    precision = _choice(
        "Precision",
        [
            ("fp32", "32 bit"),
            ("bf16", "Mixed, bfloat16"),
            ("fp16", "Mixed, float16"),
        ],
    )
    threads = forms.IntegerField(label="CPU threads", initial=1)
    name = forms.CharField(label="Name", required=False, max_length=120)
    team = forms.ModelChoiceField(label="Team", queryset=Team.objects.none(), empty_label=None)
