"""How to load the network that a ProxylessNAS search delivered."""

from engine.schema.results import SearchResult

_SNIPPET = """\
# In a checkout of Bespoke, beside the downloaded file:
from engine.export.network import load_network

network = load_network("{checkpoint}")  # a torch.nn.Module in eval mode
logits = network(images)  # float, N x {channels} x {size} x {size}, normalised as in the metadata
"""


def network_snippet(result: SearchResult) -> str:
    """Return code that loads the delivered checkpoint."""
    names = [artifact.name for artifact in result.artifacts if artifact.role == "checkpoint"]
    image = result.model.input
    return _SNIPPET.format(
        checkpoint=names[0] if names else "checkpoint.safetensors",
        channels=image.channels,
        size=image.size,
    )
