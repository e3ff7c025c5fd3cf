"""How to load what a run delivered."""

from engine.schema.results import QuantizeResult

_SNIPPET = """\
from safetensors.torch import load_file

weights = load_file("{checkpoint}")
print({{name: tuple(tensor.shape) for name, tensor in weights.items()}})
"""


def load_snippet(result: QuantizeResult) -> str:
    """Return code that loads the delivered checkpoint."""
    names = [artifact.name for artifact in result.artifacts if artifact.role == "checkpoint"]
    return _SNIPPET.format(checkpoint=names[0] if names else "checkpoint.safetensors")
