"""A labelled voxel image: which phase stands where, and how long a voxel is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from percolyte.errors import InputError, Problem


@dataclass(frozen=True)
class Volume:
    """Labels on a regular grid; axis 0 runs from the separator to the collector."""

    labels: NDArray[np.uint8]
    voxel: tuple[float, float, float]
    """Length of a voxel along each axis, m."""
    phases: Mapping[str, int]
    """Name of a phase -> its label, every label of the image included."""
    origin: Literal["measured", "generated", "assumed"]
    source: str
    """The file, or the recipe and the seed, that it came from."""

    def __post_init__(self) -> None:
        problems = []
        if self.labels.ndim != 3 or self.labels.dtype != np.uint8 or self.labels.size == 0:
            problems.append(
                Problem(
                    "labels", f"a volume is a filled 3D array of uint8, not {self.labels.ndim}D {self.labels.dtype}"
                )
            )
        if len(self.voxel) != 3 or not all(0.0 < length < np.inf for length in self.voxel):
            problems.append(
                Problem("voxel", f"{self.voxel} are not three lengths above zero; write for example '0.5 um'")
            )
        if len(set(self.phases.values())) != len(self.phases):
            problems.append(Problem("phases", "two phases share a label; give each its own"))
        if problems:
            raise InputError(problems, source=self.source)

    @property
    def size(self) -> tuple[float, float, float]:
        """Length of the edges, m."""
        (nx, ny, nz), (dx, dy, dz) = self.labels.shape, self.voxel
        return nx * dx, ny * dy, nz * dz

    def mask(self, *names: str) -> NDArray[np.bool_]:
        """True where one of the named phases stands."""
        return np.isin(self.labels, np.array([self.label(name) for name in names], dtype=np.uint8))

    def label(self, name: str) -> int:
        if name not in self.phases:
            known = ", ".join(f"'{phase}'" for phase in self.phases)
            raise InputError(f"no phase '{name}' in this volume; it has {known}", source=self.source)
        return self.phases[name]
