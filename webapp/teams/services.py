"""Every change to teams."""

import secrets

from django.db import transaction
from django.utils.text import slugify

from webapp.accounts.models import User
from webapp.teams.models import Membership, Team


@transaction.atomic
def create_team(*, name: str, owner: User) -> Team:
    """Make a team with its owner as its first member."""
    team = Team.objects.create(name=name, slug=_free_slug(name))
    add_member(team, owner, role=Membership.Role.OWNER)
    return team


def add_member(
    team: Team, user: User, *, role: Membership.Role = Membership.Role.MEMBER
) -> Membership:
    """Let a person into a team; who is in already keeps their role."""
    membership, _ = Membership.objects.get_or_create(team=team, user=user, defaults={"role": role})
    return membership


def ensure_team(user: User) -> None:
    """Give a person who belongs to no team one of their own."""
    if not user.memberships.exists():
        create_team(name=f"{user.get_username()}'s team", owner=user)


def _free_slug(name: str) -> str:
    slug = slugify(name)[:60] or "team"
    # A suffix nobody can guess or collide with is cheaper than trying numbers in a loop.
    return slug if not Team.objects.filter(slug=slug).exists() else f"{slug}-{secrets.token_hex(4)}"
