"""The fields of the ProxylessNAS form: what is asked, in which words."""

from django import forms

from webapp.teams.models import Team

AS_PRESET = ("", "As the preset")
# Counts and rates of the effort, by the config's names.
EFFORT_FIELDS = (
    "train_images",
    "search_images",
    "batch_size",
    "warmup_epochs",
    "epochs",
    "architecture_learning_rate",
    "policy_samples",
    "policy_images",
    "rescored",
    "rescore_images",
    "random_networks",
    "final_images",
    "report_images",
)
# Settings that a preset chooses unless the person does.
PRESET_FIELDS = ("gate_mode", "sharing", "hardware_loss")


def _count(label: str, help_text: str = "") -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        help_text=help_text,
        required=False,
        widget=forms.NumberInput(attrs={"placeholder": "as the preset"}),
    )


def _choice(label: str, choices: list[tuple[str, str]], help_text: str = "") -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, help_text=help_text)


def _optional(label: str, choices: list[tuple[str, str]], help_text: str = "") -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label, choices=[AS_PRESET, *choices], required=False, help_text=help_text
    )


class SearchFields(forms.Form):
    """What a person is asked to launch a ProxylessNAS search."""

    space = forms.ChoiceField(label="Search space", initial="tiny")
    width = forms.FloatField(
        label="Width multiplier",
        initial=1.0,
        min_value=0.1,
        max_value=4.0,
        help_text="Multiplies every channel count of the space.",
    )
    dataset = forms.ChoiceField(label="Data set", initial="fashion-mnist")
    folder = forms.CharField(label="Image folder", required=False, max_length=400)
    target = forms.ChoiceField(label="Target device", initial="pixel1")
    metric = forms.ChoiceField(label="Budget on", initial="latency_ms", widget=forms.RadioSelect)
    limit = forms.FloatField(label="At most", required=True, min_value=0)
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
        required=False,
        widget=forms.NumberInput(attrs={"placeholder": "its default"}),
    )
    pricing_bits = forms.ChoiceField(
        label="Price operations at",
        required=False,
        choices=[
            ("", "Float where the target has it, else 8 bits"),
            *((str(bits), f"{bits} bits") for bits in (8, 6, 4, 2)),
        ],
    )
    starting_weights = _choice(
        "Final training starts from",
        [("scratch", "Random weights"), ("inherited", "The supernet's weights")],
        "Of the found network. Baselines start from random weights.",
    )
    train_images = _count("Images an epoch", "Of train: the supernet's weights.")
    search_images = _count("Search images", "For the choices, which no weight sees.")
    batch_size = _count("Batch size")
    warmup_epochs = _count("Warm-up epochs", "Weights alone.")
    epochs = _count("Search epochs", "Weights and choices in turn.")
    architecture_learning_rate = forms.FloatField(
        label="Learning rate of the choices",
        required=False,
        widget=forms.NumberInput(attrs={"placeholder": "as the preset", "step": "any"}),
    )
    policy_samples = _count("Networks an update", "Of REINFORCE alone.")
    policy_images = _count("Images an update", "Of REINFORCE alone.")
    rescored = _count("Candidates scored anew", "With batch statistics of their own.")
    rescore_images = _count("Images to score them")
    random_networks = _count("Random networks", "Within the budget, trained as a baseline.")
    final_images = _count("Final training images")
    final_epochs = _count("Final epochs", "Of the found network and each baseline.")
    report_images = _count("Images in the report")
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
