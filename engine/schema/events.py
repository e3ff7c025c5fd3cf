"""What a run tells while it runs. Each event is one JSON line with its `kind` first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.schema.cost import Metric
from engine.schema.cost_table import KernelPrecision
from engine.schema.policy import Policy
from engine.schema.results import Result, Strategy

Stage = Literal[
    "preparing", "training", "sensitivity", "searching", "profiling", "finetuning", "exporting"
]
Level = Literal["info", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The first event of a run that starts from nothing."""

    kind: Literal["run_started"] = "run_started"
    config_hash: str
    device: str
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed:
    """The first event of a run that goes on from its checkpoint."""

    kind: Literal["run_resumed"] = "run_resumed"
    stage: Stage
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the run is: in its stage by counted steps, and in all as a share."""

    kind: Literal["progress"] = "progress"
    stage: Stage
    done: int
    total: int
    unit: str  # "image batches", "layers", "episodes": what `done` counts
    fraction: float  # of the whole run, 0-1
    eta_s: float | None = None  # None until it is stable


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochFinished:
    """One pass over training images; `subject` is "float" or the contender that is tuned."""

    kind: Literal["epoch_finished"] = "epoch_finished"
    stage: Stage
    subject: str
    epoch: int  # from 1
    epochs: int
    train_loss: float
    train_accuracy: float
    search_accuracy: float
    learning_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityMeasured:
    """The loss one layer adds by width when it alone is quantised, in nats."""

    kind: Literal["sensitivity_measured"] = "sensitivity_measured"
    layer: str
    index: int
    weight_losses: Mapping[str, float]
    activation_losses: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeFinished:
    """One policy scored by one strategy."""

    kind: Literal["episode_finished"] = "episode_finished"
    strategy: Strategy
    episode: int  # from 1, per strategy
    reward: float  # 0.1 x (accuracy - float accuracy) in percent
    accuracy: float
    loss: float
    cost_ratio: float  # first budget's metric over the cost at 8/8
    costs: Mapping[Metric, float]
    best_reward: float  # of this strategy so far
    bits: tuple[tuple[int, int], ...]  # (weight, activation) by layer, as evaluated
    proposed_bits: tuple[tuple[int, int], ...] | None = None  # before enforcement, if it differs
    cache_hit: bool = False
    sigma: float | None = None  # the agent's exploration noise
    value_loss: float | None = None
    policy_loss: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateFound:
    """A policy better than all before it, whichever strategy found it."""

    kind: Literal["candidate_found"] = "candidate_found"
    strategy: Strategy
    episode: int
    accuracy: float
    reward: float
    costs: Mapping[Metric, float]
    policy: Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class GatesUpdated:
    """Where a ProxylessNAS search stands: what each block would choose, and what that costs."""

    kind: Literal["gates_updated"] = "gates_updated"
    step: int  # architecture steps so far
    steps: int
    epoch: int  # of the joint phase, from 1
    probabilities: tuple[tuple[float, ...], ...]  # by decision, in the order of its operations
    entropy: float  # nats, mean over decisions
    expected_cost: float  # of the first budget's metric
    argmax: tuple[int, ...]  # the likeliest operation of each block of the space
    argmax_cost: float
    limit: float  # the first budget's
    search_loss: float  # cross-entropy in nats, mean since the last such event
    search_accuracy: float
    reward: float | None = None  # REINFORCE: mean since the last such event
    multiplier: float | None = None  # of the dual: what the budget's breach weighs


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchitectureScored:
    """One architecture scored on search images with batch statistics of its own."""

    kind: Literal["architecture_scored"] = "architecture_scored"
    index: int  # from 1
    total: int
    origin: str  # "argmax", "sample", "projection", "refill"
    choices: tuple[int, ...]
    accuracy: float
    loss: float
    costs: Mapping[Metric, float]
    is_best: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockMeasured:
    """One block or layer timed on the host, at one precision."""

    kind: Literal["block_measured"] = "block_measured"
    index: int  # from 1
    total: int
    label: str  # its shape in words
    precision: KernelPrecision
    macs: int  # for one image
    median_ms: float
    p10_ms: float
    p90_ms: float
    samples: int
    attempts: int  # 2 or more: samples scattered too much at first
    is_steady: bool  # did the last attempt's scatter keep to the protocol?
    spread: float = 0.0  # (p75 - p25) / median of the samples that count
    rejected: int = 0  # samples that were disturbed, or of an attempt that scattered more


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkMeasured:
    """One drawn network run end to end, beside the sum of its rows."""

    kind: Literal["network_measured"] = "network_measured"
    index: int  # from 1
    total: int
    label: str
    precision: KernelPrecision
    sum_ms: float
    measured_ms: float
    spread: float = 0.0  # as of a block
    rejected: int = 0  # as of a block


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceMeasured:
    """The operation that tells how fast the machine is at the moment, timed once more."""

    kind: Literal["reference_measured"] = "reference_measured"
    index: int  # from 1
    after: int  # measurements of blocks and networks before it
    median_ms: float
    drift: float  # of its usual time, the median so far; 0.05: 5 % slower


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSaved:
    """From here a killed run goes on."""

    kind: Literal["checkpoint_saved"] = "checkpoint_saved"
    stage: Stage
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """A sentence for the log tail."""

    kind: Literal["log_line"] = "log_line"
    text: str
    level: Level = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The last event."""

    kind: Literal["run_finished"] = "run_finished"
    result: Result


Event = (
    RunStarted
    | RunResumed
    | Progress
    | EpochFinished
    | SensitivityMeasured
    | EpisodeFinished
    | CandidateFound
    | GatesUpdated
    | ArchitectureScored
    | BlockMeasured
    | NetworkMeasured
    | ReferenceMeasured
    | CheckpointSaved
    | LogLine
    | RunFinished
)
