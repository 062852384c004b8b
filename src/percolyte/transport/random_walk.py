"""Diffusion in one phase of a volume by random walk: a check of `voxels.conduct` that shares nothing with it.

A walker steps from the middle of a voxel to that of a neighbour, and stays
where the neighbour is of another phase. On such walks the mean square
displacement grows at last as 2 D_eff t along each axis, with D_eff of the same
finite volumes that conduction solves: the two agree but for statistics.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from percolyte.errors import InputError, Problem
from percolyte.microstructure.clusters import connected
from percolyte.microstructure.distances import Mask
from percolyte.microstructure.memory import BYTES, check_memory
from percolyte.microstructure.volume import Volume
from percolyte.transport.voxels import cores

STRETCHES = 8
"""Displacements of each walker that are compared with the next."""
GROUP = 16
"""Walkers that share one sequence of random numbers, so that threads change nothing."""
Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Walk:
    """Diffusion along the three axes."""

    relative_diffusivity: Triple
    """D_eff/D of the walkers' phase, which is σ_eff/(φ σ) = 1/κ."""
    standard_error: Triple
    """Of each, from the scatter between walkers."""
    percolates: tuple[bool, bool, bool]
    """Whether the phase leads from side to side; where not, D_eff/D is what walks of this length leave of zero."""
    walkers: int
    steps: int
    """Of each walker."""
    notes: tuple[str, ...]

    @property
    def tortuosity_factor(self) -> tuple[float | None, float | None, float | None]:
        """κ; None where the phase does not percolate, or it is not told from infinite at two standard errors."""
        found = zip(self.relative_diffusivity, self.standard_error, self.percolates, strict=True)
        first, second, third = (1.0 / value if leads and value > 2.0 * error else None for value, error, leads in found)
        return first, second, third


def random_walk(
    volume: Volume,
    phase: str,
    *,
    walkers: int = 1024,
    duration: float = 1.0,
    seed: int = 1,
    threads: int | None = None,
) -> Walk:
    """Effective diffusivity over that of the phase, by walkers that start evenly in all of it.

    The image is continued by its mirror images at every side, so that what is
    found is for the boundaries of `conduct`. Each walk has 8 stretches of the time
    `duration` × L²/D, L the longest edge. With b and c the displacements in two
    stretches that follow each other,

        D_eff = <c² + 2 b c> / (2 × time of a stretch),

    the slope between one stretch and two, free of what the first steps add. It
    holds once a stretch outlasts the slowest change of the walkers' density,
    L²/(π² D_eff); where D_eff is smaller than it can tell, a note says so.
    Limits: a phase that fills the volume gives 1; one in closed pockets 0, but only
    where walks are long, so that `percolates` says along which axes there is a way.

    Errors: `InputError` for a phase that is not there, and for numbers out of range.
    """
    _check(walkers, duration, seed)
    check_memory(volume.labels.shape, BYTES["walk"], volume.source)
    mask = volume.mask(phase)
    clusters = connected(mask).of(1)
    x, y, z = (bool(clusters.crossing(axis).any()) for axis in range(3))
    starts = np.flatnonzero(mask)
    if starts.size == 0:
        raise InputError(f"no voxel is of '{phase}'", source=volume.source)
    inverse = 1.0 / np.array(volume.voxel) ** 2
    steps = round(2.0 * duration * max(volume.size) ** 2 * float(inverse.sum()))
    seeds = np.random.SeedSequence(seed).generate_state(-(-walkers // GROUP))
    with ThreadPoolExecutor(threads or cores()) as pool:
        jobs = [pool.submit(_walk, mask, starts, inverse / inverse.sum(), GROUP, steps, each) for each in seeds]
        slopes = np.concatenate([job.result() for job in jobs])
    # a step along axis a is taken with the chance p_a ~ 1/h_a², so that free walkers have <x²> = p_a steps in voxels²
    found = slopes * inverse.sum() / inverse / steps
    mean, error = found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(len(found))
    slow = [axis for axis in range(3) if mean[axis] * np.pi**2 * duration < 3.0]
    notes = tuple(
        f"along axis {axis} diffusion may be slower than a stretch of the walk is long; compare with a longer duration"
        for axis in slow
        if (x, y, z)[axis] and mean[axis] > 2.0 * error[axis]
    )
    return Walk(_three(mean), _three(error), (x, y, z), len(found), STRETCHES * steps, notes)


def _three(values: NDArray[np.float64]) -> Triple:
    return float(values[0]), float(values[1]), float(values[2])


def _check(walkers: int, duration: float, seed: int) -> None:
    problems = []
    if not 2 <= walkers <= 10_000_000:
        problems.append(Problem("walkers", f"{walkers} is out of range; write 2 to 10000000"))
    if not 0.01 <= duration <= 1e4:
        problems.append(Problem("duration", f"{duration:g} is out of range; write 0.01 to 10000"))
    if seed < 0:
        problems.append(Problem("seed", f"{seed} is below zero; write zero or more"))
    if problems:
        raise InputError(problems)


@njit(cache=True, nogil=True)
def _walk(
    mask: Mask, starts: NDArray[np.int64], chances: NDArray[np.float64], walkers: int, steps: int, seed: int
) -> NDArray[np.float64]:
    """Mean of c² + 2 b c over the pairs of stretches of each walker, along each axis, in voxels²."""
    np.random.seed(seed)
    slopes = np.zeros((walkers, 3))
    place = np.empty(3, np.int64)
    turned = np.empty(3, np.int64)  # -1 inside a mirror image
    for walker in range(walkers):
        start = starts[np.random.randint(starts.size)]
        place[2] = start % mask.shape[2]
        place[1] = start // mask.shape[2] % mask.shape[1]
        place[0] = start // (mask.shape[2] * mask.shape[1])
        turned[:] = 1
        before = np.zeros(3)
        for stretch in range(STRETCHES):
            moved = np.zeros(3)
            for _ in range(steps):
                chance = np.random.random()
                axis = 0
                while axis < 2 and chance >= chances[axis]:
                    chance -= chances[axis]
                    axis += 1
                step = 1 if 2.0 * chance < chances[axis] else -1
                old = place[axis]
                new = old + step
                if new < 0 or new == mask.shape[axis]:
                    # over a side into the mirror image of the same voxel
                    moved[axis] += step * turned[axis]
                    turned[axis] = -turned[axis]
                    continue
                place[axis] = new
                if mask[place[0], place[1], place[2]]:
                    moved[axis] += step * turned[axis]
                else:
                    place[axis] = old
            if stretch > 0:
                for axis in range(3):
                    slopes[walker, axis] += moved[axis] * (moved[axis] + 2.0 * before[axis]) / (STRETCHES - 1)
            before = moved
    return slopes
