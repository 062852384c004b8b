"""Soft spheres that push each other apart in a box: the compiled part of packing.

Particles i and j that overlap by δ repel each other with the force k_ij δ. The
fast inertial relaxation engine (FIRE; Bitzek et al., Phys. Rev. Lett. 97 (2006)
170201) moves them down to the nearest state without overlap, or, beyond random
close packing, to the one of least elastic energy.

Neighbours come from one grid of cells for each size class (Ogarko and Luding,
Comput. Phys. Commun. 183 (2012) 931), so that a few large particles among many
small ones cost no more than equal ones. Axes 1 and 2 of the box are periodic;
axis 0 is periodic, or ends at two walls.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

DT_START, DT_MOST = 0.1, 0.35
"""Time steps for contacts of stiffness and mass one; linear springs with ten contacts are stable below 0.45."""
MIXING, MIXING_DECAY = 0.1, 0.99
STEPS_UPHILL = 5
"""Constants of FIRE as published."""


@njit(cache=True)
def wrapped(distance: float, length: float, periodic: bool) -> float:
    """The distance to the nearest image, of points within the box."""
    if periodic:
        if distance > 0.5 * length:
            return distance - length
        if distance < -0.5 * length:
            return distance + length
    return distance


@njit(cache=True)
def sorted_into_cells(points: Any, members: Any, box: Any, cells: Any) -> tuple[Any, Any]:
    """Members of each cell: those of cell c stand at start[c] : start[c + 1]."""
    where = np.empty(members.size, np.int64)
    start = np.zeros(cells[0] * cells[1] * cells[2] + 1, np.int64)
    for m in range(members.size):
        cell = 0
        for axis in range(3):
            index = int(points[members[m], axis] / box[axis] * cells[axis])
            cell = cell * cells[axis] + min(max(index, 0), cells[axis] - 1)
        where[m] = cell
        start[cell + 1] += 1
    start = np.cumsum(start)
    free = start[:-1].copy()
    order = np.empty(members.size, np.int64)
    for m in range(members.size):
        order[free[where[m]]] = members[m]
        free[where[m]] += 1
    return start, order


@njit(cache=True)
def cell_span(x: float, reach: float, edge: float, cells: int, periodic: bool) -> tuple[int, int]:
    """First and last cell within reach of x, each cell at most once."""
    low, high = int(np.floor((x - reach) / edge)), int(np.floor((x + reach) / edge))
    if not periodic:
        return max(low, 0), min(high, cells - 1)
    if high - low + 1 >= cells:
        return 0, cells - 1
    return low, high


@njit(cache=True)
def neighbours(points: Any, radii: Any, level: Any, box: Any, periodic: bool, skin: float) -> Any:
    """Pairs whose surfaces are nearer than `skin`; the particle of the larger size class comes first."""
    pairs = np.empty((16 * radii.size, 2), np.int32)
    found = 0
    cells = np.empty(3, np.int64)
    for lower in range(level.max() + 1):
        members = np.nonzero(level == lower)[0]
        if members.size == 0:
            continue
        largest = radii[members].max()
        # no more cells than a few for each particle
        edge = max(2.0 * largest + skin, (box[0] * box[1] * box[2] / (4.0 * members.size)) ** (1.0 / 3.0))
        for axis in range(3):
            cells[axis] = max(1, int(box[axis] / edge))
        edges = box / cells
        start, order = sorted_into_cells(points, members, box, cells)
        for i in range(radii.size):
            if level[i] < lower:
                continue
            reach = radii[i] + largest + skin
            x0, x1 = cell_span(points[i, 0], reach, edges[0], cells[0], periodic)
            y0, y1 = cell_span(points[i, 1], reach, edges[1], cells[1], True)
            z0, z1 = cell_span(points[i, 2], reach, edges[2], cells[2], True)
            for x in range(x0, x1 + 1):
                for y in range(y0, y1 + 1):
                    for z in range(z0, z1 + 1):
                        cell = ((x % cells[0]) * cells[1] + y % cells[1]) * cells[2] + z % cells[2]
                        for m in range(start[cell], start[cell + 1]):
                            j = order[m]
                            if level[i] == lower and j <= i:
                                continue
                            dx = wrapped(points[i, 0] - points[j, 0], box[0], periodic)
                            dy = wrapped(points[i, 1] - points[j, 1], box[1], True)
                            dz = wrapped(points[i, 2] - points[j, 2], box[2], True)
                            near = radii[i] + radii[j] + skin
                            if dx * dx + dy * dy + dz * dz < near * near:
                                if found == len(pairs):
                                    larger = np.empty((2 * found, 2), np.int32)
                                    larger[:found] = pairs
                                    pairs = larger
                                pairs[found, 0], pairs[found, 1] = i, j
                                found += 1
    return pairs[:found]


@njit(cache=True)
def push(points: Any, radii: Any, stiffness: Any, box: Any, periodic: bool, pairs: Any, force: Any) -> Any:
    """Forces of the contacts.

    Returns the number of contacts, the sum of their forces, the largest of
    them, and of those between two rigid particles the number, the sum of the
    overlaps over the smaller diameter, and the largest of these.
    """
    force[:] = 0.0
    contacts, strength, strongest = 0, 0.0, 0.0
    rigid, overlaps, worst = 0, 0.0, 0.0
    for p in range(len(pairs)):
        i, j = pairs[p, 0], pairs[p, 1]
        dx = wrapped(points[i, 0] - points[j, 0], box[0], periodic)
        dy = wrapped(points[i, 1] - points[j, 1], box[1], True)
        dz = wrapped(points[i, 2] - points[j, 2], box[2], True)
        squared, touch = dx * dx + dy * dy + dz * dz, radii[i] + radii[j]
        if squared >= touch * touch:
            continue
        distance = np.sqrt(squared) + 1e-12 * touch
        overlap = touch - distance
        k = min(stiffness[i], stiffness[j])
        pull = k * overlap / distance
        contacts += 1
        strength += k * overlap
        strongest = max(strongest, k * overlap)
        if k > 1.0:
            share = overlap / (2.0 * min(radii[i], radii[j]))
            rigid += 1
            overlaps += share
            worst = max(worst, share)
        force[i, 0] += pull * dx
        force[i, 1] += pull * dy
        force[i, 2] += pull * dz
        force[j, 0] -= pull * dx
        force[j, 1] -= pull * dy
        force[j, 2] -= pull * dz
    if not periodic:
        for i in range(radii.size):
            force[i, 0] += stiffness[i] * max(radii[i] - points[i, 0], 0.0)
            force[i, 0] -= stiffness[i] * max(points[i, 0] + radii[i] - box[0], 0.0)
    return contacts, strength, strongest, rigid, overlaps, worst


@njit(cache=True)
def relax(
    points: Any,
    radii: Any,
    stiffness: Any,
    level: Any,
    box: Any,
    periodic: bool,
    steps: int,
    touch: float,
    balance: float,
) -> tuple[int, float, float]:
    """Move `points` until nothing overlaps, or the forces balance, or the steps are spent.

    Lengths are in units of the smallest radius, `touch` is the mean force of a
    contact, a tenth of the largest, below which nothing overlaps, and `balance`
    the sum of the net forces on the particles, over that of the forces of the
    contacts, at which it ends. Returns the number
    of contacts, and mean and largest overlap of those between rigid particles.
    """
    smallest = radii.min()
    skin = 0.9 * smallest
    mass = stiffness * (radii / smallest) ** 2
    speed, force = np.zeros_like(points), np.zeros_like(points)
    moved = np.zeros_like(points)
    pairs = neighbours(points, radii, level, box, periodic, skin)
    dt, mixing, uphill = DT_START, MIXING, 0
    contacts, rigid, overlaps, worst = 0, 0, 0.0, 0.0
    for _ in range(steps):
        contacts, strength, strongest, rigid, overlaps, worst = push(
            points, radii, stiffness, box, periodic, pairs, force
        )
        power = pushed = moving = net = 0.0
        for i in range(radii.size):
            squared = force[i, 0] ** 2 + force[i, 1] ** 2 + force[i, 2] ** 2
            net += np.sqrt(squared)
            pushed += squared
            for axis in range(3):
                power += force[i, axis] * speed[i, axis]
                moving += speed[i, axis] ** 2
        if strength <= touch * contacts and strongest <= 10.0 * touch:
            break
        if net <= balance * strength:
            break
        if power > 0.0:
            uphill += 1
            turn = mixing * np.sqrt(moving / pushed)
            if uphill > STEPS_UPHILL:
                dt, mixing = min(1.1 * dt, DT_MOST), mixing * MIXING_DECAY
        else:
            speed[:] = 0.0
            uphill, turn, dt, mixing = 0, 0.0, 0.5 * dt, MIXING
        furthest = 0.0
        for i in range(radii.size):
            way = 0.0
            for axis in range(3):
                if power > 0.0:
                    speed[i, axis] = (1.0 - mixing) * speed[i, axis] + turn * force[i, axis]
                speed[i, axis] += dt * force[i, axis] / mass[i]
                move = min(max(dt * speed[i, axis], -0.2 * smallest), 0.2 * smallest)
                x = points[i, axis] + move
                if axis == 0 and not periodic:
                    x = min(max(x, 0.0), box[axis])
                elif x < 0.0:
                    x += box[axis]
                elif x >= box[axis]:
                    x -= box[axis]
                points[i, axis] = x
                moved[i, axis] += move
                way += moved[i, axis] ** 2
            furthest = max(furthest, way)
        if 4.0 * furthest > skin * skin:
            moved[:] = 0.0
            pairs = neighbours(points, radii, level, box, periodic, skin)
    return contacts, overlaps / max(rigid, 1), worst


@njit(cache=True)
def shake(points: Any, radii: Any, level: Any, box: Any, periodic: bool, sweeps: int, seed: int) -> None:
    """Random moves of `points` that make no overlap new or worse, until nothing of their order is left.

    These are the moves of the hard-sphere fluid (Metropolis et al., J. Chem.
    Phys. 21 (1953) 1087), with a stride at which four in ten succeed.
    """
    np.random.seed(seed)
    skin = 2.0 * radii.min()
    longest = stride = 0.1 * radii.min()
    moved = np.zeros_like(points)
    start, others = adjacency(neighbours(points, radii, level, box, periodic, skin), radii.size)
    there = np.empty(3)
    for _ in range(sweeps):
        furthest, made = 0.0, 0
        for i in range(radii.size):
            for axis in range(3):
                x = points[i, axis] + stride * (2.0 * np.random.random() - 1.0)
                there[axis] = x if axis == 0 and not periodic else x % box[axis]
            if is_free(there, i, points, radii, box, periodic, others[start[i] : start[i + 1]]):
                made += 1
                way = 0.0
                for axis in range(3):
                    moved[i, axis] += wrapped(there[axis] - points[i, axis], box[axis], axis > 0 or periodic)
                    points[i, axis] = there[axis]
                    way += moved[i, axis] ** 2
                furthest = max(furthest, way)
        stride = min(stride * (1.05 if made > 0.4 * radii.size else 0.95), longest)
        # in the next sweep two particles may approach by two diagonals of the stride
        if 2.0 * np.sqrt(furthest) + 4.0 * np.sqrt(3.0) * stride > skin:
            moved[:] = 0.0
            start, others = adjacency(neighbours(points, radii, level, box, periodic, skin), radii.size)


@njit(cache=True)
def is_free(there: Any, i: int, points: Any, radii: Any, box: Any, periodic: bool, near: Any) -> bool:
    """Whether particle i at `there` overlaps none of those near it, or less than it does now."""
    if not periodic and not radii[i] <= there[0] <= box[0] - radii[i]:
        return False
    for j in near:
        now = before = 0.0
        for axis in range(3):
            wraps = axis > 0 or periodic
            now += wrapped(there[axis] - points[j, axis], box[axis], wraps) ** 2
            before += wrapped(points[i, axis] - points[j, axis], box[axis], wraps) ** 2
        if now < (radii[i] + radii[j]) ** 2 and now < before:
            return False
    return True


@njit(cache=True)
def adjacency(pairs: Any, number: int) -> tuple[Any, Any]:
    """The neighbours of each particle: those of i stand at start[i] : start[i + 1]."""
    start = np.zeros(number + 1, np.int64)
    for i, j in pairs:
        start[i + 1] += 1
        start[j + 1] += 1
    start = np.cumsum(start)
    free = start[:-1].copy()
    others = np.empty(2 * len(pairs), np.int64)
    for i, j in pairs:
        others[free[i]], others[free[j]] = j, i
        free[i] += 1
        free[j] += 1
    return start, others
