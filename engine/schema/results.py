"""What a run delivers: contenders side by side, the front they stand on, and files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.schema.architecture import SearchSpace
from engine.schema.cost import Budget, Cost, Metric, Provenance
from engine.schema.cost_table import CostTable
from engine.schema.layers import ModelSpec
from engine.schema.policy import Policy

Strategy = Literal["solver", "greedy", "hill_climb", "random", "agent"]
ArchitectureOrigin = Literal["search", "random", "mobilenet_v2"]
Role = Literal["found", "strategy", "baseline"]
Split = Literal["train", "search", "report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """A measured share of images classified right, and how sure one may be of it."""

    value: float  # 0-1
    standard_error: float  # sqrt(p (1 - p) / images)
    images: int
    split: Split
    provenance: Provenance = "measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One row of a result: what was found, what another strategy found, or a baseline."""

    id: str  # "float", "uniform-8", "solver", "greedy", "hill_climb", "random", "agent"
    label: str
    role: Role
    cost: Cost
    policy: Policy | None = None  # None: float
    search_accuracy: Accuracy | None = None  # before fine-tuning, on the search split
    search_loss: float | None = None  # cross-entropy in nats, the same images
    tuned_search_accuracy: Accuracy | None = None  # after fine-tuning
    tuned_search_loss: float | None = None  # in nats, the same images; picks the winner
    report_accuracy: Accuracy | None = None  # as delivered, on images no step has seen
    untuned_report_accuracy: Accuracy | None = None  # before fine-tuning, the same images
    evaluations: int = 0  # policies scored to find it
    equal_cost_loss: float | None = None  # best after as many as the shortest search scored
    search_seconds: float = 0.0  # wall time of its search, the passes it builds on included
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One point in the plane of cost and quality."""

    origin: str  # "front" for the solver's prediction, else the strategy that evaluated it
    costs: Mapping[Metric, float]
    accuracy: float | None = None  # search split, before fine-tuning
    loss: float | None = None  # nats; predicted for "front", measured elsewhere
    policy: Policy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoFront:
    """Points that no other point beats, by ascending cost."""

    metric: Metric
    points: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSensitivity:
    """What one layer costs when it alone is quantised, by width, in the unit of the run's measure.

    Nats, but for the measure `distance`: the squared distance of the logits from the float
    network's over the squared size of those, which has no unit.
    """

    layer: str
    weight_losses: Mapping[str, float]  # keys are widths: JSON has no integer keys
    activation_losses: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean over images, and the bounds that hold the true mean in 95 of 100 draws of images."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """One policy's outcome less another's, image by image: what both find hard cancels out."""

    split: Split
    images: int
    is_tuned: bool  # both after fine-tuning by one recipe, or both before
    loss: Interval  # nats; below zero: the first one loses less
    accuracy: Interval  # 0-1; above zero: the first one is right more often


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two strategies found, held against each other, and what each of the searches took.

    The policies were picked by the search images, which flatters the search that tried more of
    them; the report images settle the question.
    """

    first: str  # id of a contender: "agent"
    second: str  # "solver"
    same_policy: bool  # both found the same one: there is no difference
    # By search images, report images, and report images after fine-tuning where both were
    # fine-tuned; none between a policy and itself.
    differences: tuple[PairedDifference, ...]
    first_evaluations: int  # policies scored
    second_evaluations: int
    first_seconds: float  # wall time of its own steps, without the passes that both build on
    second_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file that a run delivers, by its path below the run's working folder."""

    name: str
    path: str
    role: Literal["checkpoint", "policy", "architecture", "config", "table", "log", "report"]
    title: str
    media_type: str
    size: int  # bytes
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizeResult:
    """The outcome of a HAQ search; the answer comes first."""

    kind: Literal["quantize"] = "quantize"
    found: str  # id of the winning contender, by tuned loss on the search split
    contenders: tuple[Contender, ...]
    model: ModelSpec
    dataset: str
    target: str
    budgets: tuple[Budget, ...]
    front: ParetoFront
    candidates: tuple[Candidate, ...]  # every distinct policy that was scored
    sensitivity: tuple[LayerSensitivity, ...]
    artifacts: tuple[Artifact, ...]
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # what the reader must know to read the numbers right
    is_labelled: bool = True  # False: accuracy is how often the float network's answer is kept
    comparisons: tuple[Comparison, ...] = ()  # the agent against every other strategy

    def contender(self, contender_id: str) -> Contender:
        """The row with that id."""
        return next(row for row in self.contenders if row.id == contender_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedNetwork:
    """One row of a search's result: a network trained by the common recipe."""

    id: str  # "found", "mobilenet_v2", "random-1"
    label: str
    role: Role
    origin: ArchitectureOrigin
    cost: Cost
    parameters: int
    choices: tuple[int, ...] | None = None  # None: not of the space
    width: float | None = None  # multiplier of a MobileNetV2
    supernet_accuracy: Accuracy | None = None  # search split, inherited weights
    search_accuracy: Accuracy | None = None  # as trained
    report_accuracy: Accuracy | None = None  # as trained, on images no step has seen
    epochs: int = 0
    training_seconds: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredArchitecture:
    """One point in the plane of cost and quality, with the supernet's weights."""

    origin: str
    choices: tuple[int, ...]
    costs: Mapping[Metric, float]
    accuracy: float  # search split
    loss: float  # nats


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """The outcome of a ProxylessNAS search; the answer comes first."""

    kind: Literal["search"] = "search"
    found: str  # id of the delivered network among `contenders`
    contenders: tuple[TrainedNetwork, ...]
    space: SearchSpace  # as searched: adapted to the data and the width
    model: ModelSpec  # the found network's layers
    dataset: str
    target: str
    budgets: tuple[Budget, ...]
    probabilities: tuple[tuple[float, ...], ...]  # at the end, by decision
    candidates: tuple[ScoredArchitecture, ...]  # scored with the supernet's weights
    artifacts: tuple[Artifact, ...]
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def contender(self, contender_id: str) -> TrainedNetwork:
        """The row with that id."""
        return next(row for row in self.contenders if row.id == contender_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileResult:
    """The outcome of a profile run: a table that is a target of its own."""

    kind: Literal["profile"] = "profile"
    target: str  # the table's id
    table: CostTable
    artifacts: tuple[Artifact, ...]
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


# Every kind of result. A new algorithm adds its own here.
Result = QuantizeResult | SearchResult | ProfileResult
