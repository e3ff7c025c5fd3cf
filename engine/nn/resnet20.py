"""ResNet-20 for small images (He et al. 2016, section 4.2)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

_STAGE_CHANNELS = (16, 32, 64)
_BLOCKS_A_STAGE = 3


class ResNet20(nn.Module):
    """20 quantisable layers; shortcuts carry no parameters (option A of the paper)."""

    def __init__(self, *, classes: int, channels: int = 3) -> None:
        super().__init__()
        current = _STAGE_CHANNELS[0]
        self.conv1 = nn.Conv2d(channels, current, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(current)
        blocks: list[nn.Module] = []
        for stage, out_channels in enumerate(_STAGE_CHANNELS):
            for block in range(_BLOCKS_A_STAGE):
                stride = 2 if stage > 0 and block == 0 else 1
                blocks.append(BasicBlock(current, out_channels, stride=stride))
                current = out_channels
        self.blocks = nn.Sequential(*blocks)
        self.linear = nn.Linear(current, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        """Return the logits, shape (N, classes)."""
        features_NCHW = functional.relu(self.bn1(self.conv1(images_NCHW)))
        features_NCHW = self.blocks(features_NCHW)
        pooled_NC = torch.flatten(functional.adaptive_avg_pool2d(features_NCHW, 1), 1)
        logits_NK: Tensor = self.linear(pooled_NC)
        return logits_NK


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions and a shortcut that is subsampled and padded with zero channels."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self._stride = stride
        self._zero_channels = (out_channels - in_channels) // 2  # on either side

    def forward(self, inputs_NCHW: Tensor) -> Tensor:
        """Return relu(residual + shortcut)."""
        hidden_NCHW = functional.relu(self.bn1(self.conv1(inputs_NCHW)))
        residual_NCHW = self.bn2(self.conv2(hidden_NCHW))
        return functional.relu(residual_NCHW + self._shortcut(inputs_NCHW))

    def _shortcut(self, inputs_NCHW: Tensor) -> Tensor:
        if self._stride == 1 and self._zero_channels == 0:
            return inputs_NCHW
        subsampled_NCHW = inputs_NCHW[:, :, :: self._stride, :: self._stride]
        around = self._zero_channels
        return functional.pad(subsampled_NCHW, (0, 0, 0, 0, around, around))
