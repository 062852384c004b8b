"""Kinds of voxels: labels, and particles of one label told apart where their boundaries resist.

What a face conducts depends on the kinds on both sides alone. Particles of one label
whose boundaries resist are coloured so that no two that touch are alike; a few
colours are enough, as a particle's neighbours need not differ from each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from percolyte.errors import InputError, Problem
from percolyte.numerics.blocks import root, unite
from percolyte.numerics.grid import Grid, compiled, face_table, inlined, series, wrap_voxels


def grid_of_kinds(
    labels: NDArray[np.uint8],
    half: NDArray[np.float64],
    contact: NDArray[np.float64],
    particles: NDArray[Any] | None,
    periodic: tuple[bool, bool, bool],
) -> Grid:
    """Kind of every voxel and conductance between any two kinds.

    `half[axis, label]` and `contact[axis, label, label]` are resistances of one face;
    infinite means no conduction. Kind 0 conducts nowhere; the last is that of inlet
    and outlet, which resist nothing.
    """
    conducting = np.isfinite(half).all(axis=0)
    bounded = np.asarray(contact.diagonal(axis1=1, axis2=2).any(axis=0) & conducting)
    colour = np.zeros_like(labels)
    if particles is not None and bounded.any():
        colour = colours(labels, particles, bounded, periodic)
    number = np.where(bounded, int(colour.max()) + 1, 1) * conducting
    if number.sum() > 254:
        raise InputError([Problem("particles", "touch in too many ways; number each particle apart, without strays")])
    label_of = np.repeat(np.arange(256), number)
    ends = np.full((3, 1), np.inf), np.array([[0.0], [np.inf], [np.inf]])
    kind_half = np.hstack([ends[0], half[:, label_of], ends[1]])
    kind_contact = np.zeros((3, label_of.size + 2, label_of.size + 2))
    kind_contact[:, 1:-1, 1:-1] = contact[:, label_of[:, None], label_of]
    within = np.arange(label_of.size + 1)
    kind_contact[:, within, within] = 0.0
    kind_contact[:, -1, -1] = np.inf
    first = np.where(number > 0, np.cumsum(number) - number + 1, 0).astype(np.uint8)
    voxels = np.zeros(tuple(n + 2 for n in labels.shape), np.uint8)
    inside = voxels[1:-1, 1:-1, 1:-1]
    np.take(first, labels, out=inside)
    inside += colour
    voxels[0, 1:-1, 1:-1] = voxels[-1, 1:-1, 1:-1] = label_of.size + 1
    grid = Grid(voxels, face_table(kind_half, kind_contact), series(kind_half, kind_contact), periodic)
    wrap_voxels(grid)
    return grid


def colours(
    labels: NDArray[np.uint8],
    particles: NDArray[Any],
    bounded: NDArray[np.bool_],
    periodic: tuple[bool, bool, bool] = (False, False, False),
) -> NDArray[np.uint8]:
    """A number for each particle that differs from those of the particles of its label that it touches.

    Zero where boundaries do not resist. The particle with most neighbours comes first.
    """
    parent = np.arange(labels.size, dtype=np.int64)
    image = labels, particles, bounded, periodic
    pairs = np.empty((2, meet(*image, parent)), np.int64)
    list_pairs(*image, parent, pairs)
    pairs = np.unique(np.hstack([pairs, pairs[::-1]]), axis=1)
    members, start, count = np.unique(pairs[0], return_index=True, return_counts=True)
    colour = np.zeros(labels.size, np.uint8)
    order = np.argsort(-count, kind="stable")
    give_colours(members[order], start[order], count[order], pairs[1], colour)
    spread(parent, colour)
    return colour.reshape(labels.shape)


@inlined
def before(labels: Any, bounded: Any, periodic: Any, axis: int, i: int, j: int, k: int) -> int:
    """Number of the previous voxel along an axis if it has the same label, whose boundaries resist; else -1."""
    _, rows, columns = labels.shape
    x, y, z = i - (axis == 0), j - (axis == 1), k - (axis == 2)
    if y < 0 and periodic[1]:
        y = rows - 1
    if z < 0 and periodic[2]:
        z = columns - 1
    if x < 0 or y < 0 or z < 0 or not bounded[labels[i, j, k]] or labels[x, y, z] != labels[i, j, k]:
        return -1
    return int((x * rows + y) * columns + z)


@compiled
def meet(labels: Any, particles: Any, bounded: Any, periodic: Any, parent: Any) -> int:
    """Unite the voxels of each particle; the number of faces between particles of one label."""
    touching = 0
    number = particles.ravel()
    u = 0
    for i in range(labels.shape[0]):
        for j in range(labels.shape[1]):
            for k in range(labels.shape[2]):
                for axis in range(3):
                    v = before(labels, bounded, periodic, axis, i, j, k)
                    if v >= 0 and number[u] == number[v]:
                        unite(parent, u, v)
                    elif v >= 0:
                        touching += 1
                u += 1
    return touching


@compiled
def list_pairs(labels: Any, particles: Any, bounded: Any, periodic: Any, parent: Any, pairs: Any) -> None:
    """The representatives of the particles on both sides of each face that `meet` counted."""
    written = 0
    number = particles.ravel()
    u = 0
    for i in range(labels.shape[0]):
        for j in range(labels.shape[1]):
            for k in range(labels.shape[2]):
                for axis in range(3):
                    v = before(labels, bounded, periodic, axis, i, j, k)
                    if v >= 0 and number[u] != number[v]:
                        pairs[0, written] = root(parent, u)
                        pairs[1, written] = root(parent, v)
                        written += 1
                u += 1


@compiled
def give_colours(members: Any, start: Any, count: Any, neighbours: Any, colour: Any) -> None:
    """To each member in turn the first colour that no neighbour has; before its turn it has none, written 255."""
    taken = np.empty(256, np.bool_)
    colour[members] = 255
    for m in range(members.size):
        taken[:] = False
        for e in range(start[m], start[m] + count[m]):
            taken[colour[neighbours[e]]] = True
        free = 0
        while taken[free] and free < 254:
            free += 1
        colour[members[m]] = free


@compiled
def spread(parent: Any, colour: Any) -> None:
    """The colour of its representative to every voxel."""
    for u in range(parent.size):
        colour[u] = colour[root(parent, u)]
