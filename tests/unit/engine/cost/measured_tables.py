"""Small tables of times to price and to import."""

from collections.abc import Sequence

from engine.cost.block_rows import block_key
from engine.cost.lookup_table import layer_shape
from engine.cost.table_coverage import model_parts, space_parts, unique_parts
from engine.schema.architecture import SearchSpace
from engine.schema.cost_table import (
    BlockRow,
    CostTable,
    EndToEnd,
    GridRow,
    KernelPrecision,
    LayerRow,
    SampledNetwork,
    Timing,
)
from engine.schema.layers import LayerSpec, ModelSpec

PRECISIONS: tuple[KernelPrecision, ...] = ("fp32", "int8")
SHARES = {"fp32": 1.0, "int8": 0.5}


def part_ms(part: Sequence[LayerSpec]) -> float:
    """An invented time, another for each shape."""
    return 0.01 + sum(layer.macs for layer in part) * 1e-6


def table_of_space(space: SearchSpace, **fields: object) -> CostTable:
    """A table with a time for everything in a space."""
    return _table(list(unique_parts(space_parts(space))), subject=space.id, **fields)


def table_of_model(spec: ModelSpec, **fields: object) -> CostTable:
    """A table with a time for everything in a model."""
    return _table(list(unique_parts(model_parts(spec.layers))), subject=spec.model, **fields)


def grids_of_model(spec: ModelSpec, **fields: object) -> CostTable:
    """A table by bits, as HAQ's arrays: a layer's time grows with the product of its widths."""
    pairs = [(w, a) for w in range(1, 9) for a in range(1, 9)]
    grids = tuple(
        GridRow(
            layer=layer.name,
            **layer_shape(layer)._asdict(),
            latencies_ms=tuple(layer.macs * w * a * 1e-9 for w, a in pairs),
        )
        for layer in spec.layers
    )
    known = {"name": "fpga", "title": "An FPGA", "source": "invented", "provenance": "table"}
    return CostTable(**{**known, "subject": spec.model, "grids": grids, **fields})  # type: ignore[arg-type]


def end_to_end(alpha: float, beta_ms: float) -> EndToEnd:
    """A correction as a profile run finds it."""
    return EndToEnd(
        alpha=alpha,
        beta_ms=beta_ms,
        r2=0.99,
        kendall_tau=0.95,
        mean_error=0.021,
        networks=(
            SampledNetwork(label="a", sum_ms=1.0, predicted_ms=alpha + beta_ms, measured_ms=1.0),
        ),
    )


def _table(parts: Sequence[Sequence[LayerSpec]], **fields: object) -> CostTable:
    blocks, layers = [], []
    for part in parts:
        times = {one: Timing(median_ms=part_ms(part) * SHARES[one]) for one in PRECISIONS}
        key = block_key(part)
        if key is None:
            layers.append(LayerRow(**layer_shape(part[0])._asdict(), times=times))
        else:
            blocks.append(BlockRow(**key._asdict(), times=times))
    known = {
        "name": "bench",
        "title": "A bench",
        "source": "invented",
        "provenance": "measured",
        "blocks": tuple(blocks),
        "layers": tuple(layers),
    }
    return CostTable(**{**known, **fields})  # type: ignore[arg-type]
