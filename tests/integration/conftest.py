"""Real Valkey, real workers, and an engine that is scripted where the test is not about it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.programs import Programs
from webapp.celery import app, broker_url


@pytest.fixture
def programs(
    transactional_db: None, data_dir: Path, tmp_path: Path, settings: Settings
) -> Iterator[Programs]:
    """A fresh Valkey on the session's database; this process and the workers share both."""
    programs = Programs(data_dir, tmp_path)
    settings.RUNS_DIR = data_dir / "runs"
    settings.MEDIA_ROOT = data_dir / "media"
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": [programs.redis_url], "prefix": "bespoke"},
        }
    }
    app.conf.broker_url = broker_url(programs.redis_url)
    try:
        programs.start_valkey()
        yield programs
    finally:
        programs.stop_all()
