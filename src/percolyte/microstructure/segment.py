"""Grey values to labels: the thresholds that part a histogram best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from percolyte.errors import InputError
from percolyte.microstructure.image import Image, read_values
from percolyte.microstructure.memory import check_memory
from percolyte.microstructure.volume import Labels, Lengths, Volume

BINS = 256
MOST_PHASES = 5
"""The search tries every set of thresholds: its time grows as 256 to the power of the phases."""
WIDEST_MEDIAN = 15
"""Voxels along an edge of the cube for smoothing; the work goes with their third power."""


@dataclass(frozen=True)
class Segmentation:
    """Labels from grey values, and the histogram that divided it."""

    labels: Labels
    phases: Mapping[str, int]
    """From dark to bright, labels from 0."""
    source: str
    thresholds: NDArray[np.float64]
    """Grey values above which the next phase begins."""
    counts: NDArray[np.int64]
    centres: NDArray[np.float64]
    """Voxels in each bin of the histogram, and the grey value of its middle."""

    def volume(self, voxel: Lengths) -> Volume:
        """The labels with the length of their voxels, m."""
        return Volume(self.labels, voxel, self.phases, "measured", self.source)

    @property
    def fractions(self) -> dict[str, float]:
        """Volume fraction of every phase."""
        counts = np.bincount(self.labels.ravel(), minlength=len(self.phases))
        return {name: float(counts[label] / self.labels.size) for name, label in self.phases.items()}


def segment(image: Image, phases: int | Sequence[str], *, median: int = 1) -> Segmentation:
    """Labels by the thresholds with the largest variance between the classes (multi-Otsu).

    Liao, Chen and Chung, J. Inf. Sci. Eng. 17 (2001) 713, in scikit-image, on a
    histogram of 256 bins; `median` smooths over a cube of so many voxels before.
    It divides by brightness alone: phases of the same grey value, shadows and
    charging need a program for images. Limit case: k grey values give k phases.

    Errors: `InputError` for fewer than two or more than five phases, for an even
    `median`, and for an image with fewer grey values than phases.
    """
    from scipy.ndimage import median_filter
    from skimage.filters import threshold_multiotsu

    names = phase_names(phases)
    check_median(median)
    check_memory(image.shape, 2 * image.values.dtype.itemsize + 1, image.source, "segment a smaller image")
    grey = read_values(image, [slice(None)] * 3)
    if median > 1:
        grey = median_filter(grey, size=median)
    if not np.isfinite(grey).all():
        raise InputError("holds values that are no numbers", source=image.source)
    counts, edges = np.histogram(grey, bins=BINS)
    centres = (edges[:-1] + edges[1:]) / 2
    if np.count_nonzero(counts) < len(names):
        raise InputError(
            f"holds {np.count_nonzero(counts)} grey values, too few for {len(names)} phases", source=image.source
        )
    bins = np.searchsorted(centres, threshold_multiotsu(hist=(counts, centres), classes=len(names)))
    thresholds = _between(counts, edges, bins)
    labels = np.digitize(grey, thresholds, right=True).astype(np.uint8)
    numbered = {name: number for number, name in enumerate(names)}
    return Segmentation(labels, numbered, f"{image.source}, multi-Otsu", thresholds, counts, centres)


def phase_names(phases: int | Sequence[str]) -> list[str]:
    """Names of the phases, or as many as are asked for."""
    names = [f"phase {number}" for number in range(phases)] if isinstance(phases, int) else list(phases)
    if not 2 <= len(names) <= MOST_PHASES or len(set(names)) < len(names):
        shown = phases if isinstance(phases, int) else f"'{','.join(phases)}'"
        raise InputError(
            f"grey values are divided into 2 to {MOST_PHASES} phases with names of their own, not {shown}; "
            "write for example 'void,electrolyte,active', or 3"
        )
    return names


def check_median(median: int) -> None:
    """Refuse a cube without a voxel in its middle, which would shift the image by half a voxel, and too large a one."""
    if median > WIDEST_MEDIAN:
        raise InputError(f"a cube of {median} voxels leaves little of an image; write at most {WIDEST_MEDIAN}")
    if median < 1 or median % 2 == 0:
        raise InputError(f"a cube of {median} voxels has none in its middle; write an odd number, such as 3")


def _between(counts: NDArray[np.int64], edges: NDArray[np.float64], bins: NDArray[np.int64]) -> NDArray[np.float64]:
    """Thresholds above the last bin of each class, in the middle of the gap where empty bins follow."""
    filled = np.flatnonzero(counts)
    following = filled[np.searchsorted(filled, bins, side="right")]
    thresholds: NDArray[np.float64] = (edges[bins + 1] + edges[following]) / 2
    return thresholds
