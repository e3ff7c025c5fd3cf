"""The end of a run: everything is measured, the winner is written out, the result is told."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from engine.catalog.architecture_file import architecture_to_json, net_config
from engine.catalog.datasets import dataset_entry
from engine.data.held import held
from engine.data.image_set import ImageSet
from engine.export.files import FOLDER, Role, artifact, write_json
from engine.export.network import save_network
from engine.nn.describe import describe
from engine.proxyless.final_training import (
    FinalFiles,
    trained_network,
    trained_search_accuracy,
)
from engine.proxyless.finalists import Finalist
from engine.proxyless.notes import notes
from engine.proxyless.priced_space import plain_values
from engine.proxyless.projection import Probabilities
from engine.proxyless.record import RunState
from engine.proxyless.report import report_text
from engine.proxyless.subject import Subject
from engine.proxyless.supernet import SuperNet
from engine.schema.events import Event, RunFinished
from engine.schema.results import (
    Accuracy,
    Artifact,
    ScoredArchitecture,
    SearchResult,
    Split,
    TrainedNetwork,
)
from engine.schema.search_config import SearchConfig
from engine.solver.problem import is_within
from engine.training.evaluate import evaluate
from engine.training.fit import SEARCH_IMAGES
from engine.training.interrupt import Interrupt, Stopped
from engine.training.plan import Plan

_BATCH = 128


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Delivery:
    """All that the end of a run needs of its stages."""

    config: SearchConfig
    workdir: Path
    subject: Subject
    supernet: SuperNet
    state: RunState
    rows: tuple[Finalist, ...]
    finals: Path  # folder of the trained networks
    ended_early: str  # why the search did, "" if it did not
    plan: Plan
    interrupt: Interrupt

    @property
    def probabilities(self) -> Probabilities:
        """At the end of the search, by decision."""
        return [row.tolist() for row in self.supernet.probabilities()]

    def files(self, row: Finalist) -> FinalFiles:
        """Where a network's training is kept."""
        return FinalFiles(folder=self.finals, id=row.id)

    def network(self, row: Finalist) -> nn.Module:
        """Return a network as it was trained."""
        return trained_network(row, supernet=self.supernet, files=self.files(row))


def deliver(run: Delivery) -> Iterator[Event]:
    """Measure the networks, write the files and tell the result.

    Raises:
        Stopped: on request, between two networks; nothing is lost but these measurements.
    """
    started = time.monotonic()
    rows = [row for row in run.rows if run.files(row).trained.exists()]
    report = held(
        run.subject.splits.report, run.subject.device, limit=run.config.effort.report_images
    )
    contenders: list[TrainedNetwork] = []
    for row in rows:
        contenders.append(_measured(run, row, report))
        yield run.plan.progress("exporting", len(contenders), len(rows) + 1, "networks")
        if run.interrupt.stops:
            raise Stopped
    run.state.stage_seconds["exporting"] = time.monotonic() - started
    yield run.plan.progress("exporting", len(rows) + 1, len(rows) + 1, "networks")
    result = _result(run, rows[0], tuple(contenders))
    # Last of all: the log is among the files, and what follows its hash would change it.
    artifacts = _write(run, rows[0], result)
    yield RunFinished(result=_with_artifacts(result, artifacts))


def _measured(run: Delivery, row: Finalist, report: ImageSet) -> TrainedNetwork:
    device = run.subject.device
    network = run.network(row).to(device)
    outcome = evaluate(network, report.batches(_BATCH), device)
    scored = None if row.choices is None else run.state.scores.get(row.choices)
    search_images = min(len(run.subject.search), SEARCH_IMAGES)
    return TrainedNetwork(
        id=row.id,
        label=row.label,
        role=row.role,
        origin=row.origin,
        cost=row.cost,
        parameters=row.spec.parameters,
        choices=row.choices,
        width=row.width,
        supernet_accuracy=(
            None if scored is None else _accuracy(scored.accuracy, scored.images, "search")
        ),
        search_accuracy=_accuracy(trained_search_accuracy(run.files(row)), search_images, "search"),
        report_accuracy=_accuracy(outcome.accuracy, outcome.images, "report"),
        epochs=run.config.recipe.epochs,
        training_seconds=run.state.training_seconds.get(row.id, 0.0),
        note=row.note,
    )


def _accuracy(share: float, images: int, split: Split) -> Accuracy:
    return Accuracy(
        value=share,
        standard_error=(share * (1 - share) / images) ** 0.5,
        images=images,
        split=split,
    )


def _result(run: Delivery, found: Finalist, contenders: tuple[TrainedNetwork, ...]) -> SearchResult:
    return SearchResult(
        found=found.id,
        contenders=contenders,
        space=run.subject.priced.space,
        model=found.spec,
        dataset=run.config.dataset,
        target=run.config.target,
        budgets=run.config.budgets,
        probabilities=tuple(tuple(row) for row in run.probabilities),
        candidates=tuple(
            ScoredArchitecture(
                origin=scored.origin,
                choices=choices,
                costs=run.subject.priced.values(choices),
                accuracy=scored.accuracy,
                loss=scored.loss,
            )
            for choices, scored in run.state.scores.items()
        ),
        artifacts=(),
        stage_seconds=dict(run.state.stage_seconds),
        notes=tuple(
            notes(
                run.config,
                run.subject,
                contenders,
                rows=run.rows,
                ended_early=run.ended_early,
            )
        ),
    )


def _write(run: Delivery, found: Finalist, result: SearchResult) -> tuple[Artifact, ...]:
    """Write what the person takes home; all of it priced and hashed."""
    folder = run.workdir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    network = run.network(found)
    _require_within_budgets(run, network)
    save_network(
        network,
        folder / "checkpoint.safetensors",
        architecture=found.architecture,
        dataset=dataset_entry(run.config.dataset),
    )
    architecture = architecture_to_json(found.architecture)
    _write_json(folder / "architecture.json", architecture)
    _write_json(folder / "net.config", net_config(found.architecture))
    write_json(folder / "config.json", run.config)
    (folder / "report.md").write_text(report_text(run.config, result), encoding="utf-8")
    described: tuple[tuple[str, Role, str, str], ...] = (
        ("checkpoint.safetensors", "checkpoint", "Found network", "application/octet-stream"),
        ("architecture.json", "architecture", "Architecture, to go on with", "application/json"),
        ("net.config", "architecture", "The same as the authors' net.config", "application/json"),
        ("config.json", "config", "Config of this run", "application/json"),
        ("report.md", "report", "Report", "text/markdown"),
        ("log.jsonl", "log", "Log, one event a line", "application/x-ndjson"),
    )
    return tuple(
        artifact(folder / name, workdir=run.workdir, role=role, title=title, media_type=media)
        for name, role, title, media in described
        if (folder / name).exists()
    )


def _write_json(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def _require_within_budgets(run: Delivery, network: nn.Module) -> None:
    """Price the network as it was built, and not as the search's tables have it."""
    space = run.subject.priced.space
    spec = describe(network, model_id=space.id, input=space.input, classes=space.classes)
    costs = plain_values(run.subject.priced.network_cost(spec))
    for budget in run.config.budgets:
        assert is_within(costs[budget.metric], budget.limit), "what is delivered meets its budget"


def _with_artifacts(result: SearchResult, artifacts: Sequence[Artifact]) -> SearchResult:
    return replace(result, artifacts=tuple(artifacts))
