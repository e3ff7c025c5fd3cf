"""From a finished search to its result: contenders side by side, their front, and what to know."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path

from torch import nn

from engine.haq.environment import QuantizationEnvironment
from engine.haq.finetune import quantized_network, tuned_network
from engine.haq.record import STRATEGIES, RunState
from engine.haq.subject import Subject
from engine.haq.thresholds import Thresholds
from engine.nn.folding import fold_batch_norms
from engine.schema.configs import QuantizeConfig
from engine.schema.policy import MAX_BITS, Policy
from engine.schema.results import Accuracy, Contender, Split
from engine.solver.problem import is_within
from engine.training.evaluate import Evaluation, evaluate
from engine.training.fit import SEARCH_IMAGES

_BATCH = 128
_TITLES = {
    "solver": "Solver",
    "hill_climb": "Hill climbing",
    "random": "Random search",
    "agent": "Agent (DDPG)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A policy to be reported, before anything is measured of it."""

    id: str
    label: str
    policy: Policy | None
    is_strategy: bool
    note: str = ""


def entries(
    config: QuantizeConfig,
    subject: Subject,
    environment: QuantizationEnvironment,
    state: RunState,
) -> tuple[Entry, ...]:
    """Return the result's rows: float, uniform ones, every strategy that tried anything."""
    nearest = nearest_uniform(config, subject)
    rows = [
        Entry(id="float", label="Float", policy=None, is_strategy=False),
        _uniform_entry(config, subject, MAX_BITS),
    ]
    if nearest != MAX_BITS:
        rows.append(_uniform_entry(config, subject, nearest))
    for strategy in STRATEGIES:
        bits = state.record(strategy).best_bits
        if bits is not None:
            policy = environment.policy(bits)
            rows.append(
                Entry(id=strategy, label=_TITLES[strategy], policy=policy, is_strategy=True)
            )
    return tuple(rows)


def nearest_uniform(config: QuantizeConfig, subject: Subject) -> int:
    """Return the widest uniform bits within the budgets; the narrowest there are if none is."""
    inputs = config.weight_bits if config.quantizer == "kmeans" else config.activation_bits
    widths = sorted(set(config.weight_bits) & set(inputs)) or [MAX_BITS]
    within = [
        bits for bits in widths if is_within_budgets(config, subject, _uniform(subject, bits))
    ]
    return within[-1] if within else widths[0]


def is_within_budgets(config: QuantizeConfig, subject: Subject, policy: Policy) -> bool:
    """Price a policy anew and tell whether it meets every budget."""
    cost = subject.costs.network_cost(subject.spec, policy)
    return all(is_within(cost[budget.metric], budget.limit) for budget in config.budgets)


def policies_to_tune(
    config: QuantizeConfig, rows: tuple[Entry, ...], state: RunState
) -> dict[str, Policy]:
    """Return by row what is fine-tuned, each distinct policy once.

    The solver's, the best few other strategies' by loss, and the uniform one of the same budget.
    """
    if config.effort.finetune_epochs == 0 or config.effort.finetune_images == 0:
        return {}
    found = [row for row in rows if row.is_strategy and row.id != "solver"]
    found.sort(key=lambda row: _best_loss(state, row.id))
    others = found[: config.effort.finetune_contenders]
    wanted = [row for row in rows if row.id == "solver" or row in others or _is_rival(rows, row)]
    chosen: dict[str, Policy] = {}
    for row in wanted:
        if row.policy is not None and row.policy not in chosen.values():
            chosen[row.id] = row.policy
    return chosen


class Measuring:
    """Measures each row on the report split, whatever is the same once."""

    def __init__(
        self,
        config: QuantizeConfig,
        subject: Subject,
        *,
        environment: QuantizationEnvironment,
        thresholds: Thresholds,
        tuned: Mapping[str, Policy],
        folder: Path,
    ) -> None:
        self._config = config
        self._subject = subject
        self._environment = environment
        self._thresholds = thresholds
        self._tuned = tuned
        self._folder = folder
        self._known: dict[tuple[str, str, Split], Accuracy] = {}

    def untuned(self, policy: Policy | None, split: Split) -> Accuracy:
        """Return the accuracy of a policy without fine-tuning; None: of the float network."""
        return self._accuracy(
            "untuned", policy, split, lambda: self._environment.network_at(policy)
        )

    def tuned(self, policy: Policy | None, split: Split) -> Accuracy | None:
        """Return the accuracy of a policy after fine-tuning; None: it was not fine-tuned."""
        if policy is None or policy not in self._tuned.values():
            return None
        return self._accuracy("tuned", policy, split, lambda: _folded(self.delivered(policy)))

    def delivered(self, policy: Policy) -> nn.Module:
        """Return the network at a policy as it would be handed out."""
        if policy in self._tuned.values():
            return tuned_network(
                self._subject, policy, thresholds=self._thresholds, folder=self._folder
            )
        return quantized_network(self._subject, policy, self._thresholds)

    def _accuracy(
        self, state: str, policy: Policy | None, split: Split, build: Callable[[], nn.Module]
    ) -> Accuracy:
        key = (state, repr(policy), split)
        if key not in self._known:
            images = (
                self._subject.splits.report if split == "report" else self._subject.splits.search
            )
            reported = self._config.effort.report_images
            limit = reported if split == "report" else SEARCH_IMAGES
            batches = images.batches(_BATCH, limit=limit)
            self._known[key] = accuracy_of(evaluate(build(), batches, self._subject.device), split)
        return self._known[key]


def _folded(network: nn.Module) -> nn.Module:
    """Return the network with its batch norms folded: the same values, a quarter sooner."""
    fold_batch_norms(network)
    return network


def measured(
    rows: tuple[Entry, ...],
    *,
    measuring: Measuring,
    subject: Subject,
    environment: QuantizationEnvironment,
    state: RunState,
) -> Iterator[Contender]:
    """Measure row after row; roles are given once the winner is known."""
    equal = min((r.steps for n, r in state.records.items() if n != "solver" and r.steps), default=0)
    for row in rows:
        score = environment.float_score
        if row.policy is not None:
            score = environment.score(row.policy)
        tuned = measuring.tuned(row.policy, "report")
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
            tuned_search_accuracy=measuring.tuned(row.policy, "search"),
            report_accuracy=tuned or untuned,
            untuned_report_accuracy=untuned if tuned else None,
            note=row.note,
        )
        yield _with_search(contender, row, state, equal) if row.is_strategy else contender


def crowned(contenders: tuple[Contender, ...]) -> tuple[str, tuple[Contender, ...]]:
    """Return the winner's id and the rows with its role.

    The winner is the strategy's policy with the best accuracy after fine-tuning on the search
    split; where nothing was fine-tuned, the one of least loss there. The report split has no say.
    """
    strategies = [row for row in contenders if row.role == "strategy"]
    tuned = [row for row in strategies if row.tuned_search_accuracy is not None]
    winner = min(tuned or strategies, key=_rank)
    return winner.id, tuple(
        replace(row, role="found") if row.id == winner.id else row for row in contenders
    )


def accuracy_of(evaluation: Evaluation, split: Split) -> Accuracy:
    """Return a measured accuracy with its standard error, that of a share of n images."""
    share, images = evaluation.accuracy, evaluation.images
    return Accuracy(
        value=share,
        standard_error=sqrt(share * (1 - share) / images),
        images=images,
        split=split,
    )


def _rank(row: Contender) -> tuple[float, float]:
    accuracy = row.tuned_search_accuracy.value if row.tuned_search_accuracy else 0.0
    assert row.search_loss is not None
    return -accuracy, row.search_loss


def _with_search(contender: Contender, row: Entry, state: RunState, equal: int) -> Contender:
    record = next(r for name, r in state.records.items() if name == row.id)
    shared_s = state.stage_seconds.get("sensitivity", 0.0)
    losses = record.best_losses
    note = row.note
    if row.id != "solver" and equal and len(losses) > equal:
        note = f"Loss {losses[equal - 1]:.3f} after {equal} policies, {losses[-1]:.3f} after all."
    return replace(
        contender,
        evaluations=record.steps,
        search_seconds=shared_s + record.seconds,
        equal_cost_loss=losses[min(equal, len(losses)) - 1] if equal else None,
        note=note,
    )


def _best_loss(state: RunState, strategy: str) -> float:
    score = next(r.best_score for name, r in state.records.items() if name == strategy)
    assert score is not None
    return score.loss


def _is_rival(rows: tuple[Entry, ...], row: Entry) -> bool:
    """Tell whether a row is the uniform policy of the same budget."""
    uniform = [one for one in rows if one.id.startswith("uniform-")]
    return bool(uniform) and row is uniform[-1]


def _uniform_entry(config: QuantizeConfig, subject: Subject, bits: int) -> Entry:
    policy = _uniform(subject, bits)
    is_met = bits == MAX_BITS or is_within_budgets(config, subject, policy)
    note = "" if is_met else "Above the budget; no uniform policy meets it."
    return Entry(
        id=f"uniform-{bits}",
        label=f"Uniform {bits} bit",
        policy=policy,
        is_strategy=False,
        note=note,
    )


def _uniform(subject: Subject, bits: int) -> Policy:
    return subject.uniform(bits)
