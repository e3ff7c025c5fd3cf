"""What the launch forms take from a request: the earlier run to start from, another seed."""

from collections.abc import Iterable
from uuid import UUID

from django.http import HttpRequest, QueryDict
from django.shortcuts import get_object_or_404

from engine.schema.codec import config_from_json
from engine.schema.configs import Config
from webapp.jobs import queries
from webapp.jobs.models import Job


def earlier_config(request: HttpRequest) -> Config | None:
    """Return the config of the run that `?from=` names; one may not see it: a 404."""
    earlier = request.GET.get("from", "")
    if not is_uuid(earlier):
        return None
    job = get_object_or_404(queries.visible_to(request.user), pk=earlier)
    return config_from_json(job.config)


def named_network(request: HttpRequest) -> Job | None:
    """Return the search whose network `?network=` names; one may not see it: a 404."""
    search = request.GET.get("network", "")
    if not is_uuid(search):
        return None
    found = queries.visible_to(request.user).filter(kind=Job.Kind.SEARCH)
    return get_object_or_404(found, pk=search, status=Job.Status.SUCCEEDED)


def asked_fields(request: HttpRequest, names: Iterable[str]) -> dict[str, str]:
    """Return the first values that an address gives to fields of these names."""
    return {name: request.GET[name] for name in names if request.GET.get(name)}


def posted(request: HttpRequest) -> QueryDict | None:
    """Return what was sent, with the other seed that the offer to run it anyway names."""
    if request.method != "POST":
        return None
    data = request.POST.copy()
    if "other_seed" in data:
        data.setlist("seed", [data.get("other_seed", "")])
    return data


def is_uuid(text: str) -> bool:
    """Whether a text of the URL is an id."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
