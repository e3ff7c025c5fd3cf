"""A whole HAQ run, stage by stage: prepare, train if need be, measure, search, fine-tune, deliver.

Every stage can be killed at any moment and goes on from its last checkpoint; what is told
depends on the config alone, but for the seconds left.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from torch import nn

from engine.haq.contenders import entries, policies_to_tune
from engine.haq.deliver import Delivery, deliver
from engine.haq.finetune import finetune
from engine.haq.ground import Ground, search_ground
from engine.haq.measuring import SensitivityStage, grids_of
from engine.haq.own_answers import labelled_by_itself
from engine.haq.record import RunState, hash_of
from engine.haq.search import Search
from engine.haq.subject import Subject, fill_weights, prepare, weights_request
from engine.haq.thresholds import Thresholds
from engine.haq.work import planned_work
from engine.nn.folding import fold_batch_norms
from engine.nn.obstacles import float_note, float_parts
from engine.nn.quantized import QuantizedLayer
from engine.schema.errors import readable_limit
from engine.schema.events import Event, LogLine
from engine.schema.places import Places
from engine.schema.policy import Policy
from engine.schema.quantize_config import QuantizeConfig
from engine.training.float_weights import FloatWeights, are_at_hand
from engine.training.interrupt import Interrupt
from engine.training.plan import Plan, with_eta
from engine.training.seed import seed_everything
from engine.training.stage_seconds import timed


def quantize(
    config: QuantizeConfig, workdir: Path, *, places: Places, interrupt: Interrupt
) -> Iterator[Event]:
    """Run a HAQ search to its result, from the working folder's checkpoints if there are any.

    Raises:
        EngineError: something that the person who started the run can mend.
        Stopped: on request, at a safe point.
    """
    yield from with_eta(_Run(config, workdir, places, interrupt).events())


class _Run:
    """What the stages hand on to one another."""

    subject: Subject
    plan: Plan
    weights: FloatWeights
    thresholds: Thresholds
    network: nn.Module  # evaluates only, its batch norms folded, its layers ready for bits
    layers: dict[str, QuantizedLayer]

    def __init__(
        self, config: QuantizeConfig, workdir: Path, places: Places, interrupt: Interrupt
    ) -> None:
        self.config = config
        self.workdir = workdir
        self.places = places
        self.interrupt = interrupt
        self.checkpoint = workdir / "search.checkpoint"
        self.state = RunState.load(self.checkpoint) or RunState(config_hash=hash_of(config))

    def events(self) -> Iterator[Event]:
        seed_everything(self.config.seed)
        with timed("preparing", self.state.stage_seconds):
            self.subject = prepare(self.config, self.places)
            yield from self._say_what_is_at_hand()
        with timed("training", self.state.stage_seconds):
            yield from self._fill_weights()
        with timed("preparing", self.state.stage_seconds):
            self._calibrate()
        with timed("sensitivity", self.state.stage_seconds):
            yield from self._measure_sensitivity()
        with timed("searching", self.state.stage_seconds):
            ground = search_ground(
                self.config,
                self.subject,
                self.network,
                self.layers,
                grids=self.thresholds,
                sensitivities=self.state.sensitivities,
            )
            yield from self._say_what_limit_was_found(ground)
            yield from self._search(ground)
        with timed("finetuning", self.state.stage_seconds):
            rows = entries(
                ground.config,
                self.subject,
                ground.environment,
                self.state,
                to_tune=ground.solved_to_tune(),
            )
            tuned = policies_to_tune(ground.config, rows, self.state)
            yield from self._finetune(tuned)
        yield from deliver(
            Delivery(
                config=ground.config,
                asked=self.config,
                workdir=self.workdir,
                subject=self.subject,
                weights=self.weights,
                thresholds=self.thresholds,
                space=ground.space,
                environment=ground.environment,
                state=self.state,
                rows=rows,
                tuned=tuned,
                tuned_folder=self._tuned_folder,
                plan=self.plan,
                interrupt=self.interrupt,
            )
        )

    def _say_what_is_at_hand(self) -> Iterator[Event]:
        for note in self.subject.splits.notes:
            yield LogLine(text=note)
        stays_float = float_note(float_parts(self.subject.network))
        if stays_float:
            yield LogLine(text=stays_float)
        request = weights_request(self.config, self.subject)
        trains = not are_at_hand(request, self.subject.splits, self.places)
        self.plan = Plan(planned_work(self.config, self.subject, trains=trains))
        yield self.plan.progress("preparing", 1, 2, "steps")

    def _fill_weights(self) -> Iterator[Event]:
        self.weights = yield from fill_weights(
            self.subject,
            self.config,
            workdir=self.workdir,
            places=self.places,
            plan=self.plan,
            interrupt=self.interrupt,
        )
        self.subject = labelled_by_itself(self.subject)

    def _calibrate(self) -> None:
        """Compute what the operands are rounded to at every width."""
        self.network, self.layers = self.subject.quantisable()
        fold_batch_norms(self.network)
        self.thresholds = grids_of(self.config, self.subject, self.network, self.layers)

    def _measure_sensitivity(self) -> Iterator[Event]:
        stage = SensitivityStage(
            config=self.config,
            subject=self.subject,
            network=self.network,
            layers=self.layers,
            grids=self.thresholds,
            state=self.state,
            checkpoint=self.checkpoint,
            places=self.places,
            plan=self.plan,
            interrupt=self.interrupt,
        )
        yield from stage.events()

    def _say_what_limit_was_found(self, ground: Ground) -> Iterator[Event]:
        if self.config.accuracy_drop is None:
            return
        limit = ground.config.budgets[0]
        yield LogLine(
            text=f"The least {limit.metric} at which the solver's policy loses no more than "
            f"{self.config.accuracy_drop:g} of the accuracy is "
            f"{readable_limit(limit.limit, upwards=True)}; that is the search's budget."
        )

    def _search(self, ground: Ground) -> Iterator[Event]:
        started = time.monotonic()
        solved = ground.solved()
        if not self.state.record("solver").steps:
            self.state.record("solver").seconds = time.monotonic() - started
        search = Search(
            ground.config,
            self.subject,
            space=ground.space,
            environment=ground.environment,
            solved=solved,
            state=self.state,
            checkpoint=self.checkpoint,
            plan=self.plan,
            interrupt=self.interrupt,
        )
        yield from search.run()

    def _finetune(self, tuned: dict[str, Policy | None]) -> Iterator[Event]:
        for index, (name, policy) in enumerate(tuned.items()):
            part = (index / len(tuned), (index + 1) / len(tuned))
            yield from finetune(
                self.subject,
                policy,
                name=name,
                thresholds=self.thresholds,
                effort=self.config.effort,
                seed=self.config.seed,
                folder=self._tuned_folder,
                interrupt=self.interrupt,
                span=self.plan.span("finetuning", part),
            )

    @property
    def _tuned_folder(self) -> Path:
        return self.workdir / "tuned"
