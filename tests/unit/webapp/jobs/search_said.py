"""What a person says to the ProxylessNAS form who changes nothing but the target and the budget."""

from typing import Any

from django.http import QueryDict

from webapp.accounts.models import User
from webapp.jobs.search_form import SearchForm
from webapp.teams.models import Team


def said_by(team: Team, **changes: Any) -> dict[str, Any]:
    """Return the form's values as a browser sends them."""
    return {
        "space": "tiny",
        "width": "1",
        "dataset": "fashion-mnist",
        "target": "counted",
        "metric": "macs",
        "limit": "2",
        "preset": "smoke",
        "algorithm": "gradient",
        "zero_gradient": "all",
        "starting_weights": "scratch",
        "precision": "fp32",
        "seed": "0",
        "device": "auto",
        "threads": "1",
        "team": str(team.pk),
        **changes,
    }


def form_of(user: User, team: Team, **changes: str) -> SearchForm:
    """Return the form as a person sends it."""
    data = QueryDict(mutable=True)
    data.update(said_by(team, **changes))
    return SearchForm(data, user=user)
