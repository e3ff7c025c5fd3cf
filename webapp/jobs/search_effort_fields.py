"""The fields of the ProxylessNAS form that change a preset, number by number; empty: as it is."""

from dataclasses import replace
from typing import Any

from django import forms

from engine.schema.config_parts import TrainingRecipe
from engine.schema.search_config import SearchEffort

_AS_PRESET = "as the preset"
# Fields of the recipe by which the found network and its baselines are trained.
RECIPE_FIELDS = {
    "final_epochs": "epochs",
    "final_batch_size": "batch_size",
    "final_learning_rate": "learning_rate",
    "final_weight_decay": "weight_decay",
    "final_label_smoothing": "label_smoothing",
}


def _count(label: str, help_text: str = "") -> forms.IntegerField:
    widget = forms.NumberInput(attrs={"placeholder": _AS_PRESET})
    return forms.IntegerField(label=label, help_text=help_text, required=False, widget=widget)


def _number(label: str, help_text: str = "") -> forms.FloatField:
    attrs = {"placeholder": _AS_PRESET, "step": "any", "inputmode": "decimal"}
    widget = forms.NumberInput(attrs=attrs)
    return forms.FloatField(label=label, help_text=help_text, required=False, widget=widget)


class EffortFields(forms.Form):
    """How much is spent, and how fast it learns; the names are those of `SearchEffort`."""

    warmup_epochs = _count("Warm-up epochs", "Weights alone; 0: none.")
    epochs = _count("Search epochs", "Weights and choices in turn.")
    frozen_epochs = _count("Frozen epochs", "Of the search, at its beginning: choices stay.")
    train_images = _count("Images an epoch", "Of train: the supernet’s weights.")
    search_images = _count("Search images", "For the choices, which no weight sees.")
    batch_size = _count("Batch size")
    warmup_learning_rate = _number("Warm-up learning rate", "At its peak.")
    weight_learning_rate = _number("Learning rate of the weights", "In the search, at its peak.")
    weight_decay = _number("Weight decay", "Of the supernet.")
    label_smoothing = _number("Label smoothing", "Of the supernet; a share, 0 is none.")
    architecture_learning_rate = _number("Learning rate of the choices", "Adam’s.")
    architecture_every = _count("Weight steps a choice step", "Of the gradient algorithm.")
    policy_every = _count("Weight steps an update", "Of REINFORCE.")
    policy_samples = _count("Networks an update", "Of REINFORCE: drawn and rewarded.")
    policy_images = _count("Images an update", "Of REINFORCE: all its networks see them.")
    settled_entropy = _number("Ends below an entropy of", "Nats a block; 0: never for that reason.")
    settled_epochs = _count(
        "Ends after unchanged epochs", "Of one likeliest network within budget."
    )
    rescored = _count("Candidates scored anew", "With batch statistics of their own.")
    rescore_images = _count("Images to score them")
    random_networks = _count("Random networks", "Within the budget, trained as a baseline.")
    final_epochs = _count("Final epochs", "Of the found network and each baseline.")
    final_images = _count("Final training images", "Of train, each epoch.")
    final_batch_size = _count("Final batch size")
    final_learning_rate = _number("Final learning rate", "At its peak.")
    final_weight_decay = _number("Final weight decay")
    final_label_smoothing = _number("Final label smoothing", "A share, 0 is none.")
    report_images = _count("Images in the report", "Which no step of a search sees.")


EFFORT_FIELDS = tuple(name for name in EffortFields.base_fields if name not in RECIPE_FIELDS)


def changed_effort(effort: SearchEffort, said: dict[str, Any]) -> SearchEffort:
    """Return a preset's effort with what a person said beside it (Any: cleaned values).

    Raises:
        InvalidConfig: a number cannot stand, by itself or beside another.
    """
    return replace(effort, **{name: said[name] for name in EFFORT_FIELDS if said[name] is not None})


def changed_recipe(recipe: TrainingRecipe, said: dict[str, Any]) -> TrainingRecipe:
    """Return a preset's recipe with what a person said beside it (Any: cleaned values).

    Raises:
        InvalidConfig: a number cannot stand.
    """
    changes = {own: said[name] for name, own in RECIPE_FIELDS.items() if said[name] is not None}
    return replace(recipe, **changes)


def effort_initial(
    effort: SearchEffort, recipe: TrainingRecipe, *, of: tuple[SearchEffort, TrainingRecipe]
) -> dict[str, Any]:  # Any: values of form fields
    """Return the fields' first values from an earlier run: what differs from a preset (`of`)."""
    preset_effort, preset_recipe = of
    numbers = {
        name: (getattr(effort, name), getattr(preset_effort, name)) for name in EFFORT_FIELDS
    }
    numbers |= {
        name: (getattr(recipe, own), getattr(preset_recipe, own))
        for name, own in RECIPE_FIELDS.items()
    }
    return {name: value for name, (value, usual) in numbers.items() if value != usual}
