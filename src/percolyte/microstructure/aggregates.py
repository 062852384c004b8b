"""Branched aggregates of primary particles, as carbon blacks are."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Pairs = NDArray[np.int64]

ESCAPED = 3.0
"""Distance, over that at which two clusters are let go, at which their meeting starts anew."""


def grow_aggregates(number: int, generations: int, random: np.random.Generator) -> tuple[Floats, Pairs]:
    """Aggregates of 2^generations spheres of diameter one about their middles, and which spheres touch.

    Clusters of equal size, turned at random, meet by random walks in pairs and stick
    where they first touch, generation after generation: the hierarchical
    form (R. Botet, R. Jullien, M. Kolb, J. Phys. A 17 (1984) L75) of diffusion-limited
    aggregation of clusters (P. Meakin, Phys. Rev. Lett. 51 (1983) 1119; M. Kolb et
    al., ibid. 1123). The number of spheres goes as the radius of gyration to the
    power 1.8. Limit case: one generation, two spheres that touch.

    Shapes: (number, 2^generations, 3) and (number, 2^generations - 1, 2).
    """
    spheres = 2**generations
    centres, touching = np.empty((number, spheres, 3)), np.empty((number, spheres - 1, 2), dtype=np.int64)
    for place in range(number):
        _grow(centres[place], touching[place], random)
    return centres, touching


@njit(cache=True)
def _grow(centres: Floats, touching: Pairs, random: np.random.Generator) -> None:
    centres[:] = 0.0
    half, found = 1, 0
    while half < len(centres):
        for start in range(0, len(centres), 2 * half):
            one, other = centres[start : start + half], centres[start + half : start + 2 * half]
            _turn(other, random)
            a, b = _meet(one, other, random)
            touching[found] = start + a, start + half + b
            found += 1
            both = centres[start : start + 2 * half]
            for axis in range(3):
                both[:, axis] -= both[:, axis].mean()
        half *= 2


@njit(cache=True)
def _turn(centres: Floats, random: np.random.Generator) -> None:
    """By a random rotation, of a random unit quaternion."""
    q = np.empty(4)
    for part in range(4):
        q[part] = random.standard_normal()
    w, x, y, z = q / math.sqrt((q**2).sum())
    for row in range(len(centres)):
        a, b, c = centres[row]
        centres[row, 0] = (1 - 2 * (y * y + z * z)) * a + 2 * (x * y - z * w) * b + 2 * (x * z + y * w) * c
        centres[row, 1] = 2 * (x * y + z * w) * a + (1 - 2 * (x * x + z * z)) * b + 2 * (y * z - x * w) * c
        centres[row, 2] = 2 * (x * z - y * w) * a + 2 * (y * z + x * w) * b + (1 - 2 * (x * x + y * y)) * c


@njit(cache=True)
def _direction(random: np.random.Generator) -> Floats:
    way = np.empty(3)
    for axis in range(3):
        way[axis] = random.standard_normal()
    return way / math.sqrt((way**2).sum())


@njit(cache=True)
def _meet(one: Floats, other: Floats, random: np.random.Generator) -> tuple[int, int]:
    """Move the other cluster by a random walk until it touches the first; returns the spheres that do."""
    reach = math.sqrt((one**2).sum(axis=1).max()) + math.sqrt((other**2).sum(axis=1).max()) + 1.0
    at = (reach + 1.0) * _direction(random)
    while True:
        away = math.sqrt((at**2).sum())
        if away > ESCAPED * (reach + 1.0):
            at = (reach + 1.0) * _direction(random)
            continue
        # nothing is met within the distance between the spheres around both
        step = max(1.0, away - reach) * _direction(random)
        share, a, b = _first_touch(one, other, at, step) if away < reach + 1.0 else (1.0, -1, -1)
        at = at + share * step
        if a >= 0:
            for row in range(len(other)):
                other[row] += at
            return a, b


@njit(cache=True)
def _first_touch(one: Floats, other: Floats, at: Floats, step: Floats) -> tuple[float, int, int]:
    """Share of a step after which two spheres first touch, and which; 1 and -1 where none do."""
    share, a, b = 1.0, -1, -1
    square = (step**2).sum()
    for i in range(len(one)):
        for j in range(len(other)):
            x, y, z = at[0] + other[j, 0] - one[i, 0], at[1] + other[j, 1] - one[i, 1], at[2] + other[j, 2] - one[i, 2]
            along = x * step[0] + y * step[1] + z * step[2]
            if along >= 0.0:
                continue
            room = along * along - square * (x * x + y * y + z * z - 1.0)
            if room < 0.0:
                continue
            found = (-along - math.sqrt(room)) / square
            if found < share:
                share, a, b = max(0.0, found), i, j
    return share, a, b
