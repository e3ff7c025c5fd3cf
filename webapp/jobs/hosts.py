"""This machine's CPU and GPU as targets: each stands for what a profile measured of it last."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar
from urllib.parse import urlencode

from django.urls import reverse

from engine.catalog.hosts import HOSTS
from engine.schema.architecture import SearchSpace
from engine.schema.configs import Config
from engine.schema.errors import InvalidConfig
from engine.schema.layers import ModelSpec
from engine.schema.profile_config import ProfileConfig
from engine.schema.target import Target
from webapp.jobs.admission import subject_of
from webapp.jobs.found_networks import RESULT_PREFIX, is_found_network
from webapp.jobs.search_shape import SHAPE_FIELDS
from webapp.tables.targets import targets_of
from webapp.teams.models import Team

AnyConfig = TypeVar("AnyConfig", bound=Config)

# What a form says of the network or space that is to be priced, by the names of its fields.
_OF_SUBJECT = ("space", "model", "model_other", "dataset", "folder", *SHAPE_FIELDS)


def measured_host(
    host_id: str, team: Team, subject: ModelSpec | SearchSpace | None = None
) -> Target:
    """Return a host as a team's profile measured it last, with times for the subject if any has.

    Raises:
        InvalidConfig: no profile of the team has measured it.
    """
    targets = targets_of(team)
    found = targets.measured(host_id, subject) if subject else targets.find(host_id)
    if found is None:
        raise InvalidConfig(
            "target",
            f"{HOSTS[host_id].title} has not been measured for {team} yet, so it has no times; "
            "measure it first",
        )
    return found


def settled(config: AnyConfig, team: Team) -> AnyConfig:
    """Return a config with a host's table in the host's place, so that it can be replayed.

    Raises:
        InvalidConfig: no profile of the team has measured the host, or what is to be priced on it
            is not known.
    """
    if isinstance(config, ProfileConfig) or config.target not in HOSTS:
        return config
    subject = subject_of(config, team)
    return replace(config, target=measured_host(config.target, team, subject).id)


def measuring_address(host_id: str, said: Callable[[str], str], fields: Iterable[str]) -> str:
    """Return the address of the form that measures a host, with what another form asks about."""
    asked = {"target": host_id}
    asked |= {name: said(name) for name in _OF_SUBJECT if name in fields and said(name)}
    if is_found_network(model := asked.get("model", "")):
        # Its blocks are those of the space it was found in.
        asked = {"target": host_id, "network": model.removeprefix(RESULT_PREFIX)}
    return f"{reverse('jobs:new-profile')}?{urlencode(asked)}"
