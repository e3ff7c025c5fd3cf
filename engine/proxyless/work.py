"""How much work each stage is expected to be, so that the whole run's progress moves evenly."""

from collections.abc import Mapping

from engine.proxyless.schedules import architecture_steps
from engine.proxyless.scoring import STATISTICS_IMAGES
from engine.proxyless.subject import Subject
from engine.schema.events import Stage
from engine.schema.search_config import SearchConfig

# In forward passes of one image. Measured on small networks; only the bar's evenness hangs on it.
_TRAINING_STEP = 3.0
_ARCHITECTURE_STEP = {"two": 2.5, "full_v2": 5.0, "full": 7.0}
_FINAL_NETWORKS = 2  # beside the random ones
_USUAL_SHARE = 0.6  # of the supernet's mean cost that a network within the budget has
_PREPARING = 2_000


def planned_work(config: SearchConfig, subject: Subject) -> Mapping[Stage, float]:
    """Return each stage's work in forward passes of one image."""
    effort = config.effort
    train_images = min(effort.train_images, len(subject.splits.train))
    epoch = _TRAINING_STEP * train_images
    batches_an_epoch = subject.train.batch_count(effort.batch_size, limit=train_images)
    steps = architecture_steps(config, batches_an_epoch)
    one_step = _ARCHITECTURE_STEP[config.gate_mode] * effort.batch_size
    if config.algorithm == "reinforce":
        one_step = effort.policy_samples * effort.policy_images
    scoring = STATISTICS_IMAGES + effort.rescore_images
    networks = _FINAL_NETWORKS + effort.random_networks
    final_images = min(effort.final_images, len(subject.splits.train)) * config.recipe.epochs
    return {
        "preparing": _PREPARING,
        "training": effort.warmup_epochs * (epoch + scoring),
        "searching": (
            effort.epochs * (epoch + scoring) + steps * one_step + effort.rescored * scoring
        ),
        "finetuning": networks * final_images * _TRAINING_STEP * _USUAL_SHARE,
        "exporting": networks * min(effort.report_images, len(subject.splits.report)),
    }
