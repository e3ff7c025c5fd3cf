"""A program that speaks the engine's process protocol and can be told to misbehave.

    python -m tests.scripted_engine [--step-s S] [--die-at N --with NAME [--times K]] [--deaf]
        run CONFIG --workdir DIR ... | describe MODEL [--dataset D]

It computes nothing: each episode of the config is one step, with a checkpoint after it. `--with`
takes a signal's name, or user, bug or hang.
"""

import argparse
import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path

from engine.catalog.models import layer_table
from engine.schema.codec import config_from_json, digest, to_json, to_line
from engine.schema.events import (
    CheckpointSaved,
    EpisodeFinished,
    LogLine,
    Progress,
    RunFinished,
    RunResumed,
    RunStarted,
)
from engine.schema.results import Artifact
from tests.results import quantize_result

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
    total = config.effort.episodes
    for step in range(done + 1, total + 1):
        if "finish" in asked:
            _tell(LogLine(text="the search ends early"))
            break
        if "stop" in asked:
            return 3
        time.sleep(options.step_s)
        _tell(_progress(step, total))
        _tell(_episode(step))
        if step == options.die_at and _deaths(options.workdir) <= options.times:
            return _die(options.end)  # what it told lies past its checkpoint
        _keep(checkpoint, step)
        _tell(CheckpointSaved(stage="searching", step=step))
    artifact = _policy_file(options.workdir)
    _tell(RunFinished(result=quantize_result(config, artifacts=[artifact])))
    return 0


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


def _policy_file(workdir: Path) -> Artifact:
    path = workdir / "artifacts" / "policy.json"
    path.parent.mkdir(exist_ok=True)
    content = b'{"layers": {}}'
    path.write_bytes(content)
    return Artifact(
        name="policy.json",
        path="artifacts/policy.json",
        role="policy",
        title="Bit policy",
        media_type="application/json",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _tell(event: object) -> None:
    sys.stdout.write(to_line(event) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
