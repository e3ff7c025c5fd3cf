"""What is kept between two starts of a profile run."""

from pathlib import Path

import pytest

from engine.profiling.record import MeasuredItem, ProfileState
from engine.schema.cost_table import Machine, Timing


def state(references_ms: list[float], segment: int = 0) -> ProfileState:
    item = MeasuredItem(
        label="a",
        precision="fp32",
        is_network=False,
        timing=Timing(median_ms=3.0, p10_ms=2.0, p90_ms=4.0, samples=9),
        is_steady=True,
        spread=0.01,
        attempts=1,
        rejected=0,
        segment=segment,
    )
    return ProfileState(
        config_hash="h",
        machine=Machine(processor="P"),
        runtime="R",
        items=[item],
        references_ms=references_ms,
    )


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    before = state([1.0, 1.1])

    before.save(tmp_path / "state.json")

    assert ProfileState.load(tmp_path / "state.json") == before


@pytest.mark.parametrize("text", ["", "{", '{"config_hash": 1}'])
def test_what_cannot_be_read_is_no_state(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)

    assert ProfileState.load(tmp_path / "state.json") is None
    assert ProfileState.load(tmp_path / "none.json") is None


def test_times_of_a_slow_stretch_are_rescaled() -> None:
    slow = state([1.0, 1.5, 1.5, 1.0, 1.0], segment=1)

    assert slow.settled_ms(slow.items[0]) == pytest.approx(3.0 / 1.5)


def test_a_small_drift_is_left_alone() -> None:
    steady = state([1.0, 1.04, 1.0])

    assert steady.settled_ms(steady.items[0]) == 3.0
