"""The form that measures a device: a person's words to a ProfileConfig, errors at their fields."""

import re
from dataclasses import replace
from typing import Any

from django.core.exceptions import ValidationError

from engine.catalog.hosts import HOSTS, host_device
from engine.catalog.presets import PROFILE_PRESETS
from engine.catalog.spaces import SPACES
from engine.schema.errors import EngineError
from engine.schema.profile_config import ProfileConfig, ProfileEffort
from engine.schema.space_shape import SpaceShape
from webapp.accounts.models import User
from webapp.jobs.admission import check_folder
from webapp.jobs.engine_form import EngineForm
from webapp.jobs.form_choices import OTHER, dataset_choices, model_choices
from webapp.jobs.profile_fields import EFFORT_FIELDS, ProfileFields
from webapp.jobs.profile_plan import ProfilePlan, profile_plan
from webapp.jobs.search_choices import space_choices
from webapp.jobs.search_shape import said_shape

_OWN_IMAGES = ("", "Its own: the images it was made for")
_SHOWN = {"subject", "subject_other", "dataset", "folder", "target", "precisions", "preset"}
_UNSAID = {"width": "1"}
_LONGEST_TABLE_NAME = 48


class ProfileForm(EngineForm, ProfileFields):
    """What one says to measure a device."""

    answers_once = False  # a machine that is measured again gives new times

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:  # Any: as Django's Form
        super().__init__(*args, user=user, **kwargs)
        spaces = ("Search spaces, block by block", space_choices())
        self.offer("subject", [spaces, *model_choices()])
        self.offer("dataset", [_OWN_IMAGES, *dataset_choices()])
        self.offer("target", [(host.id, host.title) for host in HOSTS.values()])
        self.offer("preset", [(entry.id, entry.title) for entry in PROFILE_PRESETS.values()])
        self.fields["width"].required = False
        self.style()

    @property
    def subject_id(self) -> str:
        """What is measured, as the config names it."""
        chosen = self.said("subject")
        return self.said("subject_other").strip() if chosen == OTHER else chosen

    @property
    def has_advanced_errors(self) -> bool:
        """Whether an error stands at a field that is folded away."""
        return self.is_bound and bool(self.errors.keys() - _SHOWN)

    def plan(self) -> ProfilePlan | None:
        """Return what would be measured; None where a field is wrong, which is in `problem`."""
        try:
            return self._plan()
        except EngineError as error:
            self.problem = self.placed(error)
            return None

    def clean(self) -> dict[str, Any]:  # Any: Django's cleaned data
        """Check what one field cannot know alone."""
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                self._plan()
            except EngineError as error:
                self.add_engine_error(error)
        return cleaned

    def config(self) -> ProfileConfig:
        """Return the config the person means. Raises InvalidConfig where it cannot stand."""
        return self._config()

    def field_of(self, path: str) -> str:
        """Return where an error is shown, in the form's names."""
        if path in ("subject", "model", "space"):
            return "subject_other" if self.said("subject") == OTHER else "subject"
        named = {"name": "table", "input": "dataset", "classes": "dataset", "shape": "width"}
        return super().field_of(named.get(path, path))

    def _plan(self) -> ProfilePlan:
        check_folder(self.dataset_id)
        return profile_plan(self._config())

    def _config(self) -> ProfileConfig:
        """Return the config of the form as it stands, sent or not."""
        device = host_device(self.said("target"))
        preset = PROFILE_PRESETS.get(self.said("preset"), PROFILE_PRESETS["balanced"])
        effort = self._effort(preset.effort)
        subject = self.subject_id
        return ProfileConfig(
            name=self.said("table").strip() or table_name(subject, device),
            subject=subject,
            dataset=self.dataset_id,
            shape=self._shape(),
            device=device,
            precisions=tuple(self.value("precisions") or ()),
            batch=self._whole("batch", 1),
            threads=self._whole("threads", 1),
            preset=preset.id if effort == preset.effort else "custom",
            effort=effort,
            seed=self._whole("seed", 0),
        )

    def _shape(self) -> SpaceShape:
        if self.subject_id not in SPACES:
            return SpaceShape()  # the fields of a space's shape say nothing of a network
        return said_shape(lambda name: self.said(name) or _UNSAID.get(name, ""))

    def _effort(self, preset: ProfileEffort) -> ProfileEffort:
        said = {name: self._cleaned(name) for name in EFFORT_FIELDS}
        changes = {name: value for name, value in said.items() if value is not None}
        if changes.get("sampling_s", 0) > preset.longest_s:
            changes["longest_s"] = changes["sampling_s"]
        return replace(preset, **changes)

    def _whole(self, name: str, default: int) -> int:
        value = self._cleaned(name)
        return default if value is None else int(value)

    def _cleaned(self, name: str) -> Any:  # Any: what a field makes of its text
        """Return a field's value; of one that is wrong, None: the error is the field's own."""
        if self.is_bound and name in getattr(self, "cleaned_data", {}):
            return self.cleaned_data[name]
        try:
            return self.fields[name].clean(self.value(name))
        except ValidationError:
            return None


def table_name(subject: str, device: str) -> str:
    """Return what a table is called where nobody named it: "cpu-tiny"."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", subject.lower())
    return f"{device}-{plain}"[:_LONGEST_TABLE_NAME]
