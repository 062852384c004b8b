"""What a volume would take of the free memory, asked before it is taken."""

from __future__ import annotations

import math
from collections.abc import Sequence

from percolyte.errors import InputError

ROOM = 0.8
"""Share of the free memory that may be taken, so that the machine stays usable."""


def room() -> float:
    """Bytes that may be taken."""
    import psutil

    return ROOM * float(psutil.virtual_memory().available)


def check_memory(shape: Sequence[int], bytes_per_voxel: float, source: str) -> None:
    """Refuse what the free memory cannot hold, and say how to read less."""
    needed, free = bytes_per_voxel * math.prod(shape), room()
    if needed > free:
        raise InputError(
            f"{' x '.join(map(str, shape))} voxels need {_gibibytes(needed)} of memory, and {_gibibytes(free)} are free; "
            "read a part with --crop 0:500,0:500,0:500, or blocks of voxels with --coarsen 2",
            source=source,
        )


def _gibibytes(count: float) -> str:
    return f"{count / 1024**3:.3g} GiB"
