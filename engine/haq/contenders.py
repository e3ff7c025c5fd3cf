"""Who stands in a result: the float network, uniform ones, and what every strategy found."""

from dataclasses import dataclass

from engine.haq.environment import QuantizationEnvironment
from engine.haq.record import STRATEGIES, RunState
from engine.haq.subject import Subject
from engine.schema.policy import MAX_BITS, Policy
from engine.schema.quantize_config import QuantizeConfig, QuantizeEffort
from engine.solver.problem import is_within

FLOAT = "float"
TO_TUNE = "solver_to_tune"
_TITLES = {
    "solver": "Solver",
    "greedy": "Greedy",
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
    *,
    to_tune: Policy,
) -> tuple[Entry, ...]:
    """Return the result's rows: float, uniform ones, every strategy that tried anything.

    Where something is fine-tuned, `to_tune` has a row too: the solver's policy under the losses
    that fine-tuning is expected to leave.
    """
    nearest = nearest_uniform(config, subject)
    rows = [
        Entry(id=FLOAT, label="Float", policy=None, is_strategy=False),
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
    if fine_tunes(config.effort) and to_tune not in [row.policy for row in rows]:
        rows.append(
            Entry(id=TO_TUNE, label="Solver, for fine-tuning", policy=to_tune, is_strategy=True)
        )
    return tuple(rows)


def nearest_uniform(config: QuantizeConfig, subject: Subject) -> int:
    """Return the widest uniform bits within the budgets; the narrowest there are if none is."""
    inputs = config.weight_bits if config.quantizer == "kmeans" else config.activation_bits
    widths = sorted(set(config.weight_bits) & set(inputs)) or [MAX_BITS]
    within = [bits for bits in widths if is_within_budgets(config, subject, subject.uniform(bits))]
    return within[-1] if within else widths[0]


def is_within_budgets(config: QuantizeConfig, subject: Subject, policy: Policy) -> bool:
    """Price a policy anew and tell whether it meets every budget."""
    cost = subject.costs.network_cost(subject.spec, policy)
    return all(is_within(cost[budget.metric], budget.limit) for budget in config.budgets)


def fine_tunes(effort: QuantizeEffort) -> bool:
    """Tell whether anything is fine-tuned."""
    return effort.finetune_epochs > 0 and effort.finetune_images > 0


def policies_to_tune(
    config: QuantizeConfig, rows: tuple[Entry, ...], state: RunState
) -> dict[str, Policy | None]:
    """Return by row what is fine-tuned, each distinct policy once; None: the float network.

    The solver's two, the best few other strategies' by loss, and the uniform one of the same
    budget; where asked, float and fixed 8 bit beside them.
    """
    if not fine_tunes(config.effort):
        return {}
    solved = [row for row in rows if row.id in ("solver", TO_TUNE)]
    others = [row for row in rows if row.is_strategy and row not in solved]
    others.sort(key=lambda row: _best_loss(state, row.id))
    references = (FLOAT, f"uniform-{MAX_BITS}") if config.effort.finetune_references else ()
    wanted = [*solved, *others[: config.effort.finetune_contenders]]
    chosen: dict[str, Policy | None] = {}
    for row in rows:
        is_wanted = row in wanted or row.id in references or _is_rival(rows, row)
        if is_wanted and row.policy not in chosen.values():
            chosen[row.id] = row.policy
    return chosen


def _best_loss(state: RunState, strategy: str) -> float:
    score = next(r.best_score for name, r in state.records.items() if name == strategy)
    assert score is not None
    return score.loss


def _is_rival(rows: tuple[Entry, ...], row: Entry) -> bool:
    """Tell whether a row is the uniform policy of the same budget."""
    uniform = [one for one in rows if one.id.startswith("uniform-")]
    return bool(uniform) and row is uniform[-1]


def _uniform_entry(config: QuantizeConfig, subject: Subject, bits: int) -> Entry:
    policy = subject.uniform(bits)
    is_met = bits == MAX_BITS or is_within_budgets(config, subject, policy)
    note = "" if is_met else "Above the budget; no uniform policy meets it."
    return Entry(
        id=f"uniform-{bits}",
        label=f"Uniform {bits} bit",
        policy=policy,
        is_strategy=False,
        note=note,
    )
