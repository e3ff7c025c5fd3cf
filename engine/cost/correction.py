"""What whole networks take beside the sum of their layers: latency = share x sum + overhead."""

from engine.schema.target import Target


def end_to_end(target: Target, *, is_float: bool) -> float:
    """Return the share of the sum of its layers' latencies that a network takes."""
    if is_float and target.float_end_to_end is not None:
        return target.float_end_to_end
    return target.end_to_end


def overhead_ms(target: Target, *, is_float: bool) -> float:
    """Return what every network takes beside that share."""
    return target.float_overhead_ms if is_float else target.overhead_ms
