"""The HAQ form: a person's words to a QuantizeConfig, each error at the field it speaks of."""

from dataclasses import replace
from typing import Any, cast

from django.core.files.uploadedfile import UploadedFile

from engine.catalog.presets import QUANTIZE_PRESETS
from engine.schema.errors import EngineError, InvalidConfig
from engine.schema.layers import ModelSpec
from engine.schema.policy import FLOAT_BITS
from engine.schema.quantize_config import QuantizeConfig, QuantizeEffort
from webapp.accounts.models import User
from webapp.charts.reach_band import ReachBand
from webapp.jobs import queries, services
from webapp.jobs.answer import model_title
from webapp.jobs.effort_fields import EFFORT_FIELDS, EffortFields
from webapp.jobs.form_choices import OTHER, model_choices, unavailable_datasets
from webapp.jobs.found_networks import fitted_network, found_network_choices, is_found_network
from webapp.jobs.models import ModelDescription
from webapp.jobs.quantize_fields import WIDTHS, QuantizeFields
from webapp.jobs.question_fields import QuestionFields
from webapp.jobs.question_form import QuestionForm
from webapp.jobs.reach import Reaches, described
from webapp.tables.targets import check_covered

_BEFORE_ADVANCED = {
    *QuestionFields.base_fields,
    "model",
    "model_other",
    "dataset",
    "folder",
    "target",
    "preset",
}


class QuantizeForm(QuestionForm, QuantizeFields, EffortFields):
    """What one says to launch a HAQ search."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:  # Any: as Django's Form
        super().__init__(*args, user=user, **kwargs)
        self.spec: ModelSpec | None = None
        self._network_title = ""  # of a network that a search found
        found = found_network_choices(queries.visible_to(user), wanted=self.said("model"))
        self.offer("model", model_choices(found))
        self.offer("preset", [(p.id, p.title) for p in QUANTIZE_PRESETS.values()])
        self.fields["activation_bits"].required = not self.is_weights_only
        self.style()

    @property
    def model_id(self) -> str:
        """The network as the config names it."""
        chosen = self.said("model")
        return self.said("model_other").strip() if chosen == OTHER else chosen

    @property
    def has_advanced_errors(self) -> bool:
        """Whether an error stands at a field that is folded away."""
        return self.is_bound and bool(self.errors.keys() - _BEFORE_ADVANCED)

    @property
    def subject(self) -> str:
        """What limits depend on, the first one's metric last: when it changes, they start anew."""
        parts = ("model_id", "dataset_id", "target", "quantizer", "metric")
        return "|".join(getattr(self, p) if p.endswith("_id") else self.said(p) for p in parts)

    def band(self) -> ReachBand | ModelDescription | None:
        """Return what to draw for the fields as they stand; None where one of them is wrong.

        What is wrong is then in `problem`.
        """
        try:
            spec = self._described()
            if isinstance(spec, ModelDescription):
                if spec.status == ModelDescription.Status.FAILED:
                    raise InvalidConfig("model", spec.error_text)
                return spec
            self._take(spec)
            return self.first_band()
        except EngineError as error:
            self.problem = self.placed(error)
            return None

    def clean(self) -> dict[str, Any]:  # Any: Django's cleaned data
        """Check what one field cannot know alone."""
        cleaned = super().clean() or {}
        if self.errors.keys() & {"model", "dataset", "target", "metric"}:
            return cleaned
        if self.said("dataset") in (reasons := unavailable_datasets()):
            self.add_error("dataset", reasons[self.said("dataset")])
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
        preset = QUANTIZE_PRESETS[said["preset"]]
        effort = self._effort(preset.effort)
        return QuantizeConfig(
            model=self.model_id,
            dataset=self.dataset_id,
            target=said["target"],
            budgets=self.budgets(),
            accuracy_drop=said["accuracy_drop"] / 100 if self.asks_for_cost else None,
            objective=self.first_metric if self.asks_for_cost else None,
            quantizer="kmeans" if self.is_weights_only else "linear",
            checkpoint=said["kept_checkpoint"] or None,
            weight_bits=tuple(int(width) for width in said["weight_bits"]),
            activation_bits=tuple(int(width) for width in said["activation_bits"] or WIDTHS),
            granularity=said["granularity"],
            clipping=said["clipping"],
            sensitivity=said["sensitivity"] or "divergence",
            faithful=said["faithful"],
            preset=preset.id if effort == preset.effort else "custom",
            effort=effort,
            seed=said["seed"],
            device=said["device"],
            threads=said["threads"],
        )

    def keep_files(self) -> None:
        """Store uploaded weights, checked against the network."""
        file = cast("UploadedFile[bytes] | None", self.cleaned_data["checkpoint"])
        if file is None:
            return
        upload = services.store_upload(
            user=self.user, team=self.cleaned_data["team"], file=file, spec=self.spec
        )
        self.cleaned_data["kept_checkpoint"] = f"upload:{upload.pk}"

    def field_of(self, path: str) -> str:
        """Return where an error is shown: a model by name has a field of its own."""
        name = super().field_of(path)
        return "model_other" if name == "model" and self.said("model") == OTHER else name

    def _check_effort(self) -> None:
        if not self.errors.keys() & {"preset", *EFFORT_FIELDS}:
            self._effort(QUANTIZE_PRESETS[self.cleaned_data["preset"]].effort)

    def _check_against_engine(self) -> None:
        spec = self._described()
        if isinstance(spec, ModelDescription):
            failed = spec.status == ModelDescription.Status.FAILED
            raise InvalidConfig(
                "model",
                spec.error_text
                if failed
                else "its layers are being described by a worker; send the form again in a moment",
            )
        if not self.errors.keys() & {"weight_bits", "activation_bits"}:
            self._take(spec)
            self.check_limits()
        if not self.errors:
            self.config()

    def _take(self, spec: ModelSpec) -> None:
        """Note the network's layers, and so what each metric can be."""
        if self.reaches is not None:
            return
        target = self.chosen_target(spec)
        inputs = (FLOAT_BITS,) if self.is_weights_only else self._said_bits("activation_bits")
        self.spec = spec
        self.who = self._network_title or model_title(self.model_id)
        self.where = target.title
        check_covered(target, spec, title=self.who)
        self.reaches = Reaches(
            spec,
            target,
            weight_bits=self._said_bits("weight_bits"),
            activation_bits=inputs,
        )

    def _described(self) -> ModelSpec | ModelDescription:
        """Return the network's layers; of one that a search found, as it was found."""
        if not is_found_network(self.model_id):
            return described(self.model_id, self.dataset_id)
        visible = queries.visible_to(self.user)
        found = fitted_network(self.model_id, self.dataset_id, visible)
        self._network_title = found.title
        return found.spec

    def _effort(self, preset: QuantizeEffort) -> QuantizeEffort:
        given = {name: self.cleaned_data[name] for name in EFFORT_FIELDS}
        return replace(
            preset, **{name: count for name, count in given.items() if count is not None}
        )

    def _said_bits(self, name: str) -> tuple[int, ...]:
        values = self.value(name) or []
        bits = sorted(int(value) for value in values if str(value).isdigit())
        if not bits:
            raise InvalidConfig(name, "at least one width is required")
        return tuple(bits)
