"""The machine that measures: what it is, and how a measurement keeps to fixed cores of it."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.schema.cost_table import Machine
from engine.schema.errors import InvalidConfig

_CPU_INFO = Path("/proc/cpuinfo")
# Instruction sets by which runtimes choose kernels.
_TELLING = (
    "sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16",
    "amx_int8", "amx_bf16", "asimd", "asimddp", "i8mm", "bf16", "sve",
)  # fmt: skip


def describe_machine(accelerator: str = "") -> Machine:
    """Return what tells this machine from another where times are concerned."""
    model, flags = _cpu_info()
    return Machine(
        processor=model or platform.processor() or platform.machine(),
        features=tuple(name for name in _TELLING if name in flags),
        accelerator=accelerator,
        system=f"{platform.system()} {platform.machine()}",
    )


@contextmanager
def pinned(threads: int) -> Iterator[None]:
    """Keep this process on as many cores as it has threads, where the system can do that.

    Raises:
        InvalidConfig: there are fewer cores.
    """
    if not hasattr(os, "sched_getaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    if threads > len(before):
        raise InvalidConfig(
            "threads", f"this process may use {len(before)} cores; ask for at most as many"
        )
    # The last ones: systems put their own work on the first.
    os.sched_setaffinity(0, sorted(before)[-threads:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _cpu_info() -> tuple[str, frozenset[str]]:
    try:
        lines = _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "", frozenset()
    fields = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
        if value
    }
    flags = fields.get("flags") or fields.get("features") or ""
    return fields.get("model name", ""), frozenset(flags.split())
