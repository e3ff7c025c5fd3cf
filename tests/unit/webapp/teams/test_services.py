"""Teams: who is in, and that nobody is without one."""

import pytest

from tests.factories import UserFactory
from webapp.accounts.models import User
from webapp.teams.demo import make_demo_accounts
from webapp.teams.models import Membership, Team
from webapp.teams.queries import teams_of
from webapp.teams.services import add_member, create_team, ensure_team


def test_who_makes_a_team_owns_it(ada: User) -> None:
    team = create_team(name="Vision", owner=ada)

    assert team.slug == "vision"
    assert team.memberships.get().role == Membership.Role.OWNER


def test_teams_of_the_same_name_have_slugs_of_their_own(ada: User) -> None:
    slugs = {create_team(name="Vision", owner=ada).slug for _ in range(3)}

    assert len(slugs) == 3


def test_a_name_without_letters_still_makes_a_slug(ada: User) -> None:
    assert create_team(name="!!!", owner=ada).slug == "team"


def test_who_is_in_already_keeps_their_role(ada: User, team: Team) -> None:
    add_member(team, ada)

    assert team.memberships.get(user=ada).role == Membership.Role.OWNER


def test_only_who_has_no_team_is_given_one(db: None, ada: User, team: Team) -> None:
    newcomer = UserFactory(username="dan")

    ensure_team(newcomer)
    ensure_team(newcomer)
    ensure_team(ada)

    assert [own.name for own in teams_of(newcomer)] == ["dan's team"]
    assert list(teams_of(ada)) == [team]


@pytest.mark.django_db
def test_demo_accounts_are_made_once_with_passwords_that_work() -> None:
    passwords = make_demo_accounts()

    assert make_demo_accounts() == {}
    assert set(passwords) == {"ada", "ben", "cleo"}
    for name, password in passwords.items():
        assert User.objects.get(username=name).check_password(password)
    shared = Team.objects.get(name="Demo")
    assert set(shared.members.values_list("username", flat=True)) == {"ada", "ben"}
    assert teams_of(User.objects.get(username="cleo")).get() != shared


@pytest.mark.django_db
def test_no_demo_accounts_beside_real_ones() -> None:
    UserFactory()

    assert make_demo_accounts() == {}
    assert User.objects.count() == 1
