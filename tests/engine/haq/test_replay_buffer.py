"""The replay buffer: a ring from which steps come back as they were put in."""

import torch

from engine.haq.replay_buffer import ReplayBuffer, Transitions


def numbered(first: int, count: int) -> Transitions:
    """Return transitions that all tell their number."""
    numbers_K1 = torch.arange(first, first + count, dtype=torch.float32).unsqueeze(1)
    return Transitions(
        states_KS=numbers_K1.repeat(1, 2),
        actions_K1=numbers_K1 + 0.1,
        rewards_K1=numbers_K1 + 0.2,
        next_states_KS=numbers_K1.repeat(1, 2) + 0.3,
        is_last_K1=numbers_K1 % 2,
    )


def numbers_in(buffer: ReplayBuffer) -> set[int]:
    """Return which transitions are drawn, asked often enough to see all."""
    drawn = buffer.sample(2000, torch.Generator().manual_seed(0))
    return set(drawn.states_KS[:, 0].int().tolist())


def test_the_oldest_steps_give_way() -> None:
    buffer = ReplayBuffer(6, state_size=2)
    buffer.add(numbered(0, 4))
    assert len(buffer) == 4
    assert numbers_in(buffer) == {0, 1, 2, 3}

    buffer.add(numbered(4, 4))

    assert len(buffer) == 6
    assert numbers_in(buffer) == {2, 3, 4, 5, 6, 7}


def test_the_parts_of_a_step_stay_together() -> None:
    buffer = ReplayBuffer(8, state_size=2)
    buffer.add(numbered(0, 8))

    drawn = buffer.sample(50, torch.Generator().manual_seed(1))

    numbers_K1 = drawn.states_KS[:, :1]
    assert torch.equal(drawn.actions_K1, numbers_K1 + 0.1)
    assert torch.equal(drawn.rewards_K1, numbers_K1 + 0.2)
    assert torch.equal(drawn.next_states_KS, drawn.states_KS + 0.3)
    assert torch.equal(drawn.is_last_K1, numbers_K1 % 2)


def test_a_loaded_buffer_draws_and_overwrites_the_same() -> None:
    buffer, loaded = ReplayBuffer(6, state_size=2), ReplayBuffer(6, state_size=2)
    buffer.add(numbered(0, 9))

    loaded.load_state_dict(buffer.state_dict())

    for one in (buffer, loaded):
        one.add(numbered(9, 1))
    draws = [one.sample(40, torch.Generator().manual_seed(2)) for one in (buffer, loaded)]
    assert torch.equal(draws[0].states_KS, draws[1].states_KS)
    assert numbers_in(loaded) == {4, 5, 6, 7, 8, 9}
