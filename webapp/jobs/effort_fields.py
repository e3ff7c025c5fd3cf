"""The fields of the HAQ form that change single numbers of a preset; empty ones leave it."""

from typing import Any

from django import forms

AS_PRESET = "as the preset"


def _count(label: str, help_text: str = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, help_text=help_text, **_optional())


def _number(label: str, help_text: str = "") -> forms.FloatField:
    widget = forms.NumberInput(
        attrs={"placeholder": AS_PRESET, "step": "any", "inputmode": "decimal"}
    )
    return forms.FloatField(label=label, help_text=help_text, required=False, widget=widget)


def _choice(label: str, help_text: str = "") -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=label,
        help_text=help_text,
        required=False,
        choices=[("", AS_PRESET.capitalize()), ("yes", "Yes"), ("no", "No")],
        coerce=lambda said: said == "yes",
        empty_value=None,
    )


def _optional() -> dict[str, Any]:  # Any: a field's own options
    return {
        "required": False,
        "widget": forms.NumberInput(attrs={"placeholder": AS_PRESET}),
    }


class EffortFields(forms.Form):
    """How much is spent, number by number; the names are those of `QuantizeEffort`."""

    episodes = _count("Episodes of the agent")
    evaluations = _count("Policies scored", "By hill climbing and by random search, each.")
    policies_at_once = _count(
        "Policies at once",
        "At most one for each CPU thread, each with maps of its own in memory; they are proposed "
        "before the first is learnt from. Saves time on small images.",
    )
    calibration_images = _count("Images for clipping")
    sensitivity_images = _count("Images for sensitivity")
    score_images = _count("Images to score a policy")
    report_images = _count("Images in the report")
    finetune_epochs = _count("Fine-tune epochs", "0: nothing is fine-tuned.")
    finetune_images = _count("Fine-tune images an epoch")
    finetune_contenders = _count(
        "Policies fine-tuned", "The best few, beside the solver’s two and the uniform one."
    )
    finetune_references = _choice(
        "Fine-tune the references", "Float and fixed 8 bit too, by the same recipe."
    )
    finetune_distillation = _number(
        "Distillation share", "1: learns the float network’s probabilities; 0: the labels alone."
    )
    finetune_temperature = _number(
        "Distillation temperature", "Of both networks’ probabilities while they are compared."
    )
    finetune_learning_rate = _number(
        "Fine-tune learning rate", "At its peak. With labels alone 0.01 serves better."
    )
    finetune_batch_size = _count("Fine-tune batch size")
    finetune_ranges = _choice("Learn activation ranges", "Where activations are cut off.")


EFFORT_FIELDS = tuple(EffortFields.base_fields)
