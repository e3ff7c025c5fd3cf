"""The operation that is not there: Cai et al. 2019, section 3.1."""

import torch
from torch import Tensor, nn


class Zero(nn.Module):
    """Zeros instead of a map; a block with a shortcut is then skipped."""

    def __init__(self, *, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, map_NCHW: Tensor) -> Tensor:
        """Return zeros of the shape that a convolution of this stride leaves; they take no room."""
        images, channels, height, width = map_NCHW.shape
        size = (images, channels, -(-height // self.stride), -(-width // self.stride))
        return torch.zeros((), dtype=map_NCHW.dtype, device=map_NCHW.device).expand(size)
