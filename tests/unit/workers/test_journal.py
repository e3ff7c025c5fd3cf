"""What an engine says is read on from where the log stands, by whichever worker comes next."""

import json
from pathlib import Path

import pytest

from tests.factories import AttemptFactory, JobFactory
from workers.journal import Journal, unread_journals

EVENT = {"kind": "episode_finished", "episode": 1}


def say(journal: Journal, text: str) -> None:
    with journal.path.open("a", encoding="utf-8") as file:
        file.write(text)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path, attempt=1)


def test_each_line_is_read_once(journal: Journal) -> None:
    say(journal, json.dumps(EVENT) + "\n")
    first = journal.read()
    say(journal, json.dumps({**EVENT, "episode": 2}) + "\n")

    assert first == [EVENT]
    assert journal.read() == [{**EVENT, "episode": 2}]
    assert journal.read() == []


def test_a_line_is_read_when_it_is_complete(journal: Journal) -> None:
    line = json.dumps(EVENT) + "\n"
    say(journal, line[:10])
    half = journal.read()
    say(journal, line[10:])

    assert (half, journal.read()) == ([], [EVENT])


@pytest.mark.parametrize(
    "text", ["Downloading...", "[1, 2]", '{"no": "kind"}', '{"kind": 3}', "3", "\u2028ü"]
)
def test_what_is_no_event_becomes_a_line_of_the_log(journal: Journal, text: str) -> None:
    say(journal, text + "\n")

    assert journal.read() == [{"kind": "log_line", "text": text, "level": "info"}]


def test_an_endless_line_is_cut(journal: Journal) -> None:
    say(journal, "x" * 10_000 + "\n")

    assert len(journal.read()[0]["text"]) == 2000


def test_a_folder_that_is_removed_does_not_disturb_who_still_reads(journal: Journal) -> None:
    say(journal, json.dumps(EVENT) + "\n")
    journal.path.unlink()

    assert journal.read() == [EVENT]


@pytest.mark.django_db
def test_earlier_attempts_are_read_on_from_where_the_log_stands(tmp_path: Path) -> None:
    job = JobFactory(running=True, attempt=3, claimed=None)
    line = json.dumps(EVENT) + "\n"
    for number, logged in ((1, len(line)), (2, 0)):
        AttemptFactory(job=job, number=number, logged_bytes=logged)
        say(Journal(tmp_path, attempt=number), line * 2)
    AttemptFactory(job=job, number=3)

    unread = {journal.attempt: journal.read() for journal in unread_journals(job, tmp_path)}

    assert unread == {1: [EVENT], 2: [EVENT, EVENT]}
