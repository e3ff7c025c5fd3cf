"""A resumed engine tells again what lies past its checkpoint; the log has it once."""

import pytest

from tests.factories import JobEventFactory, JobFactory
from webapp.jobs.models import Job
from workers.repeats import Repeats

pytestmark = pytest.mark.django_db


def episode(number: int) -> dict[str, object]:
    return {"kind": "episode_finished", "episode": number, "reward": 0.1 * number}


@pytest.fixture
def job() -> Job:
    """A second attempt at a job that logged episodes 1 to 3 and has a checkpoint after 1."""
    job = JobFactory(running=True, attempt=2)
    saved = {"kind": "checkpoint_saved", "stage": "searching", "step": 1}
    payloads = [episode(1), saved, episode(2), {"kind": "log_line", "text": "hm"}, episode(3)]
    for seq, payload in enumerate(payloads, start=1):
        JobEventFactory(job=job, seq=seq, kind=payload["kind"], payload=payload)
    return job


def test_what_is_told_again_is_left_out_and_what_is_new_is_kept(job: Job) -> None:
    repeats = Repeats(job)

    kept = [repeats.left_out_of([episode(number)]) for number in (2, 3, 4)]

    assert kept == [[], [], [episode(4)]]


def test_what_lies_before_the_checkpoint_is_no_repeat(job: Job) -> None:
    assert Repeats(job).left_out_of([episode(1)]) == [episode(1)]


def test_what_differs_is_kept(job: Job) -> None:
    other = {**episode(2), "reward": 0.7}

    assert Repeats(job).left_out_of([other]) == [other]


def test_each_line_stands_for_one_repeat(job: Job) -> None:
    assert Repeats(job).left_out_of([episode(2), episode(2)]) == [episode(2)]


def test_sentences_are_always_news(job: Job) -> None:
    line = {"kind": "log_line", "text": "hm"}

    assert Repeats(job).left_out_of([line]) == [line]


def test_a_first_attempt_repeats_nothing(django_assert_num_queries) -> None:
    job = JobFactory(running=True)

    with django_assert_num_queries(0):
        assert Repeats(job).left_out_of([episode(1)]) == [episode(1)]
