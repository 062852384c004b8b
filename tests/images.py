"""Labelled images whose conduction is known, and random ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from percolyte.microstructure.volume import Volume
from percolyte.transport.voxels import conduct

H = 1e-6
Labels = NDArray[np.uint8]


def a_volume(labels: Any, voxel: tuple[float, float, float] = (H, H, H)) -> Volume:
    """Label n is phase 'n'."""
    labels = np.ascontiguousarray(labels, dtype=np.uint8)
    return Volume(labels, voxel, {str(n): n for n in range(int(labels.max()) + 1)}, "generated", "test")


def effective(
    labels: Any, sigma: dict[str, float], voxel: tuple[float, float, float] = (H, H, H), **options: Any
) -> float:
    return float(conduct(a_volume(labels, voxel), sigma, errors=False, **options).effective_conductivity)


def sphere_array(kind: str, fraction: float, n: int) -> Labels:
    """One cubic cell of n voxels an edge: 1 inside the spheres."""
    centres = {
        "SC": [(0.5, 0.5, 0.5)],
        "BCC": [(0.0, 0.0, 0.0), (0.5, 0.5, 0.5)],
        "FCC": [(0.0, 0.0, 0.0), (0.5, 0.5, 0.0), (0.5, 0.0, 0.5), (0.0, 0.5, 0.5)],
    }[kind]
    radius = (3.0 * fraction / (4.0 * math.pi * len(centres))) ** (1.0 / 3.0)
    middles = (np.arange(n) + 0.5) / n
    inside = np.zeros((n, n, n), bool)
    for centre in centres:
        x, y, z = ((middles - c + 0.5) % 1.0 - 0.5 for c in centre)
        inside |= x[:, None, None] ** 2 + y[:, None] ** 2 + z**2 <= radius**2
    return inside.astype(np.uint8)


def blobs(shape: tuple[int, int, int], fraction: float, seed: int, length: float = 2.0) -> Labels:
    """A random two-phase image: the upper `fraction` of a smoothed noise is 1."""
    noise = scipy.ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), length, mode="wrap")
    return (noise >= np.quantile(noise, 1.0 - fraction)).astype(np.uint8)
