"""A small profile run: its table has a row for all of a space, its times are made up."""

from collections.abc import Iterator
from dataclasses import replace

from engine.catalog.spaces import SPACES
from engine.catalog.tables import table_id
from engine.schema.cost_table import EndToEnd, Machine, MeasurementProtocol, SampledNetwork, Timing
from engine.schema.events import (
    BlockMeasured,
    CheckpointSaved,
    Event,
    NetworkMeasured,
    Progress,
    ReferenceMeasured,
    RunStarted,
)
from engine.schema.profile_config import ProfileConfig
from engine.schema.results import Artifact, ProfileResult
from tests.unit.engine.cost.measured_tables import table_of_space

NETWORKS = 6


def result(
    config: ProfileConfig, *, artifacts: tuple[Artifact, ...] = (), measured_at: str = ""
) -> ProfileResult:
    """Return the result of a profile of a space."""
    table = table_of_space(SPACES[config.subject])
    table = replace(
        table,
        name=config.name,
        title=f"{SPACES[config.subject].title} on Test processor",
        source="A profile run on Test processor",
        host=config.device,
        machine=Machine(
            processor="Test processor", features=("avx2",), system="Linux x86_64", accelerator=""
        ),
        runtime="ONNX Runtime 1.0, 1 thread",
        protocol=MeasurementProtocol(
            threads=1,
            warmup_runs=3,
            warmup_s=0.2,
            samples=30,
            sampling_s=0.5,
            largest_spread=0.05,
            largest_drift=0.05,
        ),
        measured_at=measured_at or "2026-11-24T12:00:00+00:00",
        blocks=tuple(replace(row, times=_spread(row.times)) for row in table.blocks),
        layers=tuple(replace(row, times=_spread(row.times)) for row in table.layers),
        end_to_end={precision: _check(precision) for precision in config.measured},
        notes=("3 of 100 measurements still scattered by more than 5 %.",),
    )
    return ProfileResult(
        target=table_id(table),
        table=table,
        artifacts=artifacts,
        stage_seconds={"profiling": 75.0},
        notes=table.notes,
    )


def events(config: ProfileConfig, *, measured: int = 4) -> Iterator[Event]:
    """Yield what a run tells while it measures: the first shapes and networks."""
    yield RunStarted(config_hash="c", device=config.device)
    yield ReferenceMeasured(index=1, after=0, median_ms=0.026, drift=0.0)
    for index in range(1, measured + 1):
        for precision in config.measured:
            yield BlockMeasured(
                index=index,
                total=measured,
                label=f"pointwise 8x8x16 -> 8x8x{16 * index} k1 s1",
                precision=precision,
                macs=16_384 * index,
                median_ms=0.01 * index,
                p10_ms=0.009 * index,
                p90_ms=0.012 * index,
                samples=30,
                attempts=1 + index % 2,
                is_steady=True,
                spread=0.01 * index,
                rejected=index % 3,
            )
    for index in range(1, measured + 1):
        for precision in config.measured:
            yield NetworkMeasured(
                index=index,
                total=measured,
                label=f"network {index}",
                precision=precision,
                sum_ms=0.5 + 0.1 * index,
                measured_ms=0.45 + 0.09 * index,
                spread=0.02,
                rejected=0,
            )
    yield ReferenceMeasured(index=2, after=4 * measured, median_ms=0.027, drift=0.02)
    yield CheckpointSaved(stage="profiling", step=4 * measured)
    yield Progress(
        stage="profiling", done=4, total=8, unit="measurements", fraction=0.5, eta_s=30.0
    )


def _spread(times: object) -> dict[str, Timing]:
    assert isinstance(times, dict)
    return {
        precision: replace(
            timing, p10_ms=0.98 * timing.median_ms, p90_ms=1.06 * timing.median_ms, samples=30
        )
        for precision, timing in times.items()
    }


def _check(precision: str) -> EndToEnd:
    alpha, beta_ms = (0.9, 0.02) if precision == "fp32" else (0.85, 0.01)
    sums = [0.4 + 0.05 * at for at in range(NETWORKS)]
    return EndToEnd(
        alpha=alpha,
        beta_ms=beta_ms,
        r2=0.987,
        kendall_tau=0.93,
        mean_error=0.021,
        networks=tuple(
            SampledNetwork(
                label=f"network {at + 1}",
                choices=(at % 2,) * 6,
                sum_ms=sum_ms,
                predicted_ms=alpha * sum_ms + beta_ms,
                measured_ms=(alpha * sum_ms + beta_ms) * (1.02 if at % 2 else 0.98),
            )
            for at, sum_ms in enumerate(sums)
        ),
    )
