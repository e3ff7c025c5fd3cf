"""Signing up and in: by name or e-mail, into a team of one's own."""

import pytest
from django.test import Client
from pytest_django import Settings

from tests.factories import PASSWORD, UserFactory
from webapp.accounts.models import User

FORM = {
    "username": "dan",
    "email": "dan@example.com",
    "password1": PASSWORD,
    "password2": PASSWORD,
}
pytestmark = pytest.mark.django_db


def test_a_new_person_is_signed_in_and_has_a_team(client: Client) -> None:
    answer = client.post("/accounts/signup/", FORM)

    dan = User.objects.get(username="dan")
    assert answer.status_code == 302
    assert client.session["_auth_user_id"] == str(dan.pk)
    assert dan.teams.get().name == "dan's team"


def test_a_closed_sign_up_makes_no_account(client: Client, settings: Settings) -> None:
    settings.SIGN_UP_OPEN = False

    client.post("/accounts/signup/", FORM)

    assert not User.objects.exists()


@pytest.mark.parametrize("login", ["eve", "eve@example.com"])
def test_one_signs_in_by_name_or_by_e_mail(client: Client, login: str) -> None:
    eve = UserFactory(username="eve")

    answer = client.post("/accounts/login/", {"login": login, "password": PASSWORD})

    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.session["_auth_user_id"] == str(eve.pk)


def test_who_was_made_on_the_command_line_gets_a_team_at_the_first_sign_in(client: Client) -> None:
    eve = UserFactory(username="eve")
    assert not eve.teams.exists()

    client.post("/accounts/login/", {"login": "eve", "password": PASSWORD})

    assert eve.teams.count() == 1


def test_guessing_passwords_is_slowed_down(client: Client) -> None:
    UserFactory(username="eve")

    for _ in range(6):
        client.post("/accounts/login/", {"login": "eve", "password": "a guess"})
    client.post("/accounts/login/", {"login": "eve", "password": PASSWORD})

    assert "_auth_user_id" not in client.session
