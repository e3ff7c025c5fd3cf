"""One attempt at one job: the engine is run, its events are logged, its end is written down."""

import logging
import secrets
import signal
import threading
import time
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection

from engine.schema.codec import Json, config_from_json, result_from_json
from engine.schema.errors import EngineError
from webapp.jobs import services
from webapp.jobs.models import Job
from workers import workdir as workdirs
from workers.artifacts import store_artifacts
from workers.engine_process import STOPPED, USER_ERROR, EngineProcess
from workers.heartbeat import Heartbeat
from workers.journal import RESULT, Journal, unread_journals
from workers.repeats import Repeats

_LOOK_EVERY_S = 0.01  # a line is that late at most, and the look costs microseconds

logger = logging.getLogger(__name__)


def run_attempt(job: Job, *, closing: threading.Event) -> None:
    """Run a claimed job to the end of this attempt; `closing` ends it at the next checkpoint.

    The outermost edge: whatever goes wrong is written down as the job's end.
    """
    try:
        with Heartbeat(job) as heartbeat:
            _Attempt(job, heartbeat, closing).run()
    except services.LeaseLost:
        logger.warning("Attempt %d of job %s is over: the lease was lost", job.attempt, job.pk)
    except EngineError as error:
        _fail(job, Job.ErrorClass.USER, str(error))
    except DatabaseError:
        # Nothing can be written now. The lease runs out, and the job is taken up again.
        logger.exception("Attempt %d of job %s lost its database", job.attempt, job.pk)
        connection.close()
    except Exception:
        _fail_as_bug(job, "the worker", exc_info=True)


class _Attempt:
    """What is known while the engine runs."""

    def __init__(self, job: Job, heartbeat: Heartbeat, closing: threading.Event) -> None:
        self._job = job
        self._heartbeat = heartbeat
        self._closing = closing
        self._workdir = workdirs.workdir_of(job.pk)
        self._result: Json | None = None
        self._asked_to_finish = False
        self._kill_at: float | None = None  # set once the engine was asked to stop

    def run(self) -> None:
        """Run the engine and write down how it ended; the engine is closed by then."""
        config = config_from_json(self._job.config)
        with workdirs.locked(self._workdir) as lock:
            path = workdirs.write_config(self._workdir, config, self._job.team)
            tables = workdirs.lay_tables(self._workdir, config, self._job.team)
            for earlier in unread_journals(self._job, self._workdir):
                self._log(earlier, Repeats(self._job))
            with (
                Journal(self._workdir, attempt=self._job.attempt) as journal,
                EngineProcess(
                    self._arguments(path, tables),
                    stdout=journal.path,
                    stderr=self._workdir / "stderr.txt",
                    threads=config.threads,
                    lock=lock,
                ) as engine,
            ):
                workdirs.hand_over(lock, engine.pid)
                self._follow(engine, journal)
                status = engine.exit_status()
        self._end(status, engine)

    def _arguments(self, config: Path, tables: Path) -> list[str]:
        return [
            *("run", str(config), "--workdir", str(self._workdir)),
            *("--data-root", str(settings.DATA_ROOT)),
            *("--weights-store", str(settings.WEIGHTS_STORE)),
            *("--tables", str(tables)),
        ]

    def _follow(self, engine: EngineProcess, journal: Journal) -> None:
        """Log what the engine says and steer it, to its end."""
        repeats = Repeats(self._job)
        ended = False
        while not ended:
            ended = engine.has_ended  # asked before the last reading, so that nothing is missed
            for event in self._log(journal, repeats):
                # Kept back: it is written with the last status, once the engine is closed.
                self._result = event["result"]
            self._steer(engine, is_ready=journal.read_bytes > 0)
            if not ended:
                time.sleep(_LOOK_EVERY_S)

    def _log(self, journal: Journal, repeats: Repeats) -> list[Json]:
        """Append what is new in a journal, all in one transaction; return what is kept back."""
        events = journal.read()
        if not events:
            return []
        services.append_events(
            self._job.pk,
            self._job.attempt,
            repeats.left_out_of(event for event in events if event["kind"] != RESULT),
            read_up_to=(journal.attempt, journal.read_bytes),
        )
        return [event for event in events if event["kind"] == RESULT]

    def _steer(self, engine: EngineProcess, *, is_ready: bool) -> None:
        if self._heartbeat.lost:
            engine.kill()
            raise services.LeaseLost(f"attempt {self._job.attempt} of job {self._job.pk} is over")
        requested = self._heartbeat.requested
        if self._kill_at is None and requested in (Job.Request.CANCEL, Job.Request.PAUSE):
            self._stop(engine, within_s=settings.STOP_SECONDS)
        if self._kill_at is None and self._closing.is_set():
            self._stop(engine, within_s=settings.CLOSE_SECONDS)
        if self._kill_at is not None and time.monotonic() > self._kill_at:
            engine.kill()
        # Before its first line the engine does not know the signal yet.
        if requested == Job.Request.FINISH and is_ready and not self._asked_to_finish:
            engine.ask_to_finish()
            self._asked_to_finish = True

    def _stop(self, engine: EngineProcess, *, within_s: float) -> None:
        engine.ask_to_stop()
        self._kill_at = time.monotonic() + within_s

    def _end(self, status: int, engine: EngineProcess) -> None:
        job = self._job
        if status == 0 and self._result is not None:
            self._deliver(self._result)
        elif self._kill_at is not None or status == STOPPED:
            services.stop_job(job.pk, job.attempt)
        elif status == USER_ERROR:
            _fail(job, Job.ErrorClass.USER, engine.last_words())
        elif status < 0:
            services.lose_attempt(job.pk, job.attempt, _death(-status))
        else:
            _fail_as_bug(job, f"the engine (exit status {status})", trace=engine.stderr_tail())

    def _deliver(self, result_json: Json) -> None:
        job = self._job
        files = store_artifacts(job.pk, result_from_json(result_json), self._workdir)
        services.finish_job(job.pk, job.attempt, result_json, files)
        workdirs.remove(job.pk)


def _death(number: int) -> str:
    name = signal.Signals(number).name
    cause = ", perhaps for want of memory" if number == signal.SIGKILL else ""
    return f"The engine was killed by {name}{cause}"


def _fail(job: Job, error_class: Job.ErrorClass, text: str) -> None:
    try:
        services.fail_job(job.pk, job.attempt, error_class, text)
    except services.LeaseLost:
        logger.warning("Job %s failed after its lease was lost: %s", job.pk, text)


def _fail_as_bug(job: Job, whose: str, *, trace: str = "", exc_info: bool = False) -> None:
    """The person sees a reference number; what happened is in the worker's log."""
    reference = secrets.token_hex(4)
    logger.error(
        "Reference %s: %s failed at job %s\n%s", reference, whose, job.pk, trace, exc_info=exc_info
    )
    text = (
        f"Something went wrong that is not your doing. Reference {reference}: "
        "whoever runs Bespoke finds the details in the worker's log."
    )
    _fail(job, Job.ErrorClass.BUG, text)
