"""The sensitivity stage: by the measure asked for, layer by layer, from wherever it was left.

What an earlier run measured on the same weights and images is read, not measured again.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from engine.haq.codebooks import compute_codebooks
from engine.haq.grid import Grids
from engine.haq.hessian import HessianPass
from engine.haq.record import RunState
from engine.haq.sensitivity import Sensitivities, SensitivityPass, Widths, measured_widths
from engine.haq.sensitivity_store import keep, kept, kept_file
from engine.haq.subject import Subject
from engine.haq.thresholds import compute_thresholds
from engine.nn.quantized import QuantizedLayer
from engine.nn.segments import cut
from engine.schema.events import CheckpointSaved, Event, LogLine, SensitivityMeasured
from engine.schema.places import Places
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.results import LayerSensitivity
from engine.training.interrupt import Interrupt, Stopped
from engine.training.plan import Plan
from engine.training.seed import torch_generator

_CALIBRATION_BATCH = 128
_MAPS_BYTES = 2**30  # at most, of the feature maps that the pass keeps at a cut
_FLOAT_BYTES = 4
_SAVE_EVERY_S = 2.0


def grids_of(
    config: QuantizeConfig,
    subject: Subject,
    network: nn.Module,
    layers: dict[str, QuantizedLayer],
) -> Grids:
    """Return what the operands are rounded to at every width: thresholds or codebooks."""
    if config.quantizer == "kmeans":
        # 8 bits too: the uniform policy that everything is compared with.
        return compute_codebooks(layers, sorted({*config.weight_bits, 8}))
    images_NCHW, _ = subject.splits.train.first(config.effort.calibration_images)
    return compute_thresholds(
        network,
        layers,
        [part.to(subject.device) for part in torch.split(images_NCHW, _CALIBRATION_BATCH)],
        clipping=config.clipping,
        granularity=config.granularity,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SensitivityStage:
    """What the stage needs of the run."""

    config: QuantizeConfig
    subject: Subject
    network: nn.Module  # evaluates only, its batch norms folded, its layers ready for bits
    layers: dict[str, QuantizedLayer]
    grids: Grids
    state: RunState
    checkpoint: Path
    places: Places
    plan: Plan
    interrupt: Interrupt

    def events(self) -> Iterator[Event]:
        """Measure what is left; the state has all layers' sensitivities in the end.

        Raises:
            Stopped: on request, after a checkpoint was written.
            Diverged: a loss is not finite.
        """
        splits = self.subject.splits
        file = kept_file(self.config, self.subject.spec, self.subject.network, splits, self.places)
        known = kept(file)
        if len(known) == len(self.subject.spec.layers):
            yield LogLine(text="Sensitivities: as an earlier run measured them.")
        yield from self._measure(known)
        self.state.save(self.checkpoint)
        if not known:
            try:
                keep(file, self.state.sensitivities)
            except OSError as error:
                text = f"The sensitivities could not be kept for the next run: {error}."
                yield LogLine(text=text, level="warning")
        yield CheckpointSaved(stage="sensitivity", step=len(self.state.sensitivities))

    def _measure(self, known: list[LayerSensitivity]) -> Iterator[Event]:
        specs = self.subject.spec.layers
        by_name = {one.layer: one for one in known}
        widths = measured_widths(self.config.weight_bits, self.config.policy_activation_bits)
        measure: Sensitivities | None = None
        saved_at = time.monotonic()
        for index, spec in enumerate(specs):
            if index < len(self.state.sensitivities):
                continue
            one = self._pinned(index)
            if one is None:
                if spec.name not in by_name and measure is None:
                    measure = self._pass()
                one = by_name.get(spec.name) or _measured(measure, spec.name, widths)
                yield SensitivityMeasured(
                    layer=one.layer,
                    index=index,
                    weight_losses=one.weight_losses,
                    activation_losses=one.activation_losses,
                )
            self.state.sensitivities.append(one)
            yield self.plan.progress("sensitivity", index + 1, len(specs), "layers")
            if self.interrupt.stops or time.monotonic() - saved_at > _SAVE_EVERY_S:
                self.state.save(self.checkpoint)
                saved_at = time.monotonic()
            if self.interrupt.stops:
                raise Stopped

    def _pinned(self, index: int) -> LayerSensitivity | None:
        """Return nothing measured for a layer of which no width is chosen; None: it is chosen."""
        specs = self.subject.spec.layers
        if self.config.quantizer == "kmeans" or index not in (0, len(specs) - 1):
            return None
        return LayerSensitivity(layer=specs[index].name, weight_losses={}, activation_losses={})

    def _pass(self) -> Sensitivities:
        count = self.config.effort.sensitivity_images
        images_NCHW, labels_N = self.subject.splits.search.first(count)
        images_NCHW, labels_N = (
            images_NCHW.to(self.subject.device),
            labels_N.to(self.subject.device),
        )
        if self.config.sensitivity == "hessian":
            return HessianPass(
                self.subject.network,
                [layer.name for layer in self.subject.spec.layers],
                grids=self.grids,
                images_NCHW=images_NCHW,
                labels_N=labels_N,
                generator=torch_generator(self.config.seed, "hessian"),
            )
        largest = _MAPS_BYTES // (_FLOAT_BYTES * len(images_NCHW))
        return SensitivityPass(
            cut(self.network, images_NCHW[:2], largest=largest),
            self.layers,
            thresholds=self.grids,
            images_NCHW=images_NCHW,
            labels_N=labels_N,
            measure=self.config.sensitivity,
        )


def _measured(measure: Sensitivities | None, name: str, widths: Widths) -> LayerSensitivity:
    assert measure is not None, "what is not known is measured"
    return measure.measure(name, widths)
