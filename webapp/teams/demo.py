"""Accounts to look around with: Ada and Ben share a team, Cleo is a stranger to it."""

import secrets

from django.db import transaction

from webapp.accounts.models import User
from webapp.teams.services import add_member, create_team, ensure_team


@transaction.atomic
def make_demo_accounts() -> dict[str, str]:
    """Make the accounts where there is none yet, and return their passwords by name."""
    if User.objects.exists():
        return {}
    passwords = {name: secrets.token_urlsafe(9) for name in ("ada", "ben", "cleo")}
    ada, ben, cleo = (
        User.objects.create_user(name, f"{name}@example.com", password)
        for name, password in passwords.items()
    )
    add_member(create_team(name="Demo", owner=ada), ben)
    ensure_team(cleo)
    return passwords
