"""`python -m engine profile`: the same run without the web, on the machine to be measured."""

import shutil
import sys
from pathlib import Path

from engine.catalog.tables import store_table
from engine.export.files import write_json
from engine.profiling.profile import profile
from engine.schema.codec import Json
from engine.schema.cost_table import CostTable
from engine.schema.events import (
    BlockMeasured,
    Event,
    LogLine,
    NetworkMeasured,
    RunFinished,
    RunResumed,
)
from engine.schema.profile_config import ProfileConfig
from engine.schema.results import ProfileResult
from engine.training.interrupt import Interrupt


def profile_to_file(
    config: ProfileConfig, out: Path, *, tables: Path, interrupt: Interrupt
) -> Json:
    """Measure, write the table to a file and to the folder of tables, and say what came out.

    What is measured is kept beside the file until it is finished: the same command goes on after
    a kill. Progress goes to stderr.

    Raises:
        EngineError: something that the person who asked can mend.
        Stopped: on request; the same command goes on.
    """
    workdir = out.with_name(f"{out.name}.partial")
    for event in profile(config, workdir, interrupt=interrupt):
        line = _line(event)
        if line:
            print(line, file=sys.stderr, flush=True)  # noqa: T201 - a command's own output
        if isinstance(event, RunFinished) and isinstance(event.result, ProfileResult):
            result = event.result
    write_json(out, result.table)
    store_table(result.table, tables)
    shutil.rmtree(workdir)
    return {
        "target": result.target,
        "file": str(out),
        "rows": result.table.rows,
        "end_to_end": _end_to_end(result.table),
        "notes": list(result.notes),
    }


def _end_to_end(table: CostTable) -> Json:
    return {
        precision: {
            "alpha": check.alpha,
            "beta_ms": check.beta_ms,
            "r2": check.r2,
            "kendall_tau": check.kendall_tau,
            "mean_error": check.mean_error,
            "networks": len(check.networks),
        }
        for precision, check in (table.end_to_end or {}).items()
    }


def _line(event: Event) -> str:
    match event:
        case BlockMeasured():
            steady = "" if event.is_steady else "  (unsteady)"
            return (
                f"{event.index}/{event.total} {event.label} {event.precision}: "
                f"{event.median_ms:.4f} ms (p90 {event.p90_ms:.4f}){steady}"
            )
        case NetworkMeasured():
            return (
                f"{event.index}/{event.total} {event.label} {event.precision}: "
                f"{event.measured_ms:.4f} ms, its rows {event.sum_ms:.4f}"
            )
        case LogLine():
            return event.text
        case RunResumed():
            return f"Goes on after {event.step} measurements"
        case _:
            return ""
