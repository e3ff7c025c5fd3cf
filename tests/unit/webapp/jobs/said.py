"""What a person says to the HAQ form who changes nothing but the budget."""

from typing import Any

from webapp.teams.models import Team


def said_by(team: Team, **changes: Any) -> dict[str, Any]:
    """Return the form's values as a browser sends them."""
    bits = [str(bits) for bits in range(2, 9)]
    return {
        "model": "mobilenet_v2_small",
        "dataset": "fashion-mnist",
        "target": "bismo-cloud",
        "question": "accuracy",
        "quantizer": "linear",
        "metric": "latency_ms",
        "limit": "4",
        "preset": "smoke",
        "weight_bits": bits,
        "activation_bits": bits,
        "granularity": "channel",
        "clipping": "mse",
        "sensitivity": "divergence",
        "seed": "0",
        "device": "auto",
        "threads": "1",
        "team": str(team.pk),
        **changes,
    }
