"""A whole ProxylessNAS search, stage by stage: prepare, train the supernet, search, train the
found network beside its baselines, deliver.

Every stage can be killed at any moment and goes on from its last checkpoint; what is told
depends on the config alone, but for the seconds left.
"""

from collections.abc import Iterator
from pathlib import Path

from engine.proxyless.algorithms import architecture_learner
from engine.proxyless.deliver import Delivery, deliver
from engine.proxyless.final_training import train_finalists
from engine.proxyless.finalists import Finalist, finalists
from engine.proxyless.hardware_loss import hardware_term
from engine.proxyless.learner import SearchLearner
from engine.proxyless.record import STATE_CHECKPOINT, SUPERNET_CHECKPOINT, RunState, hash_of
from engine.proxyless.rescore import candidates, rescore
from engine.proxyless.scoring import Judge, judge
from engine.proxyless.subject import Subject, prepare
from engine.proxyless.supernet import SuperNet
from engine.proxyless.supernet_phase import SupernetPhase
from engine.proxyless.work import planned_work
from engine.schema.events import Event, LogLine
from engine.schema.places import Places
from engine.schema.search_config import SearchConfig
from engine.training.interrupt import Interrupt
from engine.training.plan import Plan, with_eta
from engine.training.seed import seed_everything, torch_generator
from engine.training.stage_seconds import timed


def search(
    config: SearchConfig, workdir: Path, *, places: Places, interrupt: Interrupt
) -> Iterator[Event]:
    """Run a search to its result, from the working folder's checkpoints if there are any.

    Raises:
        EngineError: something that the person who started the run can mend.
        Stopped: on request, at a safe point.
    """
    yield from with_eta(_Run(config, workdir, places, interrupt).events())


class _Run:
    """What the stages hand on to one another."""

    subject: Subject
    plan: Plan
    supernet: SuperNet
    learner: SearchLearner
    judge: Judge
    phase: SupernetPhase

    def __init__(
        self, config: SearchConfig, workdir: Path, places: Places, interrupt: Interrupt
    ) -> None:
        self.config = config
        self.workdir = workdir
        self.places = places
        self.interrupt = interrupt
        self.checkpoint = workdir / STATE_CHECKPOINT
        self.state = RunState.load(self.checkpoint) or RunState(config_hash=hash_of(config))

    def events(self) -> Iterator[Event]:
        seed_everything(self.config.seed)
        with timed("preparing", self.state.stage_seconds):
            self.subject = prepare(self.config, self.places)
            yield from self._prepare()
        yield from self._train_supernet()
        with timed("searching", self.state.stage_seconds):
            yield from self._rescore()
        rows = self._finalists()
        with timed("finetuning", self.state.stage_seconds):
            yield from self._train(rows)
        yield from deliver(
            Delivery(
                config=self.config,
                workdir=self.workdir,
                subject=self.subject,
                supernet=self.supernet,
                state=self.state,
                rows=rows,
                finals=self._finals_folder,
                ended_early=self.phase.ended_early,
                plan=self.plan,
                interrupt=self.interrupt,
            )
        )

    def _prepare(self) -> Iterator[Event]:
        config, subject = self.config, self.subject
        for note in subject.splits.notes:
            yield LogLine(text=note)
        self.supernet = SuperNet(
            subject.priced.space,
            generator=torch_generator(config.seed, "supernet"),
            shared=config.sharing == "shared",
        ).to(subject.device)
        architecture = architecture_learner(
            self.supernet,
            subject.search,
            config=config,
            priced=subject.priced,
            term=hardware_term(config),
            device=subject.device,
        )
        self.learner = SearchLearner(
            self.supernet, subject.train, architecture, config=config, device=subject.device
        )
        self.judge = judge(
            self.supernet,
            subject.train,
            subject.search,
            images=config.effort.rescore_images,
            device=subject.device,
        )
        self.plan = Plan(planned_work(config, subject))
        self.phase = SupernetPhase(
            self.learner,
            config=config,
            priced=subject.priced,
            judge=self.judge,
            state=self.state,
            checkpoint=self.workdir / SUPERNET_CHECKPOINT,
            save_state=self._save,
            plan=self.plan,
            interrupt=self.interrupt,
        )
        self.phase.load()
        yield self.plan.progress("preparing", 1, 1, "steps")

    def _train_supernet(self) -> Iterator[Event]:
        """Pass the supernet's events on; seconds count for the stage that they are told in."""
        events = self.phase.events()
        while True:
            with timed(
                "training" if self.learner.phase == "warmup" else "searching",
                self.state.stage_seconds,
            ):
                event = next(events, None)
            if event is None:
                return
            yield event

    def _rescore(self) -> Iterator[Event]:
        effort = self.config.effort
        listed = candidates(
            self.subject.priced,
            [row.tolist() for row in self.supernet.probabilities()],
            self.phase.visited,
            count=effort.rescored,
            seed=self.config.seed,
        )
        yield from rescore(
            listed,
            priced=self.subject.priced,
            judge=self.judge,
            state=self.state,
            save_state=self._save,
            joint_batches=effort.epochs * self.learner.batches_an_epoch,
            rescored=effort.rescored,
            plan=self.plan,
            interrupt=self.interrupt,
        )

    def _finalists(self) -> tuple[Finalist, ...]:
        found = self.state.best()
        assert found is not None, "rescoring leaves a best candidate"
        return finalists(
            self.subject.priced,
            found,
            random_networks=self.config.effort.random_networks,
            seed=self.config.seed,
        )

    def _train(self, rows: tuple[Finalist, ...]) -> Iterator[Event]:
        yield from train_finalists(
            rows,
            config=self.config,
            subject=self.subject,
            supernet=self.supernet,
            folder=self._finals_folder,
            state=self.state,
            save_state=self._save,
            plan=self.plan,
            interrupt=self.interrupt,
        )

    @property
    def _finals_folder(self) -> Path:
        return self.workdir / "finals"

    def _save(self) -> None:
        self.state.save(self.checkpoint)
