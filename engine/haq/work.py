"""How much work each stage is expected to be, so that the whole run's progress moves evenly."""

from collections.abc import Mapping

from engine.haq.record import STRATEGIES
from engine.haq.strategies import steps_of
from engine.haq.subject import Subject
from engine.schema.events import Stage
from engine.schema.quantize_config import QuantizeConfig

# In forward passes of one image. Measured on small networks; only the bar's evenness hangs on it.
_TRAINING_STEP = 4.0  # of a batch, per image
_SENSITIVITY_WIDTHS = 8  # measured for a layer on average, both operands
_MEAN_REST = 0.5  # of the network that an evaluation of the sensitivity pass runs
_AGENT_OVERHEAD = 600  # images' worth of updates in an episode
_TEACHING = 1.0  # the float network's pass beside a step that learns from it, per image
_TUNED_BASELINES = 3  # the solver's two policies and the uniform one
_TUNED_REFERENCES = 2  # float and fixed 8 bit
_REPORTED = 10  # rows measured on the report split, some of them twice
_PREPARING = 2_000


def planned_work(
    config: QuantizeConfig, subject: Subject, *, trains: bool
) -> Mapping[Stage, float]:
    """Return each stage's work in forward passes of one image."""
    effort = config.effort
    train_images = len(subject.splits.train)
    tuned = effort.finetune_contenders + _TUNED_BASELINES
    tuned += effort.finetune_references * _TUNED_REFERENCES
    tuning_step = _TRAINING_STEP + (effort.finetune_distillation > 0) * _TEACHING
    tuning_images = effort.finetune_epochs * min(effort.finetune_images, train_images)
    policies = sum(steps_of(strategy, config) for strategy in STRATEGIES)
    return {
        "preparing": _PREPARING,
        "training": trains * _TRAINING_STEP * config.recipe.epochs * train_images,
        "sensitivity": (
            len(subject.spec.layers) * _SENSITIVITY_WIDTHS * _MEAN_REST * effort.sensitivity_images
        ),
        "searching": (policies * effort.score_images + steps_of("agent", config) * _AGENT_OVERHEAD),
        "finetuning": tuned * tuning_images * tuning_step,
        "exporting": _REPORTED * min(effort.report_images, len(subject.splits.report)),
    }
