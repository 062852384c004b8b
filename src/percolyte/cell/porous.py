"""A porous electrode on its mesh, and the state that it is in: arrays for the compiled equations, all in SI."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEVELS = 3
"""Past times that a formula may use."""
TABLE = 4097
"""Points of the tabulated properties over 0 <= x <= 1."""
BUTLER_VOLMER, LINEAR, MARCUS = range(3)


PART = np.dtype([(name, np.float64) for name in ("area", "pace", "intake", "exchange", "film")], align=True)
"""What the equations need of a particle class, SI: electrochemically active area per electrode
volume, 1/m; D/R² (at x = 0.5 where D varies), 1/s; rate of stoichiometry by a flux, J times this
over its distance to the surface; i0 at x = 0.5, A/m2; resistance of the interphase per active area, ohm m2."""


class Electrode(NamedTuple):
    """A porous electrode on its mesh, all in SI."""

    volumes: Floats
    """Lengths that the points stand for, from the separator to the collector."""
    ionic: float
    electronic: float
    temperature: float
    law: int
    """BUTLER_VOLMER, LINEAR or MARCUS."""
    reorganisation: float
    """Energy of Marcus' law over RT."""
    parts: Any
    """The particle classes: PART."""
    curves: Floats
    """U, dU/dx, i0/i0(0.5) and its slope at x = i/(TABLE - 1): classes × TABLE × 4."""
    diffusivity_table: Floats
    """D/D(0.5) at the same points; an empty array where D is constant."""
    edges: Floats
    """Edges of the radial shells, 0 to 1, finer towards the surface."""
    modes: Floats
    """Relaxation rates of a sphere over D/R², the mean's, zero, first, and last an immediate
    one; and their shares in the response to a flux: 2 × modes + 1."""


REACTION = np.dtype([(name, np.float64) for name in ("a", "b", "trial", "residual", "slope", "inverse")], align=True)
"""Of a class at a point: x_s = a + b J of the step, J on trial, and of Newton's system the residual
in V, 1/(dΦ/dJ) and 1/2i0."""
POINT = np.dtype(
    [
        (name, np.float64)
        for name in ("trial", "source", "response", "spread", "lower", "pivot", "upper", "rhs", "sense")
    ],
    align=True,
)
"""Φ on trial; Σ a J after a step that leaves Φ, A/m3, and its derivative by Φ; share of its source
that a point gives to each neighbour; and of Newton's system the rows, the step in Φ and dΦ/dI."""


class State(NamedTuple):
    """Where an electrode stands: levels of time, newest first, and scratch."""

    q: Floats
    """Modes or shells of the particles: levels × points × classes × modes."""
    surface: Floats
    """Stoichiometry at the surface: levels + 1 × points × classes."""
    current: Floats
    """J, A/m2 of active area, likewise."""
    phi: Floats
    """Φ of the points, V: levels + 1 × points."""
    work: Floats
    """The particles of a step without its current, and what eliminated them."""
    upper: Floats
    respond: Floats
    """Change of the modes of a class in a step by its current: classes × modes."""
    reactions: Any
    """REACTION: points × classes."""
    points: Any
    """POINT."""


def new_state(e: Electrode, x: Floats) -> State:
    """A rested electrode; `x` is the stoichiometry of each class."""
    n, classes = e.volumes.size, e.parts.size
    varying = e.diffusivity_table.size > 0
    slots = e.edges.size - 1 if varying else e.modes.shape[1] - 1
    q = np.zeros((LEVELS, n, classes, slots))
    q[..., slice(None) if varying else 0] = np.reshape(x, (classes, 1) if varying else (classes,))
    surface = np.empty((LEVELS + 1, n, classes))
    surface[:] = x
    return State(
        q, surface, np.zeros_like(surface), np.zeros((LEVELS + 1, n)), np.zeros((n, classes, slots)),
        np.zeros((n, classes, slots)), np.zeros((classes, slots)),
        np.zeros((n, classes), REACTION).view(np.recarray), np.zeros(n, POINT).view(np.recarray),
    )  # fmt: skip


def mean_stoichiometry(e: Electrode, s: State) -> Floats:
    """Of the particles: points × classes."""
    if e.diffusivity_table.size:
        return np.asarray((s.q[0] * np.diff(e.edges**3)).sum(axis=2))
    return s.q[0, :, :, 0]
