"""Networks at 224 px, from the rows of their papers, independent of any framework."""

from engine.schema.layers import InputSpec, LayerKind, LayerSpec, ModelSpec

# Howard et al. 2017, table 1: output channels and stride of each depthwise-separable pair.
V1_PAIRS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)]
V1_PAIRS += [(512, 1)] * 5 + [(1024, 2), (1024, 1)]

# Sandler et al. 2018, table 2: expansion, output channels, repeats, stride of the first.
V2_ROWS = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
]


class _Stack:
    """Layers one after another; follows channels, map size and parameters."""

    def __init__(self, channels: int, size: int) -> None:
        self.channels, self.size = channels, size
        self.layers: list[LayerSpec] = []
        self.parameters = 0

    def conv(self, kind: LayerKind, out: int, kernel: int, stride: int = 1) -> None:
        groups = self.channels if kind == "depthwise" else 1
        weights = out * self.channels // groups * kernel**2
        output_size = self.size // stride
        self.layers.append(
            LayerSpec(
                name=f"layer.{len(self.layers)}",
                kind=kind,
                in_channels=self.channels,
                out_channels=out,
                kernel_size=kernel,
                stride=stride,
                groups=groups,
                input_size=self.size,
                output_size=output_size,
                weights=weights,
                macs=weights * output_size**2,
            )
        )
        self.channels, self.size = out, output_size
        self.parameters += weights + 2 * out  # batch norm: scale and shift

    def branch(self, kind: LayerKind, out: int, kernel: int, stride: int) -> None:
        """Add a layer beside the ones that follow: they start where it starts."""
        start = self.channels, self.size
        self.conv(kind, out, kernel, stride)
        self.channels, self.size = start

    def classifier(self, classes: int) -> None:
        weights = self.channels * classes
        self.layers.append(
            LayerSpec(
                name=f"layer.{len(self.layers)}",
                kind="linear",
                in_channels=self.channels,
                out_channels=classes,
                weights=weights,
                macs=weights,
            )
        )
        self.parameters += weights + classes

    def spec(self, model: str) -> ModelSpec:
        return ModelSpec(
            model=model,
            input=InputSpec(channels=3, size=224),
            classes=1000,
            parameters=self.parameters,
            macs=sum(layer.macs for layer in self.layers),
            model_hash=f"paper-{model}",
            layers=tuple(self.layers),
        )


def mobilenet_v1() -> ModelSpec:
    stack = _Stack(3, 224)
    stack.conv("conv", 32, 3, 2)
    for out, stride in V1_PAIRS:
        stack.conv("depthwise", stack.channels, 3, stride)
        stack.conv("pointwise", out, 1)
    stack.classifier(1000)
    return stack.spec("mobilenet_v1")


def mobilenet_v2() -> ModelSpec:
    stack = _Stack(3, 224)
    stack.conv("conv", 32, 3, 2)
    for expansion, out, repeats, first_stride in V2_ROWS:
        for stride in [first_stride] + [1] * (repeats - 1):
            hidden = stack.channels * expansion
            if expansion > 1:
                stack.conv("pointwise", hidden, 1)
            stack.conv("depthwise", hidden, 3, stride)
            stack.conv("pointwise", out, 1)
    stack.conv("pointwise", 1280, 1)
    stack.classifier(1000)
    return stack.spec("mobilenet_v2")


def resnet50() -> ModelSpec:
    """He et al. 2016, table 1; the stride stands in the 3x3 convolution."""
    stack = _Stack(3, 224)
    stack.conv("conv", 64, 7, 2)
    stack.size //= 2  # pooling
    for width, repeats, first_stride in [(64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)]:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            if repeat == 0:
                stack.branch("pointwise", 4 * width, 1, stride)
            stack.conv("pointwise", width, 1)
            stack.conv("conv", width, 3, stride)
            stack.conv("pointwise", 4 * width, 1)
    stack.classifier(1000)
    return stack.spec("resnet50")
