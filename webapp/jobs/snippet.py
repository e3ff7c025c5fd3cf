"""How to load what a run delivered."""

from engine.schema.results import QuantizeResult

_SNIPPET = """\
# In a checkout of Bespoke, beside the downloaded file:
from engine.export.quantized import load_quantized

network = load_quantized("{checkpoint}")  # a torch.nn.Module in eval mode
logits = network(images)  # float, N x {channels} x {size} x {size}, normalised as in the metadata
"""


def load_snippet(result: QuantizeResult) -> str:
    """Return code that loads the delivered checkpoint."""
    names = [artifact.name for artifact in result.artifacts if artifact.role == "checkpoint"]
    image = result.model.input
    return _SNIPPET.format(
        checkpoint=names[0] if names else "checkpoint.safetensors",
        channels=image.channels,
        size=image.size,
    )
