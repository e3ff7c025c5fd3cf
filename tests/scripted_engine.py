"""A program that speaks the engine's process protocol and can be told to misbehave.

    python -m tests.scripted_engine [--step-s S] [--die-at N --with NAME [--times K]] [--deaf]
        [--hold] run CONFIG --workdir DIR ... | describe MODEL [--dataset D]

It computes nothing: each episode of a HAQ config is one step, or each event of a whole ProxylessNAS
search, with a checkpoint after it. `--with` takes a signal's name, or user, bug or hang; `--hold`
waits before the end until it is asked to finish, or stopped and started again.
"""

import argparse
import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from engine.catalog.architecture_file import architecture_to_json
from engine.catalog.models import layer_table
from engine.schema.architecture import Architecture
from engine.schema.codec import config_from_json, digest, to_json, to_line
from engine.schema.configs import Config
from engine.schema.events import (
    CheckpointSaved,
    EpisodeFinished,
    Event,
    LogLine,
    Progress,
    RunFinished,
    RunResumed,
    RunStarted,
)
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.results import Artifact, Result
from engine.schema.search_config import SearchConfig
from tests import search_run
from tests.results import quantize_result

Role = Literal["policy", "architecture"]
asked: set[str] = set()


def main() -> int:
    options = _options()
    if options.command == "describe":
        return _describe(options)
    signal.signal(signal.SIGTERM, lambda *_: options.deaf or asked.add("stop"))
    signal.signal(signal.SIGUSR1, lambda *_: asked.add("finish"))
    return _run(options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--step-s", type=float, default=0.02)
    parser.add_argument("--die-at", type=int, default=0)
    parser.add_argument("--with", dest="end", default="SIGKILL")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--deaf", action="store_true")
    parser.add_argument("--hold", action="store_true")
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run")
    running.add_argument("config", type=Path)
    for name in ("--workdir", "--data-root", "--weights-store", "--tables"):
        running.add_argument(name, type=Path)
    describing = commands.add_parser("describe")
    describing.add_argument("model")
    describing.add_argument("--dataset")
    return parser.parse_args()


def _describe(options: argparse.Namespace) -> int:
    if options.model == "no_such_model":
        sys.stderr.write("model: torchvision has no 'no_such_model'\n")
        return 2
    spec = layer_table("resnet18")
    assert spec is not None
    sys.stdout.write(json.dumps(to_json(spec.named(options.model))))
    return 0


def _run(options: argparse.Namespace) -> int:
    config = config_from_json(json.loads(options.config.read_text()))
    checkpoint = options.workdir / "checkpoint.json"
    done = json.loads(checkpoint.read_text())["done"] if checkpoint.exists() else 0
    if done:
        _tell(RunResumed(stage="searching", step=done))
    else:
        _tell(RunStarted(config_hash=digest(config), device="cpu"))
    steps = _steps(config)
    for step in range(done + 1, len(steps) + 1):
        if "finish" in asked:
            _tell(LogLine(text="the search ends early"))
            break
        if "stop" in asked:
            return 3
        time.sleep(options.step_s)
        for event in steps[step - 1]:
            _tell(event)
        if step == options.die_at and _deaths(options.workdir) <= options.times:
            return _die(options.end)  # what it told lies past its checkpoint
        _keep(checkpoint, step)
        _tell(CheckpointSaved(stage="searching", step=step))
    while options.hold and not done and not asked:
        time.sleep(0.1)
    if "stop" in asked:
        return 3
    _tell(RunFinished(result=_result(config, options.workdir)))
    return 0


def _steps(config: Config) -> Sequence[Sequence[Event]]:
    """Return what is told step by step, behind the first event."""
    if isinstance(config, SearchConfig):
        return [(event,) for event in search_run.events(config) if event.kind != "run_started"]
    assert isinstance(config, QuantizeConfig)
    total = config.effort.episodes
    return [(_progress(step, total), _episode(step)) for step in range(1, total + 1)]


def _result(config: Config, workdir: Path) -> Result:
    """Return a result with one file."""
    if isinstance(config, SearchConfig):
        found = search_run.result(config).contender("found")
        assert found.choices is not None
        architecture = Architecture(space=search_run.searched(config), choices=found.choices)
        content = json.dumps(architecture_to_json(architecture)).encode()
        file = _file(workdir, "architecture.json", "architecture", "Architecture", content)
        return search_run.result(config, artifacts=[file])
    assert isinstance(config, QuantizeConfig)
    file = _file(workdir, "policy.json", "policy", "Bit policy", b'{"layers": {}}')
    return quantize_result(config, artifacts=[file])


def _deaths(workdir: Path) -> int:
    """Count this one with those before it."""
    count = workdir / "deaths"
    number = int(count.read_text()) + 1 if count.exists() else 1
    count.write_text(str(number))
    return number


def _die(end: str) -> int:
    if end == "user":
        sys.stderr.write("dataset: image 7 cannot be read; replace it\n")
        return 2
    if end == "bug":
        raise RuntimeError("a secret of the trace")
    if end == "hang":
        time.sleep(3600)
    os.kill(os.getpid(), signal.Signals[end])
    time.sleep(10)
    return 1


def _progress(step: int, total: int) -> Progress:
    return Progress(
        stage="searching", done=step, total=total, unit="episodes", fraction=step / total
    )


def _episode(step: int) -> EpisodeFinished:
    return EpisodeFinished(
        strategy="agent",
        episode=step,
        reward=-1.0 / step,
        accuracy=0.8,
        loss=0.5,
        cost_ratio=0.5,
        costs={"latency_ms": 4.0},
        best_reward=-1.0 / step,
        bits=((8, 8), (4, 4)),
    )


def _keep(checkpoint: Path, step: int) -> None:
    fresh = checkpoint.with_suffix(".new")
    fresh.write_text(json.dumps({"done": step}))
    fresh.replace(checkpoint)


def _file(workdir: Path, name: str, role: Role, title: str, content: bytes) -> Artifact:
    path = workdir / "artifacts" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return Artifact(
        name=name,
        path=f"artifacts/{name}",
        role=role,
        title=title,
        media_type="application/json",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _tell(event: object) -> None:
    sys.stdout.write(to_line(event) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
