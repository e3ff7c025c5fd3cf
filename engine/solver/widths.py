"""Whether the widths that are asked for are any that the target computes with."""

from collections.abc import Sequence

from engine.schema.errors import InvalidConfig
from engine.schema.policy import FLOAT_BITS
from engine.schema.target import Target


def check_widths(
    target: Target, weight_bits: Sequence[int], activation_bits: Sequence[int]
) -> None:
    """Refuse widths of which the target computes with none.

    Others beside its own may stand among them: they are computed as the next wider one, and save
    memory and what the memory's traffic costs.

    Raises:
        InvalidConfig: naming the operand, and the widths that the target has.
    """
    if tuple(activation_bits) == (FLOAT_BITS,):  # shared weights are looked up, at any width
        return
    for name, asked, own in (
        ("weight_bits", weight_bits, target.weight_bits),
        ("activation_bits", activation_bits, target.activation_bits),
    ):
        if not set(asked) & set(own):
            raise InvalidConfig(
                name,
                f"{target.id} computes with {_listed(own)} bits, and {_listed(asked)} is none of "
                f"them; allow {_listed(own)} too",
            )


def widths_note(target: Target, weight_bits: Sequence[int], activation_bits: Sequence[int]) -> str:
    """Return a sentence on widths in use that the target has no units for; "": there are none."""
    foreign = (set(weight_bits) - set(target.weight_bits)) | (
        set(activation_bits) - set(target.activation_bits) - {FLOAT_BITS}
    )
    if not foreign:
        return ""
    own = sorted(set(target.weight_bits) | set(target.activation_bits))
    return (
        f"{target.title} computes with {_listed(own)} bits; {_listed(sorted(foreign))} bits run as "
        "the next wider ones and save memory alone."
    )


def _listed(widths: Sequence[int]) -> str:
    *most, last = map(str, widths)
    return f"{', '.join(most)} or {last}" if most else last
