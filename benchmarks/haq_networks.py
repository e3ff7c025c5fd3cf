"""The networks and images that the sides of `benchmarks.haq` compute with."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.catalog.baselines import uniform_policy
from engine.haq.grid import Grids, set_policy
from engine.haq.thresholds import compute_thresholds
from engine.nn.build import build_model
from engine.nn.describe import describe
from engine.nn.folding import fold_batch_norms
from engine.nn.layout import lay_channels_last
from engine.nn.quantized import QuantizedLayer, quantize_layers
from engine.nn.rectifiers import absorb_rectifiers
from engine.schema.layers import InputSpec, ModelSpec
from engine.schema.policy import Policy

MODEL = "mobilenet_v2"  # 53 layers
BITS = 4
_CALIBRATION_IMAGES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """MobileNetV2 on noise of some size."""

    size: int  # px, both sides of an image
    batch: int
    classes: int = 10

    @property
    def input(self) -> InputSpec:
        """Return what the network takes."""
        return InputSpec(channels=3, size=self.size)

    def network(self) -> nn.Module:
        """Return the float network with random weights, channels last."""
        model = build_model(MODEL, input=self.input, classes=self.classes)
        lay_channels_last(model)
        return model

    def spec(self, model: nn.Module) -> ModelSpec:
        """Return the network's description."""
        return describe(model, model_id=MODEL, input=self.input, classes=self.classes)

    def images(self, count: int) -> Tensor:
        """Return noise, channels last."""
        noise_NCHW = torch.randn(count, 3, self.size, self.size)
        return noise_NCHW.contiguous(memory_format=torch.channels_last)

    def labels(self, count: int) -> Tensor:
        """Return every class in turn."""
        return torch.arange(count) % self.classes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quantizable:
    """A network whose layers can be given bits, and what they are rounded to at each width."""

    model: nn.Module
    spec: ModelSpec
    layers: dict[str, QuantizedLayer]
    grids: Grids

    @classmethod
    def of(cls, task: Task) -> "Quantizable":
        """Build the network and calibrate it."""
        model = task.network().eval()
        spec = task.spec(model)
        layers = quantize_layers(model, spec.layers)
        grids = compute_thresholds(
            model,
            layers,
            [task.images(_CALIBRATION_IMAGES)],
            clipping="mse",
            granularity="channel",
        )
        return cls(model=model, spec=spec, layers=layers, grids=grids)

    def uniform(self) -> Policy:
        """Return a policy of the same bits in all layers but the pinned ones."""
        return uniform_policy(self.spec, BITS, BITS)

    def to_train(self, policy: Policy) -> nn.Module:
        """Return the network at a policy, ready to be fine-tuned."""
        set_policy(self.layers, policy, self.grids)
        absorb_rectifiers(self.model)
        return self.model

    def to_score(self) -> nn.Module:
        """Return the network ready for scoring policies: batch norms folded, rectifiers absorbed.

        Thresholds and sensitivities are to be measured before.
        """
        fold_batch_norms(self.model)
        absorb_rectifiers(self.model)
        return self.model.eval()
