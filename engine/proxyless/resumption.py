"""Whether a working folder holds a ProxylessNAS search to go on with."""

from pathlib import Path

from engine.proxyless.record import STATE_CHECKPOINT, SUPERNET_CHECKPOINT, RunState, hash_of
from engine.schema.errors import InvalidConfig
from engine.schema.events import RunResumed
from engine.schema.search_config import SearchConfig
from engine.training.checkpoint import load_checkpoint


def search_resumed(config: SearchConfig, workdir: Path) -> RunResumed | None:
    """Return where a run goes on; None where it starts from nothing.

    Raises:
        InvalidConfig: the folder holds a run of another config.
    """
    state = RunState.load(workdir / STATE_CHECKPOINT)
    if state is None:
        return None
    if state.config_hash != hash_of(config):
        raise InvalidConfig("workdir", f"{workdir} holds a run of another config; give a new one")
    supernet = load_checkpoint(workdir / SUPERNET_CHECKPOINT)
    if supernet is None:
        return None
    if state.training_seconds:
        return RunResumed(stage="finetuning", step=len(state.training_seconds))
    learner = supernet["learner"]
    is_warmup = learner["epochs_done"] < config.effort.warmup_epochs
    return RunResumed(stage="training" if is_warmup else "searching", step=learner["done"])
