"""The whole path with the real engine: a small search on real data, in seconds."""

import hashlib
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from django.core.files.storage import default_storage
from PIL import Image
from pytest_django import Settings

from engine.catalog.datasets import dataset_entry
from engine.catalog.models import layer_table
from engine.schema.codec import policy_from_json, result_from_json
from engine.schema.config_parts import TrainingRecipe
from engine.schema.cost import Budget
from engine.schema.quantize_config import QuantizeEffort
from tests.configs import quantize_config
from tests.programs import Programs, wait_until
from tests.unit.engine.cost.measured_tables import grids_of_model
from webapp.accounts.models import User
from webapp.jobs import services
from webapp.jobs.models import Job
from webapp.tables.services import store
from webapp.teams.models import Team
from workers.workdir import workdir_of

TINY = QuantizeEffort(
    calibration_images=16,
    sensitivity_images=16,
    score_images=16,
    evaluations=4,
    episodes=6,
    finetune_epochs=1,
    finetune_images=32,
    finetune_batch_size=16,
)
ENDS_WITHIN_S = 180.0


@pytest.fixture
def folder(settings: Settings) -> Path:
    """Two classes of 60 small pictures, dark and bright, below a permitted root."""
    folder = Path(settings.DATA_FOLDERS[0]) / "pictures"
    chance = np.random.default_rng(0)
    for name, brightest in (("dark", 90), ("bright", 255)):
        (folder / name).mkdir(parents=True)
        for number in range(60):
            pixels_HWC = chance.integers(0, brightest, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels_HWC).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture
def job(programs: Programs, ada: User, team: Team, folder: Path) -> Job:
    config = quantize_config(
        dataset=f"folder:{folder}",
        effort=TINY,
        recipe=TrainingRecipe(epochs=1, batch_size=16, learning_rate=0.05),
    )
    return services.submit_job(user=ada, team=team, config=config)


def wait_for_end(job: Job) -> Job:
    def is_over() -> bool:
        job.refresh_from_db()
        return job.is_over

    wait_until(is_over, within_s=ENDS_WITHIN_S, what="the job's end")
    return job


def kinds(job: Job) -> set[str]:
    return set(job.events.values_list("kind", flat=True))


def test_a_search_ends_with_a_policy_within_its_budget_and_files_that_match(
    programs: Programs, job: Job
) -> None:
    programs.start_worker(ENGINE_COMMAND="")

    job = wait_for_end(job)

    assert (job.status, job.error_text, job.fraction) == (Job.Status.SUCCEEDED, "", 1.0)
    assert {"run_started", "epoch_finished", "episode_finished", "run_finished"} <= kinds(job)
    result = result_from_json(job.result)
    assert job.found_cost is not None
    assert job.found_cost == result.contender(result.found).cost["latency_ms"] <= 4.0
    files = {file.role: file for file in job.artifacts.all()}
    assert {"checkpoint", "policy", "config", "log"} <= set(files)
    for file in files.values():
        content = default_storage.open(file.storage_name).read()
        assert hashlib.sha256(content).hexdigest() == file.sha256
    policy = policy_from_json(json.loads(default_storage.open(files["policy"].storage_name).read()))
    assert list(policy) == [layer.name for layer in result.model.layers]


def test_a_search_is_cut_to_a_table_that_the_team_brought(
    programs: Programs, ada: User, team: Team, folder: Path
) -> None:
    dataset = f"folder:{folder}"
    spec = layer_table("mobilenet_v2_small", dataset_entry(dataset))
    assert spec is not None
    table = store(team=team, made_by=ada, table=grids_of_model(spec))
    at_8_bits = sum(layer.macs * 64 * 1e-9 for layer in spec.layers)
    config = quantize_config(
        dataset=dataset,
        target=table.target,
        budgets=(Budget(metric="latency_ms", limit=at_8_bits / 2),),
        effort=TINY,
        recipe=TrainingRecipe(epochs=1, batch_size=16, learning_rate=0.05),
    )
    job = services.submit_job(user=ada, team=team, config=config)
    programs.start_worker(ENGINE_COMMAND="")

    job = wait_for_end(job)

    assert (job.status, job.error_text) == (Job.Status.SUCCEEDED, "")
    assert (job.name, job.target_title) == ("mobilenet_v2_small on An FPGA", "An FPGA")
    result = result_from_json(job.result)
    policy = result.contender(result.found).policy
    by_hand = sum(
        layer.macs * policy[layer.name].weight_bits * policy[layer.name].activation_bits * 1e-9
        for layer in spec.layers
    )
    assert job.found_cost == pytest.approx(by_hand)
    assert by_hand <= at_8_bits / 2


def test_a_killed_search_goes_on_from_its_checkpoint(programs: Programs, job: Job) -> None:
    programs.start_worker(ENGINE_COMMAND="")
    saved = job.events.filter(kind="checkpoint_saved", payload__stage="searching")
    wait_until(saved.exists, within_s=ENDS_WITHIN_S, what="a checkpoint of the search")
    engine = int(Path(workdir_of(job.pk) / "lock").read_text())

    os.kill(engine, signal.SIGKILL)

    job = wait_for_end(job)
    assert (job.status, job.attempt) == (Job.Status.SUCCEEDED, 2)
    assert "run_resumed" in kinds(job)
    episodes = [
        (event.payload["strategy"], event.payload["episode"])
        for event in job.events.filter(kind="episode_finished")
    ]
    assert len(episodes) == len(set(episodes))  # each once, though some were told twice


def test_data_that_cannot_be_used_fails_the_job_with_its_reason(
    programs: Programs, ada: User, team: Team
) -> None:
    job = services.submit_job(
        user=ada, team=team, config=quantize_config(dataset="cifar10", effort=TINY)
    )
    programs.start_worker(ENGINE_COMMAND="")

    job = wait_for_end(job)

    assert (job.status, job.error_class) == (Job.Status.FAILED, Job.ErrorClass.USER)
    assert job.error_text.startswith("dataset: ")
    assert "Traceback" not in job.error_text
