"""The ProxylessNAS form: a person's words to a SearchConfig, each error at its field."""

from dataclasses import replace
from typing import Any, cast

from engine.catalog.datasets import dataset_entry
from engine.catalog.presets import SEARCH_PRESETS, SearchPresetEntry
from engine.catalog.targets import target_entry
from engine.schema.architecture import SearchSpace
from engine.schema.configs import SearchConfig
from engine.schema.cost import Budget, Metric
from engine.schema.errors import EngineError, InvalidConfig
from webapp.accounts.models import User
from webapp.charts.quantities import QUANTITIES
from webapp.charts.reach_band import ReachBand
from webapp.charts.space_band import default_space_limit, space_band
from webapp.jobs.admission import check_folder
from webapp.jobs.engine_form import EngineForm
from webapp.jobs.form_choices import unavailable_datasets
from webapp.jobs.search_choices import SpaceSelect, space_choices, unfit_spaces
from webapp.jobs.search_fields import EFFORT_FIELDS, PRESET_FIELDS, SearchFields
from webapp.jobs.search_reach import SEARCH_METRICS, space_reach
from webapp.jobs.search_space import fitted_space

_SHOWN = {
    "space",
    "width",
    "dataset",
    "folder",
    "target",
    "metric",
    "limit",
    "preset",
    "algorithm",
}


class SearchForm(EngineForm, SearchFields):
    """What one says to launch a ProxylessNAS search."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:  # Any: as Django's Form
        super().__init__(*args, user=user, **kwargs)
        self.fitted: SearchSpace | None = None  # to the data, once that is known
        self.unfit = unfit_spaces(self.dataset_id)
        self.fields["space"].widget = SpaceSelect(unfit=self.unfit)
        self.offer("space", space_choices())
        self.offer("metric", [(m, QUANTITIES[m].title) for m in SEARCH_METRICS])
        self.offer("preset", [(p.id, p.title) for p in SEARCH_PRESETS.values()])
        self.style()

    @property
    def has_advanced_errors(self) -> bool:
        """Whether an error stands at a field that is folded away."""
        return self.is_bound and bool(self.errors.keys() - _SHOWN)

    @property
    def subject(self) -> str:
        """What the reach depends on, in one string: when it changes, the limit starts anew."""
        names = ("space", "width", "target", "metric", "pricing_bits")
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
            return self._band(self.said_limit())
        except EngineError as error:
            self.problem = self.placed(error)
            return None

    def field_of(self, path: str) -> str:
        """Return where an error is shown: images that do not fit are the space's."""
        named = {"input": "space", "classes": "dataset", "recipe.epochs": "final_epochs"}
        return super().field_of(named.get(path, path))

    def clean(self) -> dict[str, Any]:  # Any: Django's cleaned data
        """Check what one field cannot know alone."""
        cleaned = super().clean() or {}
        if self.errors.keys() & {"space", "width", "dataset", "target", "metric", "preset"}:
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
        metric = cast(Metric, said["metric"])
        preset = SEARCH_PRESETS[said["preset"]]
        config = SearchConfig(
            space=said["space"],
            dataset=self.dataset_id,
            target=said["target"],
            budgets=(
                Budget(metric=metric, limit=said["limit"] * QUANTITIES[metric].form_unit.size),
            ),
            width=said["width"],
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
        counts = {name: said[name] for name in EFFORT_FIELDS if said[name] is not None}
        chosen = {name: said[name] for name in PRESET_FIELDS if said[name]}
        recipe = config.recipe
        if said["final_epochs"] is not None:
            recipe = replace(recipe, epochs=said["final_epochs"])
        changed = replace(config, effort=replace(config.effort, **counts), recipe=recipe, **chosen)
        return changed if changed == config else replace(changed, preset="custom")

    def _check_effort(self) -> None:
        folded = {*EFFORT_FIELDS, *PRESET_FIELDS, "final_epochs"}
        if self.errors.keys() & folded:
            return
        said, preset = self.cleaned_data, SEARCH_PRESETS[self.cleaned_data["preset"]]
        counts = {name: said[name] for name in EFFORT_FIELDS if said[name] is not None}
        replace(preset.effort, **counts)
        if said["final_epochs"] is not None:
            replace(preset.recipe, epochs=said["final_epochs"])

    def _check_reach(self) -> None:
        drawn = self._band(self.cleaned_data.get("limit"))
        if "limit" not in self.errors and drawn.problem:
            raise InvalidConfig("budgets", drawn.problem)
        if not self.errors:
            self.config()

    def _band(self, limit: float | None) -> ReachBand:
        check_folder(self.dataset_id)
        dataset = dataset_entry(self.dataset_id)
        space = self.fitted = fitted_space(self.said("space"), dataset, self._said_width())
        reach = space_reach(
            space, self.said("target"), cast(Metric, self.said("metric")), self.bits
        )
        return space_band(
            reach,
            float(default_space_limit(reach)) if limit is None else limit,
            who=space.title,
            where=target_entry(self.said("target")).title,
        )

    def _said_width(self) -> float:
        try:
            return float(self.said("width"))
        except ValueError:
            raise InvalidConfig("width", "must be a number") from None


def as_preset(preset: SearchPresetEntry) -> dict[str, Any]:  # Any: values of a config's fields
    """Return what a preset says of a config."""
    return {
        "preset": preset.id,
        "effort": preset.effort,
        "recipe": preset.recipe,
        **{name: getattr(preset, name) for name in PRESET_FIELDS},
    }
