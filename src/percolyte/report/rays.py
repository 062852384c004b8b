"""A volume from outside: one ray a pixel, and where its edges lie in the picture."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
from numba import njit
from numpy.typing import NDArray

from percolyte.microstructure.volume import Labels, Lengths

MARGIN = 1.02
"""Half the picture over half the diagonal of the volume."""
Points = NDArray[np.float64]


def view(turn: float, tilt: float) -> NDArray[np.float64]:
    """Rows: the directions to the right, upwards and away of someone who looks at the volume."""
    a, b = math.radians(turn), math.radians(tilt)
    right = np.array([0.0, -math.cos(a), -math.sin(a)])
    away = np.array([math.sin(b), -math.cos(b) * math.sin(a), math.cos(b) * math.cos(a)])
    return np.array([right, np.cross(right, away), away])


def corners(size: Lengths, view: Points, pixels: int) -> Points:
    """Column and row in the picture of the eight corners, by the side of each axis: an array of 2 x 2 x 2 x 2."""
    signs = np.array(list(product((-0.5, 0.5), repeat=3))).reshape(2, 2, 2, 3)
    across, high = (signs * size @ view[row] for row in (0, 1))
    reach = 0.5 * math.hypot(*size) * MARGIN
    return 0.5 * pixels * np.stack([1.0 + across / reach, 1.0 - high / reach], axis=-1) - 0.5


def outer_edges(size: Lengths, view: Points, pixels: int) -> list[Points]:
    """For each axis the edge farthest from the middle of the picture, of two alike the lower: its two ends."""
    places, middle = corners(size, view, pixels), 0.5 * (pixels - 1)
    found = []
    for axis in range(3):
        edges = np.moveaxis(places, axis, 2).reshape(4, 2, 2)
        off = edges.mean(axis=1) - middle
        found.append(edges[np.argmax(np.hypot(*off.T) + 1e-6 * off[:, 1] - 1e-7 * off[:, 0])])
    return found


@njit(cache=True)
def cast(
    labels: Labels, voxel: Lengths, rgb: NDArray[np.float64], view: NDArray[np.float64], pixels: int
) -> NDArray[np.float64]:
    """One ray a pixel through the voxels, along their faces (Amanatides and Woo, Eurographics 1987, 3)."""
    shape = np.array(labels.shape)
    step_length = np.array(voxel)
    middle = 0.5 * shape * step_length
    reach = math.sqrt((middle**2).sum()) * MARGIN
    picture = np.ones((pixels, pixels, 3))
    right, up, away = view[0], view[1], view[2]
    light = -0.75 * away + 0.55 * up - 0.35 * right
    light /= math.sqrt((light**2).sum())
    for row in range(pixels):
        for column in range(pixels):
            across, high = (2.0 * (column + 0.5) / pixels - 1.0) * reach, (1.0 - 2.0 * (row + 0.5) / pixels) * reach
            start = (middle + across * right + high * up - reach * away) / step_length
            slope = away / step_length
            enter, leave, face = 0.0, 2.0 * reach, 0
            for d in range(3):
                if abs(slope[d]) < 1e-12:
                    if not 0.0 <= start[d] < shape[d]:
                        leave = -1.0
                    continue
                one, other = -start[d] / slope[d], (shape[d] - start[d]) / slope[d]
                if min(one, other) > enter:
                    enter, face = min(one, other), d
                leave = min(leave, max(one, other))
            if enter >= leave:
                continue
            place = np.empty(3, dtype=np.int64)
            to_next, each = np.full(3, np.inf), np.full(3, np.inf)
            for d in range(3):
                at = start[d] + enter * slope[d]
                place[d] = min(max(math.floor(at + 1e-9 * np.sign(slope[d])), 0), shape[d] - 1)
                if abs(slope[d]) >= 1e-12:
                    each[d] = abs(1.0 / slope[d])
                    edge = place[d] + (1 if slope[d] > 0.0 else 0)
                    to_next[d] = (edge - start[d]) / slope[d]
            while True:
                label = labels[place[0], place[1], place[2]]
                if rgb[label, 0] >= 0.0:
                    normal = _normal(labels, rgb, place, step_length, face, -np.sign(slope[face]))
                    shade = 0.45 + 0.55 * max(0.0, (normal * light).sum())
                    picture[row, column] = np.minimum(1.0, rgb[label] * shade + 0.06)
                    break
                face = int(np.argmin(to_next))
                place[face] += 1 if slope[face] > 0.0 else -1
                to_next[face] += each[face]
                if not 0 <= place[face] < shape[face]:
                    break
    return picture


@njit(cache=True)
def _normal(
    labels: Labels,
    rgb: NDArray[np.float64],
    place: NDArray[np.int64],
    voxel: NDArray[np.float64],
    face: int,
    side: float,
) -> NDArray[np.float64]:
    """Normal of the visible phases' surface around a voxel; that of the face where the volume is cut."""
    normal = np.zeros(3)
    normal[face] = side
    outside = place[face] + int(side)
    if not 0 <= outside < labels.shape[face]:
        return normal
    gradient = np.zeros(3)
    for i in range(max(0, place[0] - 2), min(labels.shape[0], place[0] + 3)):
        for j in range(max(0, place[1] - 2), min(labels.shape[1], place[1] + 3)):
            for k in range(max(0, place[2] - 2), min(labels.shape[2], place[2] + 3)):
                if rgb[labels[i, j, k], 0] >= 0.0:
                    gradient[0] -= (i - place[0]) * voxel[0]
                    gradient[1] -= (j - place[1]) * voxel[1]
                    gradient[2] -= (k - place[2]) * voxel[2]
    size = math.sqrt((gradient**2).sum())
    return gradient / size if size > 0.0 else normal
