"""From a finished search to its result: every row measured, and the winner among them."""

from collections.abc import Iterator
from dataclasses import replace

from engine.haq.contenders import Entry
from engine.haq.environment import QuantizationEnvironment
from engine.haq.measurements import Measuring, accuracy_of
from engine.haq.record import ANSWERS, RunState
from engine.haq.subject import Subject
from engine.schema.results import Contender
from engine.training.evaluate import Evaluation


def measured(
    rows: tuple[Entry, ...],
    *,
    measuring: Measuring,
    subject: Subject,
    environment: QuantizationEnvironment,
    state: RunState,
) -> Iterator[Contender]:
    """Measure row after row; roles are given once the winner is known."""
    searches = [record for name, record in state.records.items() if name not in ANSWERS]
    equal = min((record.steps for record in searches if record.steps), default=0)
    for row in rows:
        score = environment.float_score
        if row.policy is not None:
            score = environment.score(row.policy)
        tuned = measuring.tuned(row.policy, "report")
        tuned_search = measuring.tuned(row.policy, "search")
        untuned = measuring.untuned(row.policy, "report")
        contender = Contender(
            id=row.id,
            label=row.label,
            role="strategy" if row.is_strategy else "baseline",
            cost=subject.costs.network_cost(subject.spec, row.policy),
            policy=row.policy,
            search_accuracy=accuracy_of(
                Evaluation(accuracy=score.accuracy, loss=score.loss, images=environment.images),
                "search",
            ),
            search_loss=score.loss,
            tuned_search_accuracy=accuracy_of(tuned_search, "search") if tuned_search else None,
            tuned_search_loss=tuned_search.loss if tuned_search else None,
            report_accuracy=accuracy_of(tuned, "report") if tuned else untuned,
            untuned_report_accuracy=untuned if tuned else None,
            note=row.note,
        )
        yield _with_search(contender, row, state, equal) if row.is_strategy else contender


def crowned(contenders: tuple[Contender, ...]) -> tuple[str, tuple[Contender, ...]]:
    """Return the winner's id and the rows with its role.

    The winner is the strategy's policy of least loss after fine-tuning on the search split: loss
    scatters less by the images than accuracy does. Where nothing was fine-tuned, the one of least
    loss there. The report split has no say.
    """
    strategies = [row for row in contenders if row.role == "strategy"]
    tuned = [row for row in strategies if row.tuned_search_loss is not None]
    winner = min(tuned or strategies, key=_rank)
    return winner.id, tuple(
        replace(row, role="found") if row.id == winner.id else row for row in contenders
    )


def _rank(row: Contender) -> float:
    loss = row.search_loss if row.tuned_search_loss is None else row.tuned_search_loss
    assert loss is not None
    return loss


def _with_search(contender: Contender, row: Entry, state: RunState, equal: int) -> Contender:
    shared_s = state.stage_seconds.get("sensitivity", 0.0)
    record = next((r for name, r in state.records.items() if name == row.id), None)
    if record is None:  # solved without a search
        return replace(contender, search_seconds=shared_s)
    losses = record.best_losses
    note = row.note
    if equal and len(losses) > equal:
        note = f"Loss {losses[equal - 1]:.3f} after {equal} policies, {losses[-1]:.3f} after all."
    return replace(
        contender,
        evaluations=record.steps,
        search_seconds=shared_s + record.seconds,
        equal_cost_loss=losses[min(equal, len(losses)) - 1] if equal else None,
        note=note,
    )
