"""V03 of validation.py: the filled fraction at which random structures first lead from side to side.

Spheres of diameter one are strewn in a box and grown. `_by_voxels` draws them and labels the voxels, as `measure` does;
`_by_centres` joins the same spheres where their centres are nearer than a diameter. The difference is that of the voxels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from validation_sampling import Row, share

from percolyte.microstructure.clusters import connected
from percolyte.microstructure.shapes import Drawing

Field = NDArray[np.floating]
Mask = NDArray[np.bool_]

FILLED = 0.2896
"""At which spheres are strewn; growing them by a few percent reaches the threshold of each box."""
EDGE = 15.0
"""Diameters along the edge of the boxes that are drawn."""
VOXELS = (12, 24, 48)
"""A diameter."""
FINE_BOXES, BOXES = 6, 16
"""Boxes at the finest voxels, and at the others."""
WIDE, WIDE_BOXES = 60.0, 16
"""Diameters along the edge of boxes without voxels, and how many; at 15 and 30 the mean is the same within 0.002."""


def thresholds() -> Iterator[Row]:
    """Fraction at which a growing random structure first leads from side to side."""
    for number, case in enumerate((_sites, _bonds), 1):
        yield share("thresholds", "lattice of 128 sites", number, [case(seed) for seed in range(8)])
    yield from _spheres()
    coarse, fine = np.array([[_voids(seed, voxels) for seed in range(4)] for voxels in (180, 360)])
    yield share("thresholds", "24 voxels a diameter", 4, fine)
    yield share("thresholds", "extrapolated to no voxel", 4, 2.0 * fine - coarse)


def _spheres() -> Iterator[Row]:
    """Overlapping spheres: the threshold without voxels, and what voxels change in one and the same box."""
    boxes = [_strewn(seed, WIDE, FILLED) for seed in range(WIDE_BOXES)]
    without = np.array([_filled(centres, WIDE, _by_centres(centres, WIDE)) for centres in boxes])
    coarse, middle, fine = (
        np.array([_shift(seed, voxels) for seed in range(FINE_BOXES if voxels == VOXELS[-1] else BOXES)])
        for voxels in VOXELS
    )
    for voxels, found in zip(VOXELS, (coarse, middle, fine), strict=True):
        yield _with_error(f"{voxels} voxels a diameter", without.mean() + found.mean(), _error(found))
    # in first order, to which the shifts are proportional; the coarser pair says what the next order is worth
    first = 2.0 * fine - middle[:FINE_BOXES]
    next_order = (first - 2.0 * middle[:FINE_BOXES] + coarse[:FINE_BOXES]).mean() / 3.0
    error = math.hypot(_error(first), _error(without), next_order)
    yield _with_error("extrapolated to no voxel", without.mean() + first.mean(), error)
    yield _with_error("spheres without voxels", without.mean(), _error(without))


def _shift(seed: int, voxels: int) -> float:
    """By how much voxels change the threshold of a box of 15 diameters."""
    centres = _strewn(seed, EDGE, FILLED)
    without = _by_centres(centres, EDGE)
    return _filled(centres, EDGE, _by_voxels(centres, EDGE, voxels, without)) - _filled(centres, EDGE, without)


def _with_error(series: str, value: float, error: float) -> Row:
    return Row("thresholds", series, 3, value, value - error, value + error)


def _error(values: Field) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _sites(seed: int) -> float:
    return _level(np.random.default_rng(seed).random((128, 128, 128)), 0.2, 0.4)


def _bonds(seed: int) -> float:
    """Sites stand on even voxels, bonds between two of them; the rest is empty."""
    field = np.random.default_rng(seed).random((255, 255, 255))
    odd = sum(np.ix_(*[np.arange(255) % 2] * 3))
    field[odd == 0], field[odd > 1] = -1.0, np.inf
    return _level(field, 0.15, 0.35)


def _voids(seed: int, voxels: int) -> float:
    """Between spheres that fill 97 % of a box of 15 diameters."""
    drawing = Drawing((voxels,) * 3, (15.0 / voxels,) * 3, (False, True, True))
    centres = _strewn(seed, 15.0, 0.970)
    drawing.spheres(centres, np.full(len(centres), 0.5), 1.15)
    field = drawing.best
    return float(np.mean(field > -_level(-field, -1.3, -0.5)))


def _level(field: Field, low: float, high: float) -> float:
    """Level below which the field first leads through along axis 0."""
    return _first(lambda level: _leads_through(field < level), low, high, 12)


def _leads_through(mask: Mask) -> bool:
    return connected(mask).of(1).percolating_fraction(0) > 0.0


def _first(through: Callable[[float], bool], low: float, high: float, halvings: int) -> float:
    """Where something that grows begins to lead through."""
    for _ in range(halvings):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if through(middle) else (middle, high)
    return 0.5 * (low + high)


def _strewn(seed: int, across: float, filled: float) -> Field:
    """Centres of as many spheres of diameter one as fill that much of a box `across` wide."""
    number = round(-np.log(1.0 - filled) * across**3 / (np.pi / 6.0))
    return across * np.random.default_rng(seed).random((number, 3))


def _filled(centres: Field, across: float, diameter: float) -> float:
    """Fraction that spheres anywhere fill, on average over their places."""
    return 1.0 - float(np.exp(-len(centres) / across**3 * np.pi / 6.0 * diameter**3))


def _by_centres(centres: Field, across: float) -> float:
    """Diameter at which the spheres lead through, by the distances of their centres."""
    tree = cKDTree(centres, boxsize=(10.0 * across, across, across))
    near = tree.sparse_distance_matrix(tree, 1.2, output_type="coo_matrix")

    def through(diameter: float) -> bool:
        kept = near.data < diameter
        joined = coo_matrix((near.data[kept], (near.row[kept], near.col[kept])), shape=near.shape)
        cluster = connected_components(joined, directed=False)[1]
        first, last = centres[:, 0] < 0.5 * diameter, centres[:, 0] > across - 0.5 * diameter
        return np.intersect1d(cluster[first], cluster[last]).size > 0

    return _first(through, 0.8, 1.2, 12)


def _by_voxels(centres: Field, across: float, voxels: int, most: float) -> float:
    """The same, drawn on so many voxels a diameter; at most a little more than the diameter by centres."""
    edge = round(across * voxels)
    mask = np.empty((edge, edge, edge), dtype=np.bool_)

    def through(diameter: float) -> bool:
        mask[:] = False
        _draw(mask, centres * voxels, 0.5 * diameter * voxels)
        return _leads_through_periodic(mask)

    return _first(through, most * (1.0 - 1.6 / voxels), 1.005 * most, 8)


def _leads_through_periodic(mask: Mask) -> bool:
    """As `_leads_through`, with what touches across sides 1 and 2 joined as well."""
    found = connected(mask)
    ends = ((found.number[:, 0], found.number[:, -1]), (found.number[:, :, 0], found.number[:, :, -1]))
    pairs = np.concatenate([np.stack(pair).reshape(2, -1) for pair in ends], axis=1)
    touching = pairs[:, found.labels[pairs].all(axis=0)]
    number = len(found.sizes)
    joined = coo_matrix((np.ones(touching.shape[1]), tuple(touching)), shape=(number, number))
    cluster = connected_components(joined, directed=False)[1]
    first, last = (np.unique(found.number[end][mask[end]]) for end in (0, -1))
    return np.intersect1d(cluster[first], cluster[last]).size > 0


@njit(cache=True)
def _draw(mask: Mask, centres: Field, radius: float) -> None:
    """Voxels whose middles lie in a sphere; lengths in voxels, axes 1 and 2 periodic."""
    n = len(mask)
    for x, y, z in centres:
        for i in range(max(0, int(np.ceil(x - radius - 0.5))), min(n - 1, int(np.floor(x + radius - 0.5))) + 1):
            left = radius**2 - (i + 0.5 - x) ** 2
            wide = np.sqrt(max(0.0, left))
            for j in range(int(np.ceil(y - wide - 0.5)), int(np.floor(y + wide - 0.5)) + 1):
                half = np.sqrt(max(0.0, left - (j + 0.5 - y) ** 2))
                line = mask[i, j % n]
                for k in range(int(np.ceil(z - half - 0.5)), int(np.floor(z + half - 0.5)) + 1):
                    line[k % n] = True
