"""What all tests share: a place of their own, and the cast. Ada owns, Ben is on her team, Cleo is
a stranger.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import connection
from pytest_django import Settings

from tests.factories import TeamFactory, UserFactory
from webapp.accounts.models import User
from webapp.celery import app
from webapp.teams.models import Membership, Team
from webapp.teams.services import add_member

_KINDS = ("unit", "engine", "integration", "browser")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the quick kinds first, and the browser's last.

    Playwright keeps an event loop running for as long as the browser is open, and no coroutine
    test can run beside it.
    """
    root = Path(__file__).parent
    items.sort(key=lambda item: _KINDS.index(item.path.relative_to(root).parts[0]))


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The DATA_DIR of the test database and of the programs that tests start."""
    return tmp_path_factory.mktemp("var")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(data_dir: Path) -> None:
    """Keep the test database in a file: threads and other programs must see the same one."""
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(data_dir / "bespoke.sqlite3")


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, settings: Settings) -> Iterator[None]:
    """Nothing a test does is seen by another, or by a Bespoke that runs on this machine."""
    settings.DATA_DIR = tmp_path
    settings.DATA_ROOT = tmp_path / "data"
    settings.DATA_FOLDERS = [tmp_path / "data"]
    settings.WEIGHTS_STORE = tmp_path / "weights"
    settings.RUNS_DIR = tmp_path / "runs"
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    app.conf.broker_url = "memory://"
    yield
    cache.clear()


@pytest.fixture
def ada(db: None) -> User:
    """The owner of a team."""
    return UserFactory(username="ada")


@pytest.fixture
def team(ada: User) -> Team:
    """Ada's team, with Ben."""
    team = TeamFactory(name="Demo")
    add_member(team, ada, role=Membership.Role.OWNER)
    return team


@pytest.fixture
def ben(team: Team) -> User:
    """A member of Ada's team."""
    ben = UserFactory(username="ben")
    add_member(team, ben)
    return ben


@pytest.fixture
def cleo(db: None) -> User:
    """A stranger with a team of her own."""
    cleo = UserFactory(username="cleo")
    add_member(TeamFactory(name="Cleo's team"), cleo, role=Membership.Role.OWNER)
    return cleo
