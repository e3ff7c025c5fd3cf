"""The HAQ form: a person's words to a QuantizeConfig, each error at the field it speaks of."""

from dataclasses import dataclass, replace
from typing import Any, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile

from engine.catalog.datasets import FOLDER_PREFIX
from engine.catalog.presets import QUANTIZE_PRESETS
from engine.schema.codec import digest
from engine.schema.configs import QuantizeConfig, QuantizeEffort
from engine.schema.cost import Budget, Metric
from engine.schema.errors import EngineError, InvalidConfig
from engine.schema.layers import ModelSpec
from engine.solver.reach import Reach
from webapp.accounts.models import User
from webapp.charts.quantities import QUANTITIES
from webapp.charts.reach_band import ReachBand
from webapp.jobs import queries, services
from webapp.jobs.form_choices import (
    FOLDER,
    OTHER,
    dataset_choices,
    model_choices,
    style_widgets,
    target_choices,
    unavailable_datasets,
)
from webapp.jobs.models import Job, ModelDescription
from webapp.jobs.quantize_fields import EFFORT_FIELDS, QuantizeFields
from webapp.jobs.reach import BUDGET_METRICS, band_of, described, reach_of

# Where an error about a config's field is shown, if the names differ.
_FORM_FIELD = {"budgets": "limit"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong, and at which field; "" for the form as a whole."""

    field: str
    message: str


class QuantizeForm(QuantizeFields):
    """What one says to launch a HAQ search."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:  # Any: as Django's Form
        super().__init__(*args, **kwargs)
        self.user = user
        self.spec: ModelSpec | None = None
        self.reach: Reach | None = None
        self.duplicate: Job | None = None  # a run that answered exactly this already
        self.problem: Problem | None = None
        _field(self, "model").choices = model_choices()
        _field(self, "dataset").choices = dataset_choices()
        _field(self, "target").choices = target_choices()
        _field(self, "metric").choices = [(m, QUANTITIES[m].title) for m in BUDGET_METRICS]
        _field(self, "preset").choices = [(p.id, p.title) for p in QUANTIZE_PRESETS.values()]
        teams = queries.teams_of(user)
        cast(forms.ModelChoiceField, self.fields["team"]).queryset = teams  # type: ignore[type-arg] # any team
        self.fields["team"].initial = teams.first()
        style_widgets(self)

    @property
    def model_id(self) -> str:
        """The network as the config names it."""
        chosen = self._said("model")
        return self._said("model_other").strip() if chosen == OTHER else chosen

    @property
    def dataset_id(self) -> str:
        """The data set as the config names it."""
        chosen = self._said("dataset")
        return f"{FOLDER_PREFIX}{self._said('folder').strip()}" if chosen == FOLDER else chosen

    @property
    def has_advanced_errors(self) -> bool:
        """Whether an error stands at a field that is folded away."""
        shown = {"model", "model_other", "dataset", "folder", "target", "metric", "limit", "preset"}
        return self.is_bound and bool(self.errors.keys() - shown)

    @property
    def subject(self) -> str:
        """What the reach depends on, in one string: when it changes, the limit starts anew."""
        parts = (self.model_id, self.dataset_id, self._said("target"), self._said("metric"))
        return "|".join(parts)

    def band(self) -> ReachBand | ModelDescription | None:
        """Return what to draw for the fields as they stand; None where one of them is wrong.

        What is wrong is then in `problem`.
        """
        try:
            spec = described(self.model_id, self.dataset_id)
            if isinstance(spec, ModelDescription):
                if spec.status == ModelDescription.Status.FAILED:
                    raise InvalidConfig("model", spec.error_text)
                return spec
            self.spec = spec
            return band_of(
                self._reach(spec),
                self._said_limit(),
                model_id=self.model_id,
                target_id=self._said("target"),
            )
        except EngineError as error:
            self.problem = self._placed(error)
            return None

    def clean(self) -> dict[str, Any]:  # Any: Django's cleaned data
        """Check what one field cannot know alone."""
        cleaned = super().clean() or {}
        if self.errors.keys() & {"model", "dataset", "target", "metric"}:
            return cleaned
        if self._said("dataset") in (reasons := unavailable_datasets()):
            self.add_error("dataset", reasons[self._said("dataset")])
            return cleaned
        for check in (self._check_effort, self._check_against_engine):
            try:
                check()
            except EngineError as error:
                self.add_engine_error(error)
        return cleaned

    def config(self) -> QuantizeConfig:
        """Return the config the person means. Raises InvalidConfig where it cannot stand."""
        said = self.cleaned_data
        metric = cast(Metric, said["metric"])
        preset = QUANTIZE_PRESETS[said["preset"]]
        effort = self._effort(preset.effort)
        return QuantizeConfig(
            model=self.model_id,
            dataset=self.dataset_id,
            target=said["target"],
            budgets=(
                Budget(metric=metric, limit=said["limit"] * QUANTITIES[metric].form_unit.size),
            ),
            checkpoint=said["kept_checkpoint"] or None,
            weight_bits=tuple(int(width) for width in said["weight_bits"]),
            activation_bits=tuple(int(width) for width in said["activation_bits"]),
            granularity=said["granularity"],
            clipping=said["clipping"],
            preset=preset.id if effort == preset.effort else "custom",
            effort=effort,
            seed=said["seed"],
            device=said["device"],
            threads=said["threads"],
        )

    def launch(self) -> Job | None:
        """Queue the job; None where something stands against it, which is then at its field."""
        if not self.is_valid():
            return None
        team = self.cleaned_data["team"]
        try:
            self._keep_checkpoint()
            config = self.config()
            self.duplicate = queries.same_search(team, digest(config))
            if self.duplicate is not None:
                return None
            return services.submit_job(
                user=self.user, team=team, config=config, name=self.cleaned_data["name"]
            )
        except EngineError as error:
            self.add_engine_error(error)
            return None

    def add_engine_error(self, error: EngineError) -> None:
        """Put an engine's error at the field it speaks of, in the form's words."""
        problem = self._placed(error)
        self.add_error(problem.field or None, problem.message)

    def _check_effort(self) -> None:
        if not self.errors.keys() & {"preset", *EFFORT_FIELDS}:
            self._effort(QUANTIZE_PRESETS[self.cleaned_data["preset"]].effort)

    def _check_against_engine(self) -> None:
        spec = described(self.model_id, self.dataset_id)
        if isinstance(spec, ModelDescription):
            failed = spec.status == ModelDescription.Status.FAILED
            raise InvalidConfig(
                "model",
                spec.error_text
                if failed
                else "its layers are being described by a worker; send the form again in a moment",
            )
        self.spec = spec
        widths_stand = not self.errors.keys() & {"weight_bits", "activation_bits"}
        if widths_stand and "limit" not in self.errors:
            self.reach = self._reach(spec)
            drawn = band_of(
                self.reach,
                self.cleaned_data["limit"],
                model_id=self.model_id,
                target_id=self._said("target"),
            )
            if drawn.problem:
                raise InvalidConfig("budgets", drawn.problem)
        if not self.errors:
            self.config()

    def _reach(self, spec: ModelSpec) -> Reach:
        return reach_of(
            spec,
            self._said("target"),
            cast(Metric, self._said("metric")),
            weight_bits=self._said_bits("weight_bits"),
            activation_bits=self._said_bits("activation_bits"),
        )

    def _keep_checkpoint(self) -> None:
        file = cast("UploadedFile[bytes] | None", self.cleaned_data["checkpoint"])
        if file is None:
            return
        upload = services.store_upload(
            user=self.user, team=self.cleaned_data["team"], file=file, spec=self.spec
        )
        self.cleaned_data["kept_checkpoint"] = f"upload:{upload.pk}"

    def _effort(self, preset: QuantizeEffort) -> QuantizeEffort:
        given = {name: self.cleaned_data[name] for name in EFFORT_FIELDS}
        return replace(
            preset, **{name: count for name, count in given.items() if count is not None}
        )

    def _value(self, name: str) -> Any:  # Any: what a widget makes of the request
        if self.is_bound:
            return self[name].value()
        # Not by way of the bound field: it would remember a value that is set later.
        return self.get_initial_for_field(self.fields[name], name)

    def _said(self, name: str) -> str:
        return str(self._value(name) or "")

    def _said_bits(self, name: str) -> tuple[int, ...]:
        values = self._value(name) or []
        bits = sorted(int(value) for value in values if str(value).isdigit())
        if not bits:
            raise InvalidConfig(name, "at least one width is required")
        return tuple(bits)

    def _said_limit(self) -> float | None:
        try:
            return float(self._said("limit"))
        except ValueError:
            return None

    def _placed(self, error: EngineError) -> Problem:
        """Return an engine's error as the form says it, and at which field."""
        if isinstance(error, InvalidConfig):
            config_field, message = error.field, error.message
        else:  # the others begin with the field's name
            config_field, _, message = str(error).partition(": ")
        name = _FORM_FIELD.get(config_field, config_field.rpartition(".")[2])
        if name == "model" and self._said("model") == OTHER:
            name = "model_other"
        if name == "dataset" and self._said("dataset") == FOLDER:
            name = "folder"
        return Problem(
            field=name if name in self.fields else "", message=_sentence(message or str(error))
        )


def _field(form: forms.Form, name: str) -> forms.ChoiceField:
    return cast(forms.ChoiceField, form.fields[name])


def _sentence(message: str) -> str:
    return message[:1].upper() + message[1:] + ("" if message.endswith(".") else ".")
