"""How people come in: sign-up may be closed, and everyone has a team."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from webapp.accounts.models import User
from webapp.teams.services import ensure_team


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth has no types
    """Bespoke's rules for new and returning people."""

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """Whether a stranger may make an account."""
        return bool(settings.SIGN_UP_OPEN)

    def save_user(
        self, request: HttpRequest, user: User, form: Any, commit: bool = True
    ) -> User:  # Any: one of allauth's forms
        """Keep a new person, and give them a team of their own."""
        with transaction.atomic():
            saved: User = super().save_user(request, user, form, commit)
            if commit:
                ensure_team(saved)
        return saved

    def login(self, request: HttpRequest, user: User) -> None:
        """Sign a person in; one who was made on the command line gets their team now."""
        ensure_team(user)
        super().login(request, user)
