"""The ProxylessNAS form: a person's words to a SearchConfig, each error at its field."""

from dataclasses import replace
from typing import Any

from django.forms import BoundField

from engine.catalog.datasets import dataset_entry
from engine.catalog.presets import SEARCH_PRESETS, SearchPresetEntry
from engine.catalog.spaces import space_for
from engine.schema.architecture import SearchSpace
from engine.schema.cost import Metric
from engine.schema.errors import EngineError
from engine.schema.search_config import SearchConfig
from webapp.accounts.models import User
from webapp.charts.quantities import QUANTITIES
from webapp.charts.reach_band import ReachBand
from webapp.charts.space_band import default_space_limit, space_band
from webapp.jobs.admission import check_folder
from webapp.jobs.form_choices import unavailable_datasets
from webapp.jobs.limits_form import LimitsForm
from webapp.jobs.search_choices import SpaceSelect, space_choices, unfit_spaces
from webapp.jobs.search_effort_fields import (
    RECIPE_FIELDS,
    EffortFields,
    changed_effort,
    changed_recipe,
)
from webapp.jobs.search_fields import ADVANCED, FURTHER_FIELDS, PRESET_FIELDS, SearchFields
from webapp.jobs.search_reach import SEARCH_METRICS, SpaceReaches
from webapp.jobs.search_shape import SHAPE_FIELDS, catalogue_values, said_shape, shape_sentence
from webapp.tables.targets import check_covered

_FOLDED = {"name", "team", *(name for names in ADVANCED.values() for name in names)}
# Without these, what else is wrong cannot be told.
_SUBJECT = {"space", "dataset", "target", "metric", "preset", *SHAPE_FIELDS}


class SearchForm(LimitsForm, SearchFields):
    """What one says to launch a ProxylessNAS search."""

    further_fields = FURTHER_FIELDS
    reaches: SpaceReaches | None = None  # once the space fits its data

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:  # Any: as Django's Form
        super().__init__(*args, user=user, **kwargs)
        self.fitted: SearchSpace | None = None  # to the data, once that is known
        self.where = ""  # the target as sentences name it
        self.unfit = unfit_spaces(self.dataset_id)
        self.fields["space"].widget = SpaceSelect(unfit=self.unfit)
        self.offer("space", space_choices())
        self.offer("metric", [(m, QUANTITIES[m].title) for m in SEARCH_METRICS])
        self.offer("preset", [(p.id, p.title) for p in SEARCH_PRESETS.values()])
        self._usual = catalogue_values(self.said("space"))
        for name, value in self._usual.items():
            self.fields[name].widget.attrs["placeholder"] = value
        self.style()

    @property
    def has_advanced_errors(self) -> bool:
        """Whether an error stands at a field that is folded away."""
        return self.is_bound and bool(self.errors.keys() & _FOLDED)

    @property
    def advanced(self) -> list[tuple[str, list[BoundField]]]:
        """The fields that are folded away, in groups with their titles."""
        return [(title, [self[name] for name in names]) for title, names in ADVANCED.items()]

    @property
    def shape_fields(self) -> list[BoundField]:
        """The fields that change the chosen space, and any others that something stands in."""
        return [
            self[name]
            for name in SHAPE_FIELDS
            if name == "width" or name in self._usual or self.said(name)
        ]

    @property
    def shape_sentence(self) -> str:
        """What may be changed in the chosen space."""
        return shape_sentence(self.said("space"))

    @property
    def space_problem(self) -> str:
        """What is wrong with the space or its data as they stand, and where; "" if nothing is."""
        problem = self.problem
        if problem is None or problem.field not in {"space", "dataset", "folder", *SHAPE_FIELDS}:
            return ""
        return f"{self.fields[problem.field].label}: {problem.message}"

    @property
    def has_shape(self) -> bool:
        """Whether something departs from the catalogue's space, or is wrong there."""
        said = (self.said(name) for name in SHAPE_FIELDS[1:])
        return any(said) or self.said("width") not in ("1", "1.0")

    @property
    def subject(self) -> str:
        """What limits depend on, the first one's metric last: when it changes, they start anew."""
        names = ("space", *SHAPE_FIELDS, "target", "pricing_bits", "metric")
        return "|".join([self.dataset_id, *(self.said(name) for name in names)])

    @property
    def bits(self) -> int | None:
        """The width to price operations at; None: as the target has it."""
        return int(said) if (said := self.said("pricing_bits")).isdigit() else None

    def band(self) -> ReachBand | None:
        """Return what to draw for the fields as they stand; None where one of them is wrong.

        What is wrong is then in `problem`.
        """
        try:
            self._take()
            return self.first_band()
        except EngineError as error:
            self.problem = self.placed(error)
            return None

    def usual_limit(self, metric: Metric) -> str:
        """Return the limit to start from, as the form takes it."""
        assert self.reaches is not None
        return default_space_limit(self.reaches.of(metric))

    def drawn(self, metric: Metric, limit: float | None) -> ReachBand:
        """Return the band of a metric; the limit is in form units."""
        assert self.reaches is not None
        assert self.fitted is not None
        found = self.reaches.of(metric)
        return space_band(found, limit, who=self.fitted.title, where=self.where)

    def field_of(self, path: str) -> str:
        """Return where an error is shown: misfit images are the strides' or the space's."""
        named = {
            "input": "strides" if self.said("strides") else "space",
            "classes": "dataset",
            **{f"recipe.{own}": name for name, own in RECIPE_FIELDS.items()},
        }
        return super().field_of(named.get(path, path))

    def clean(self) -> dict[str, Any]:  # Any: Django's cleaned data
        """Check what one field cannot know alone."""
        cleaned = super().clean() or {}
        if self.errors.keys() & _SUBJECT:
            return cleaned
        if self.said("dataset") in (reasons := unavailable_datasets()):
            self.add_error("dataset", reasons[self.said("dataset")])
            return cleaned
        for check in (self._check_effort, self._check_reach):
            try:
                check()
            except EngineError as error:
                self.add_engine_error(error)
        return cleaned

    def config(self) -> SearchConfig:
        """Return the config the person means. Raises InvalidConfig where it cannot stand."""
        said = self.cleaned_data
        preset = SEARCH_PRESETS[said["preset"]]
        config = SearchConfig(
            space=said["space"],
            dataset=self.dataset_id,
            target=said["target"],
            budgets=self.budgets(),
            shape=said_shape(self.said),
            algorithm=said["algorithm"],
            zero_gradient=said["zero_gradient"],
            hardware_strength=said["hardware_strength"],
            pricing_bits=self.bits,
            starting_weights=said["starting_weights"],
            seed=said["seed"],
            device=said["device"],
            precision=said["precision"],
            threads=said["threads"],
            **as_preset(preset),
        )
        return self._changed(config)

    def _changed(self, config: SearchConfig) -> SearchConfig:
        """Return the config with what the person said beside the preset; its label tells."""
        said = self.cleaned_data
        chosen = {name: said[name] for name in PRESET_FIELDS if said[name]}
        changed = replace(
            config,
            effort=changed_effort(config.effort, said),
            recipe=changed_recipe(config.recipe, said),
            **chosen,
        )
        return changed if changed == config else replace(changed, preset="custom")

    def _check_effort(self) -> None:
        if self.errors.keys() & EffortFields.base_fields.keys():
            return
        preset = SEARCH_PRESETS[self.cleaned_data["preset"]]
        changed_effort(preset.effort, self.cleaned_data)
        changed_recipe(preset.recipe, self.cleaned_data)

    def _check_reach(self) -> None:
        self._take()
        self.check_limits()
        if not self.errors:
            self.config()

    def _take(self) -> None:
        """Note the space as it fits its data, and so what each metric can be."""
        if self.reaches is not None:
            return
        check_folder(self.dataset_id)
        dataset = dataset_entry(self.dataset_id)
        shape = said_shape(self.said)
        space = self.fitted = space_for(self.said("space"), dataset=dataset, shape=shape)
        target = self.chosen_target(space)
        check_covered(target, space)
        self.where = target.title
        self.reaches = SpaceReaches(space, target, self.bits)


def as_preset(preset: SearchPresetEntry) -> dict[str, Any]:  # Any: values of a config's fields
    """Return what a preset says of a config."""
    return {
        "preset": preset.id,
        "effort": preset.effort,
        "recipe": preset.recipe,
        **{name: getattr(preset, name) for name in PRESET_FIELDS},
    }
