"""What a volume would take of the free memory, asked before it is taken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from percolyte import units
from percolyte.errors import InputError, Problem

ROOM = 0.8
"""Share of the free memory that may be taken, so that the machine stays usable."""


def room() -> float:
    """Bytes that may be taken."""
    import psutil

    return ROOM * float(psutil.virtual_memory().available)


Job = Literal[
    "measure", "conduct one", "conduct several", "fields", "walk", "view", "utilisation", "add", "pack", "cell"
]
BYTES: dict[Job, float] = {
    "measure": 35.0,
    "conduct one": 21.0,
    "conduct several": 36.0,
    "fields": 21.0,
    "walk": 9.0,
    "view": 12.0,
    "utilisation": 31.0,
    "add": 26.0,
    "pack": 30.0,
    "cell": 60.0,
}
"""Bytes a voxel beside the labels at the peak of each job, measured as resident memory at 200³ voxels; "fields" come on top of
conduction, and "cell" is a volume that a design generates, kept with its particles while it is measured and solved."""


def check_memory(shape: Sequence[int], bytes_per_voxel: float, source: str, advice: str = "") -> None:
    """Refuse what the free memory cannot hold, and say how to read less, or what else to do."""
    needed, free = bytes_per_voxel * math.prod(shape), room()
    if needed > free:
        less = (free / needed) ** (1.0 / 3.0)
        part = ",".join(f"0:{max(1, int(length * less))}" for length in shape)
        advice = advice or f"read a part with --crop {part}, or blocks of voxels with --coarsen {math.ceil(1.0 / less)}"
        raise InputError(f"{_sizes(shape, needed, free)}; {advice}", source=source)


def memory_problem(edges: Sequence[float], voxel: float, job: Job) -> list[Problem]:
    """What is wrong with a volume to generate that the free memory cannot hold: its voxels are too small."""
    shape = [max(1, round(edge / voxel)) for edge in edges]
    needed, free = BYTES[job] * math.prod(shape), room()
    if needed <= free:
        return []
    larger = units.text(voxel * (needed / free) ** (1.0 / 3.0) * 1.01, units.LENGTH, digits=2)
    return [Problem("voxel", f"{_sizes(shape, needed, free)}; write voxel = '{larger}', or a smaller size")]


def _sizes(shape: Sequence[int], needed: float, free: float) -> str:
    return f"{' x '.join(map(str, shape))} voxels need {_gibibytes(needed)} of memory, and {_gibibytes(free)} are free"


def _gibibytes(count: float) -> str:
    return f"{count / 1024**3:.3g} GiB"
