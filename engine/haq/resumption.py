"""Whether a working folder holds a HAQ search to go on with."""

from pathlib import Path

from engine.haq.record import RunState, hash_of
from engine.haq.subject import TRAINING_CHECKPOINT
from engine.schema.errors import InvalidConfig
from engine.schema.events import RunResumed
from engine.schema.quantize_config import QuantizeConfig
from engine.training.checkpoint import load_checkpoint


def quantize_resumed(config: QuantizeConfig, workdir: Path) -> RunResumed | None:
    """Return where a run goes on; None where it starts from nothing.

    Raises:
        InvalidConfig: the folder holds a run of another config.
    """
    state = RunState.load(workdir / "search.checkpoint")
    if state is None:
        training = load_checkpoint(workdir / TRAINING_CHECKPOINT)
        if training is None:
            return None
        return RunResumed(stage="training", step=training["epochs_done"])
    if state.config_hash != hash_of(config):
        raise InvalidConfig("workdir", f"{workdir} holds a run of another config; give a new one")
    if state.records:
        steps = sum(record.steps for record in state.records.values())
        return RunResumed(stage="searching", step=steps)
    return RunResumed(stage="sensitivity", step=len(state.sensitivities))
