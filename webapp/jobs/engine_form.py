"""What the forms of all kinds of job share: words to a config, errors at their fields."""

from dataclasses import dataclass
from typing import Any, cast

from django import forms

from engine.catalog.datasets import FOLDER_PREFIX
from engine.catalog.hosts import HOSTS, host_id
from engine.schema.architecture import SearchSpace
from engine.schema.codec import digest
from engine.schema.configs import Config
from engine.schema.errors import EngineError, InvalidConfig
from engine.schema.layers import ModelSpec
from engine.schema.target import Target
from webapp.accounts.models import User
from webapp.jobs import queries, services
from webapp.jobs.form_choices import (
    FOLDER,
    dataset_choices,
    style_widgets,
    target_choices,
)
from webapp.jobs.hosts import measured_host, measuring_address, settled
from webapp.jobs.models import Job
from webapp.tables.targets import targets_for
from webapp.teams.models import Team

# Where an error about a config's field is shown, if the names differ.
_FORM_FIELD = {"budgets": "limit"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong, and at which field; "" for the form as a whole."""

    field: str
    message: str


class EngineForm(forms.Form):
    """A form that launches a job; its fields are those of a kind of job.

    A kind's form has at least dataset, folder, target, preset, seed, name and team; a search's has
    metric and limit too.
    """

    answers_once = True  # a config that a job has answered would tell nothing new

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:  # Any: as Django's Form
        super().__init__(*args, **kwargs)
        self.user = user
        self.duplicate: Job | None = None  # a run that answered exactly this already
        self.problem: Problem | None = None
        self.offer("dataset", dataset_choices())
        self.targets = targets_for(user)
        self._target: Target | None = None  # once it is known for what it is asked
        self.offer("target", target_choices(self.targets.table_choices()))
        teams = queries.teams_of(user)
        cast(forms.ModelChoiceField, self.fields["team"]).queryset = teams  # type: ignore[type-arg] # any team
        self.fields["team"].initial = teams.first()

    def config(self) -> Config:
        """Return the config the person means. Raises InvalidConfig where it cannot stand."""
        raise NotImplementedError

    def offer(self, name: str, choices: Any) -> None:  # Any: Django's choices and groups of them
        """Give a field its choices."""
        cast(forms.ChoiceField, self.fields[name]).choices = choices

    def chosen_target(self, subject: ModelSpec | SearchSpace) -> Target:
        """Return the target as the form stands; of a host's tables one that has the subject.

        Raises:
            InvalidConfig: there is none of that id for this person.
        """
        asked = self.said("target")
        team = self._team() if asked in HOSTS else None
        if team is not None:
            self._target = measured_host(asked, team, subject)
        else:
            self._target = self.targets.entry(asked)
        return self._target

    @property
    def shown_target(self) -> Target | None:
        """The target to tell about; None: there is none of that id for this person."""
        return self._target or self.targets.find(self.said("target"))

    @property
    def measuring_address(self) -> str:
        """Where the chosen device can be measured for what the form asks about.

        "" where no profile would help: nothing stands against the target, or it is no host's.
        """
        wrong = "target" in self.errors or (self.problem and self.problem.field == "target")
        asked = self.said("target")
        target = self.targets.find(asked)
        if asked not in HOSTS and target and target.cost_table and target.cost_table.host:
            asked = host_id(target.cost_table.host)
        if not wrong or asked not in HOSTS:
            return ""
        return measuring_address(asked, self.said, self.fields)

    @property
    def dataset_id(self) -> str:
        """The data set as the config names it."""
        chosen = self.said("dataset")
        return f"{FOLDER_PREFIX}{self.said('folder').strip()}" if chosen == FOLDER else chosen

    def launch(self) -> Job | None:
        """Queue the job; None where something stands against it, which is then at its field."""
        if not self.is_valid():
            return None
        team = self.cleaned_data["team"]
        try:
            self.keep_files()
            config = settled(self.config(), team)
            if self.answers_once:
                self.duplicate = queries.same_search(team, digest(config))
            if self.duplicate is not None:
                return None
            return services.submit_job(
                user=self.user, team=team, config=config, name=self.cleaned_data["name"]
            )
        except EngineError as error:
            self.add_engine_error(error)
            return None

    def _team(self) -> Team | None:
        """Return the team as the form stands."""
        said = self.value("team")
        teams = cast("forms.ModelChoiceField[Team]", self.fields["team"])
        if said is None or isinstance(said, Team):
            return said
        return next((team for team in teams.queryset or () if str(team.pk) == str(said)), None)

    def keep_files(self) -> None:
        """Store what was uploaded with the form, once it is known to be valid."""

    def add_engine_error(self, error: EngineError) -> None:
        """Put an engine's error at the field it speaks of, in the form's words."""
        problem = self.placed(error)
        self.add_error(problem.field or None, problem.message)

    def placed(self, error: EngineError) -> Problem:
        """Return an engine's error as the form says it, and at which field."""
        if isinstance(error, InvalidConfig):
            config_field, message = error.field, error.message
        else:  # the others begin with the field's name
            config_field, _, message = str(error).partition(": ")
        name = self.field_of(config_field)
        return Problem(
            field=name if name in self.fields else "", message=_sentence(message or str(error))
        )

    def field_of(self, path: str) -> str:
        """Return where an error about a config's field is shown; its path may be dotted."""
        name = _FORM_FIELD.get(path, path.rpartition(".")[2])
        return "folder" if name == "dataset" and self.said("dataset") == FOLDER else name

    def value(self, name: str) -> Any:  # Any: what a widget makes of the request
        """Return what a field says as the form stands, valid or not."""
        if self.is_bound:
            return self[name].value()
        # Not by way of the bound field: it would remember a value that is set later.
        return self.get_initial_for_field(self.fields[name], name)

    def said(self, name: str) -> str:
        """Return what a field says as text."""
        return str(self.value(name) or "")

    def said_limit(self) -> float | None:
        """Return the limit as the form stands; None where it is no number."""
        return self.said_number("limit")

    def said_number(self, name: str) -> float | None:
        """Return what a field says as a number; None where it says none."""
        try:
            return float(self.said(name))
        except ValueError:
            return None

    def style(self) -> None:
        """Give each widget the class of its look; the last thing a form does to its fields."""
        style_widgets(self)


def _sentence(message: str) -> str:
    return message[:1].upper() + message[1:] + ("" if message.endswith(".") else ".")
