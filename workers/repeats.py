"""What a resumed engine tells again: it goes back to its checkpoint, and the log is past that."""

import json
from collections import Counter
from collections.abc import Iterable

from engine.schema.codec import Json
from webapp.jobs.models import Job

_TOLD_ANEW = frozenset({"log_line", "run_resumed"})  # each of them is news, whatever it says


class Repeats:
    """The events that earlier attempts logged past the last checkpoint."""

    def __init__(self, job: Job) -> None:
        self._expected: Counter[str] = Counter()
        if job.attempt > 1:
            last = job.events.filter(kind="checkpoint_saved").order_by("-seq").first()
            past = job.events.filter(seq__gt=last.seq if last else 0)
            self._expected.update(map(_key, past.values_list("payload", flat=True)))

    def left_out_of(self, events: Iterable[Json]) -> list[Json]:
        """Return the events that the log does not have yet."""
        return [event for event in events if not self._is_repeat(event)]

    def _is_repeat(self, event: Json) -> bool:
        key = _key(event)
        if event["kind"] in _TOLD_ANEW or not self._expected[key]:
            return False
        self._expected[key] -= 1
        return True


def _key(event: Json) -> str:
    return json.dumps(event, sort_keys=True)
