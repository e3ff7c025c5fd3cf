"""What a resumed run knows: all that was saved, and whether it is its own."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.haq.environment import Score, bits_of
from engine.haq.record import RunState, hash_of
from engine.haq.trial import Trial
from engine.schema.policy import LayerBits, Policy
from engine.schema.results import LayerSensitivity
from tests.configs import quantize_config

POLICY = Policy(layers={"conv": LayerBits(weight_bits=3, activation_bits=5)})


def trial(loss: float, *, accuracy: float = 0.5) -> Trial:
    score = Score(accuracy=accuracy, loss=loss)
    return Trial(policy=POLICY, proposed=POLICY, score=score, cache_hit=False)


def test_the_best_is_the_one_of_least_loss() -> None:
    state = RunState()
    record = state.record("random")
    for loss, reward in ((2.0, -1.0), (1.0, -3.0), (1.5, -2.0)):
        record.take(trial(loss), reward=reward)

    assert record.best_score == Score(accuracy=0.5, loss=1.0)
    assert record.best_losses == [2.0, 1.0, 1.0]
    assert record.best_reward == -1.0
    assert record.steps == 3


def test_a_saved_state_is_read_back_whole(tmp_path: Path) -> None:
    state = RunState(config_hash="abc", best_loss=1.25, stage_seconds={"sensitivity": 2.5})
    state.sensitivities.append(
        LayerSensitivity(layer="conv", weight_losses={"2": 0.5}, activation_losses={"2": 0.25})
    )
    state.record("random").take(trial(1.25), reward=-0.5)
    state.record("agent").searcher = {"episode": 4, "greedy": None}
    state.scores[bits_of(POLICY)] = Score(accuracy=0.5, loss=1.25)
    state.origins[bits_of(POLICY)] = "random"

    state.save(tmp_path / "state")

    assert RunState.load(tmp_path / "state") == state


def test_no_file_is_no_state(tmp_path: Path) -> None:
    assert RunState.load(tmp_path / "state") is None


def test_a_run_is_the_same_wherever_it_runs() -> None:
    config = quantize_config(checkpoint="/here/net.safetensors")
    moved = replace(config, checkpoint="/there/net.safetensors", device="auto", threads=2)

    assert hash_of(moved) == hash_of(config)


@pytest.mark.parametrize(
    "changes", [{"seed": 1}, {"model": "resnet20"}, {"checkpoint": "/here/other.safetensors"}]
)
def test_another_config_is_another_run(changes: dict[str, object]) -> None:
    assert hash_of(quantize_config(**changes)) != hash_of(quantize_config())
