"""A device is measured for real: from the queue to a table that the team can choose."""

import hashlib
import json
import os
import signal
from collections import Counter
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from engine.catalog.spaces import SPACES
from engine.catalog.tables import table_target
from engine.cost.pricing import cost_model
from engine.cost.table_coverage import space_coverage
from engine.schema.architecture import Architecture
from engine.schema.codec import from_json
from engine.schema.cost_table import CostTable
from tests.configs import profile_config
from tests.programs import Programs, wait_until
from webapp.accounts.models import User
from webapp.jobs import services
from webapp.jobs.models import Job
from webapp.tables.models import DeviceTable
from webapp.teams.models import Team
from workers.workdir import workdir_of

ENDS_WITHIN_S = 180.0
MEASUREMENTS = 2 * 39  # shapes of the tiny space, at each of two precisions


@pytest.fixture
def job(programs: Programs, ada: User, team: Team) -> Job:
    return services.submit_job(user=ada, team=team, config=profile_config(), name="This machine")


def wait_for(job: Job, *statuses: Job.Status) -> Job:
    def has_come() -> bool:
        job.refresh_from_db()
        return job.status in statuses or job.is_over

    wait_until(has_come, within_s=ENDS_WITHIN_S, what=f"{statuses}")
    return job


def blocks(job: Job) -> Counter[tuple[str, str]]:
    """Count each measured shape and precision in the job's log."""
    told = job.events.filter(kind="block_measured").values_list("payload", flat=True)
    return Counter((each["label"], each["precision"]) for each in told)


def wait_for_blocks(job: Job, count: int) -> None:
    measured = job.events.filter(kind="block_measured")
    wait_until(
        lambda: measured.count() >= count, within_s=ENDS_WITHIN_S, what=f"{count} measurements"
    )


def test_a_profile_ends_as_a_table_of_the_team_that_prices_the_space(
    programs: Programs, job: Job
) -> None:
    programs.start_worker(ENGINE_COMMAND="")

    job = wait_for(job, Job.Status.SUCCEEDED)

    assert (job.status, job.error_text) == (Job.Status.SUCCEEDED, "")
    stored = DeviceTable.objects.get()
    assert (stored.team, stored.source_job, stored.host) == (job.team, job, "host-cpu")
    table = from_json(CostTable, stored.document)
    assert space_coverage(table, SPACES["tiny"]).is_whole
    network = Architecture(space=SPACES["tiny"], choices=(0,) * len(SPACES["tiny"].decisions))
    cost = cost_model(table_target(table)).network_cost(network, None)
    assert cost.values["latency_ms"].provenance == "measured"
    assert table.end_to_end is not None
    assert len(table.end_to_end["fp32"].networks) == 6
    assert job.events.filter(kind="reference_measured").count() >= 2
    file = job.artifacts.get(role="table")
    content = default_storage.open(file.storage_name).read()
    assert hashlib.sha256(content).hexdigest() == file.sha256
    assert from_json(CostTable, json.loads(content)) == table


def test_a_killed_profile_goes_on_and_measures_nothing_twice(programs: Programs, job: Job) -> None:
    programs.start_worker(ENGINE_COMMAND="")
    wait_for_blocks(job, 10)

    os.kill(int(Path(workdir_of(job.pk) / "lock").read_text()), signal.SIGKILL)

    job = wait_for(job, Job.Status.SUCCEEDED)
    assert (job.status, job.attempt) == (Job.Status.SUCCEEDED, 2)
    assert job.events.filter(kind="run_resumed").exists()
    assert len(blocks(job)) == MEASUREMENTS
    assert set(blocks(job).values()) == {1}
    assert DeviceTable.objects.count() == 1


@pytest.mark.long
def test_a_paused_profile_goes_on_where_it_was(programs: Programs, ada: User, job: Job) -> None:
    programs.start_worker(ENGINE_COMMAND="")
    wait_for_blocks(job, 5)

    services.request(job, "pause", ada)
    wait_for(job, Job.Status.PAUSED)
    measured = sum(blocks(job).values())
    services.request(job, "resume", ada)

    job = wait_for(job, Job.Status.SUCCEEDED)
    assert 5 <= measured < MEASUREMENTS
    assert set(blocks(job).values()) == {1}
    assert len(blocks(job)) == MEASUREMENTS


@pytest.mark.long
def test_a_profile_that_is_ended_early_keeps_what_was_measured(
    programs: Programs, ada: User, job: Job
) -> None:
    programs.start_worker(ENGINE_COMMAND="")
    wait_for_blocks(job, 5)

    services.request(job, "finish", ada)

    job = wait_for(job, Job.Status.SUCCEEDED)
    table = from_json(CostTable, DeviceTable.objects.get().document)
    assert 2 <= table.rows < MEASUREMENTS / 2
    assert table.end_to_end is None
