"""One porous electrode with a single-ion electrolyte: the compiled equations.

Ohm's law in both phases, i_s + i_e = I, leaves one potential a cell of the
mesh, Φ = φ_s - φ_e, with

    i_e = (dΦ/dx + I/σ) / (1/κ + 1/σ),   -di_e/dx = Σ a_m J_m,

where m counts the particle classes. Each particle obeys Fick's law in a sphere;
an implicit step makes its surface stoichiometry linear in its own current
density, x_s = A + B J, so that Butler-Volmer with α = 1/2, turned around,

    Φ = U(x_s) - (2RT/F) asinh(J/2i0(x_s)) - r J,

is explicit in J. Newton's method on (Φ, J) then needs one scalar tridiagonal
solve. The other electrode enters only through the current I.

The two laws together are Φ'' = -(1/κ + 1/σ) Σ a J, which Numerov's method solves
to fourth order on equidistant points, ends included (Gregory's weights make the
sum over the points the integral). With Φ' = I/κ at the separator and -I/σ at the
collector, φ_s(L) - φ_e(0) = (σ Φ(0) + κ Φ(L) - I L)/(κ + σ).

Where D is constant a particle is a sum of relaxations of its surface,

    x_s = Σ q_n + w_∞ ĵ,   dq_n/dt = -r_n q_n D/R² + w_n ĵ D/R²,

with ĵ the flux times R/D over the site concentration (see `sphere_modes` in
`percolyte.cell.model`): one of them is the mean, the others stand for the
sphere to five digits. Where D varies, it is cut into shells.

Time steps are backward differentiation formulas of first to third order with
variable size. x runs from the separator (0) to the collector (L); J > 0 puts
lithium into the particles; I > 0 is ionic current from the separator into the
electrode (discharge of a cathode).

All of it stands in one file on purpose: the cache of compiled code notices
changes in the file of a function, not in the files that it imports from.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FARADAY = 96485.33212
GAS_CONSTANT = 8.314462618
NEWTON_MOST = 60
NEWTON_TOLERANCE = 1e-6
"""Volts by which the potentials of a step may still be off."""
FAR, FARTHEST = 2.0, 1e15
"""Volts of one of Newton's steps by which a time step, and the start of a run, is given up."""
CURVATURE = 40.0
"""Error after a Newton step over the square of the step, 1/V; F/RT, the steepest of the laws."""
LOCAL, LOCAL_MOST = 5e-3, 10
"""Volts beyond which a reaction is solved by itself before the whole is, and how often at most."""
LEVELS = 3
"""Past times that a formula may use."""
MOST_ORDER = 3
CLOSE = 1e-6
"""Volts to which a limit is met."""
GROWTH = (1.0, 3.0, 2.0, 1.5)
"""Most by which a step may grow after one of an order; the formulas are stable up to 2.4 and 1.53."""
OVER = 1e-3
"""Stoichiometry by which the surfaces may be expected beyond empty or full in a step."""
FIRST = 1.0
"""Movement of the surface in the first step, over the error allowed."""
TABLE = 4097
"""Points of the tabulated properties over 0 <= x <= 1."""
BUTLER_VOLMER, LINEAR, MARCUS = range(3)
EDGE = 1e-3
"""Width in stoichiometry of the rounding of i0 and of the walls at x = 0 and 1."""


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


@njit(cache=True, error_model="numpy", forceinline=True)
def curve(curves: Any, j: int, x: float) -> tuple[float, float, float, float]:
    """U(x), dU/dx, i0/i0(0.5) and its slope by cubic Hermite between the points; constant i0 beyond them."""
    inside = min(max(x, 0.0), 1.0)
    position = inside * (TABLE - 1)
    i = min(int(position), TABLE - 2)
    s = position - i
    h = 1.0 / (TABLE - 1)
    d0, d1 = curves[j, i, 1] * h, curves[j, i + 1, 1] * h
    rise = curves[j, i + 1, 0] - curves[j, i, 0]
    c2, c3 = 3.0 * rise - 2.0 * d0 - d1, d0 + d1 - 2.0 * rise
    u = curves[j, i, 0] + s * (d0 + s * (c2 + s * c3))
    du = (d0 + s * (2.0 * c2 + 3.0 * s * c3)) * (TABLE - 1)
    d0, d1 = curves[j, i, 3] * h, curves[j, i + 1, 3] * h
    rise = curves[j, i + 1, 2] - curves[j, i, 2]
    c2, c3 = 3.0 * rise - 2.0 * d0 - d1, d0 + d1 - 2.0 * rise
    r = curves[j, i, 2] + s * (d0 + s * (c2 + s * c3))
    dr = (d0 + s * (2.0 * c2 + 3.0 * s * c3)) * (TABLE - 1)
    if x < 0.01 or x > 0.99:
        low, low_slope = wall(x)
        high, high_slope = wall(1.0 - x)
        u += (x - inside) * du + low - high
        du += low_slope + high_slope
        if x != inside:
            dr = 0.0
    return u, du, r, dr


@njit(cache=True, error_model="numpy")
def wall(x: float) -> tuple[float, float]:
    """Steep rise of the potential where a site fraction runs out, and its slope.

    25 mV e-folding over a tenth of EDGE: the walls stand for the logarithm of
    an ideal solution, and keep x within (0, 1).
    """
    a, b, c = 205.0568621937484, 6910.192179565431, -7.7e-4
    z = -b * (x - c)
    if z < -40.0:
        return 0.0, 0.0
    if z > 36.7:
        return a * z, -a * b
    e = math.exp(z)
    return a * math.log1p(e), -a * b * e / (1.0 + e)


@njit(cache=True, error_model="numpy")
def potential(curves: Any, j: int, x: float) -> tuple[float, float]:
    """U(x) and dU/dx, with walls at 0 and 1."""
    u, du, _, _ = curve(curves, j, x)
    return u, du


@njit(cache=True, error_model="numpy")
def exchange_current(i0: float, curves: Any, j: int, x: float) -> tuple[float, float]:
    """i0(x) and its derivative."""
    _, _, r, dr = curve(curves, j, x)
    return i0 * r, i0 * dr


@njit(cache=True, error_model="numpy", forceinline=True)
def overpotential(ratio: float, law: int, reorganisation: float) -> tuple[float, float]:
    """Y = Fη/2RT for w = J/2i0, and dy/dw.

    Butler-Volmer with α = 1/2: w = sinh y. Linear: w = y. Marcus, symmetric:
    w = sinh(y) exp(-y²RT/λ), up to nine tenths of the largest current that it
    allows and straight on from there. All three have w = y at small y.
    """
    if law == LINEAR:
        return ratio, 1.0
    size = abs(ratio)
    root = math.sqrt(1.0 + size * size)
    y = math.log(size + root) if size > 1e-4 else size
    if law == BUTLER_VOLMER:
        return math.copysign(y, ratio), 1.0 / root
    b = 1.0 / reorganisation
    end = 0.45 * reorganisation
    top = 0.9 * math.sinh(end) * math.exp(-b * end * end)
    goal = min(size, top)
    z = min(y, end)
    for _ in range(40):
        gauss = math.exp(-b * z * z)
        rise = gauss * (math.cosh(z) - 2.0 * b * z * math.sinh(z))
        change = (math.sinh(z) * gauss - goal) / rise
        z = min(z - change, end)
        if abs(change) < 1e-13 * (1.0 + z):
            break
    gauss = math.exp(-b * z * z)
    slope = 1.0 / (gauss * (math.cosh(z) - 2.0 * b * z * math.sinh(z)))
    z += (size - goal) * slope
    return math.copysign(z, ratio), slope


@njit(cache=True, error_model="numpy")
def relative_diffusivity(tables: Any, j: int, x: float) -> float:
    """D(x)/D(0.5), linear between the points of its table."""
    if tables.size == 0:
        return 1.0
    position = min(max(x, 0.0), 1.0) * (TABLE - 1)
    i = min(int(position), TABLE - 2)
    return float(tables[j, i] + (position - i) * (tables[j, i + 1] - tables[j, i]))


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


class Formula(NamedTuple):
    """One backward differentiation formula: y = Σ c_i y_i + γ f(y), and a predictor y = Σ p_i y_i."""

    c: Floats
    """Weights of the past levels, newest first: LEVELS."""
    p: Floats
    """Weights of the predictor: LEVELS + 1."""
    numbers: Floats
    """γ, and the share of the predictor's miss that is the error of the step."""


@njit(cache=True, error_model="numpy")
def set_formula(f: Any, h: float, past: Any, order: int, points: int) -> None:
    """The formula of an order for a step h, after steps of sizes `past`, newest first.

    The predictor runs through `points` past levels. With d_i the distance from
    the new time to the i-th past one, γ = 1/Σ 1/d_i, c_i = γ/d_i Π_{j≠i} d_j/(d_j - d_i),
    p_i the same product over the points; the error is γ/(γ + d_{order + 1}) of the
    difference to a predictor through order + 1 points.
    """
    distance = np.empty(LEVELS + 1)
    distance[0] = h
    for i in range(LEVELS):
        distance[i + 1] = distance[i] + past[i]
    total = 0.0
    for i in range(order):
        total += 1.0 / distance[i]
    f.numbers[0] = 1.0 / total
    f.numbers[1] = 1.0 / (1.0 + distance[order] * total) if points > order else 0.5
    f.c[:] = 0.0
    f.p[:] = 0.0
    for i in range(points):
        product, step = 1.0, 1.0
        for j in range(points):
            if j != i:
                product *= distance[j] / (distance[j] - distance[i])
        f.p[i] = product
        if i < order:
            for j in range(order):
                if j != i:
                    step *= distance[j] / (distance[j] - distance[i])
            f.c[i] = step / (distance[i] * total)


@njit(cache=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def eliminate_modes(e: Any, s: Any, f: Any) -> None:
    """Implicit step of every particle of constant D: x_s = a + b J."""
    gam = f.numbers[0]
    modes = e.modes.shape[1] - 1
    damp = np.empty(modes)
    for j in range(e.parts.size):
        pace, intake = e.parts[j].pace, e.parts[j].intake
        answer = e.modes[1, modes] * intake / pace
        for m in range(modes):
            damp[m] = 1.0 / (1.0 + gam * pace * e.modes[0, m])
            s.respond[j, m] = gam * intake * e.modes[1, m] * damp[m]
            answer += s.respond[j, m]
        for k in range(e.volumes.size):
            known = 0.0
            for m in range(modes):
                value = (f.c[0] * s.q[0, k, j, m] + f.c[1] * s.q[1, k, j, m] + f.c[2] * s.q[2, k, j, m]) * damp[m]
                s.work[k, j, m] = value
                known += value
            s.reactions[k, j].a = known
            s.reactions[k, j].b = answer


@njit(cache=True, error_model="numpy")
def surface_moments(edges: Any) -> tuple[float, float, float, float]:
    """First and second moments of y = r - 1 over the last two shells."""
    n = edges.size - 1
    out = np.empty(4)
    for q in range(2):
        lo, hi = edges[n - 2 + q], edges[n - 1 + q]
        volume = (hi**3 - lo**3) / 3.0
        c3, c4, c5 = (hi**3 - lo**3) / 3.0, (hi**4 - lo**4) / 4.0, (hi**5 - lo**5) / 5.0
        out[2 * q] = (c4 - c3) / volume
        out[2 * q + 1] = (c5 - 2.0 * c4 + c3) / volume
    return out[0], out[1], out[2], out[3]


@njit(cache=True, error_model="numpy")
def shell_mesh(edges: Any) -> tuple[Any, Any]:
    """Volumes of the shells over 4π, and conductances of the faces within."""
    shells = edges.size - 1
    volume, conductance = np.empty(shells), np.zeros(shells)
    for m in range(shells):
        volume[m] = (edges[m + 1] ** 3 - edges[m] ** 3) / 3.0
    for m in range(1, shells):
        lo, mid, hi = edges[m - 1], edges[m], edges[m + 1]
        below = 0.6 * (mid**5 - lo**5) / (mid**3 - lo**3)
        above = 0.6 * (hi**5 - mid**5) / (hi**3 - mid**3)
        # exact for the parabola that a constant current ends in
        conductance[m] = 2.0 * mid**3 / (above - below)
    return volume, conductance


@njit(cache=True, error_model="numpy")
def eliminate_shells(e: Any, s: Any, f: Any, w: float) -> None:
    """Implicit diffusion step of every particle of varying D, outward: x_s = a + b J.

    D is taken at stoichiometries extrapolated in time; `w` is the step over the last one.
    `work` and `upper` keep the eliminated right-hand sides and upper diagonals
    for `back_substitute`; the last entry of `upper` keeps the last pivot.
    """
    gam, q = f.numbers[0], s.q
    shells = e.edges.size - 1
    y1m, y2m, y1n, y2n = surface_moments(e.edges)
    volume, conductance = shell_mesh(e.edges)
    next_x = np.empty(shells)
    for j in range(e.parts.size):
        pace, intake = e.parts[j].pace, e.parts[j].intake
        for k in range(e.volumes.size):
            for m in range(shells):
                next_x[m] = q[0, k, j, m] + w * (q[0, k, j, m] - q[1, k, j, m])
            known, kept, left, pivot = 0.0, 1.0, 0.0, 1.0
            for m in range(shells):
                right = 0.0
                if m < shells - 1:
                    middle = 0.5 * (next_x[m] + next_x[m + 1])
                    right = gam * pace * conductance[m + 1] * relative_diffusivity(e.diffusivity_table, j, middle)
                # sums of positive terms only, so that fast diffusion loses no lithium to rounding
                own = volume[m] + left * kept
                pivot = 1.0 / (own + right)
                kept = own * pivot
                s.upper[k, j, m] = right * pivot if m < shells - 1 else pivot
                past = f.c[0] * q[0, k, j, m] + f.c[1] * q[1, k, j, m] + f.c[2] * q[2, k, j, m]
                known = (volume[m] * past + left * known) * pivot
                s.work[k, j, m] = known
                left = right
            at_surface = relative_diffusivity(
                e.diffusivity_table, j, 1.5 * next_x[shells - 1] - 0.5 * next_x[shells - 2]
            )
            an, bn = s.work[k, j, shells - 1], gam * intake * s.upper[k, j, shells - 1]
            factor = s.upper[k, j, shells - 2]
            am, bm = s.work[k, j, shells - 2] + factor * an, factor * bn
            slope = intake / (pace * at_surface)
            spread = y2n - y2m
            s.reactions[k, j].a = an - (an - am) / spread * y2n
            s.reactions[k, j].b = bn - slope * y1n - ((bn - bm) - slope * (y1n - y1m)) / spread * y2n


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def advance_particles(e: Any, s: Any, gam: float) -> None:
    """The modes or shells at the end of an accepted step, as the newest level."""
    q, current = s.q, s.current[0]
    for j in range(e.parts.size):
        intake = e.parts[j].intake
        for k in range(e.volumes.size):
            for m in range(q.shape[3]):
                q[2, k, j, m] = q[1, k, j, m]
                q[1, k, j, m] = q[0, k, j, m]
            if e.diffusivity_table.size == 0:
                drawn = current[k, j]
                for m in range(s.q.shape[3]):
                    q[0, k, j, m] = s.work[k, j, m] + s.respond[j, m] * drawn
                continue
            last = e.edges.size - 2
            value = s.work[k, j, last] + gam * intake * s.upper[k, j, last] * current[k, j]
            q[0, k, j, last] = value
            for m in range(last - 1, -1, -1):
                value = s.work[k, j, m] + s.upper[k, j, m] * value
                q[0, k, j, m] = value


@njit(cache=True, error_model="numpy")
def relaxed(current: float, step: float, inverse: float) -> float:
    """Newton's step in J, taken along asinh(J/2i0) where it shrinks J; `inverse` is 1/2i0.

    Newton on an inverse sine overshoots without bound when |J| is large and
    the root lies towards zero; a change of less than a tenth in the argument
    is left as it is, so that the charge balance stays exact at the end.
    """
    w = current * inverse
    change = step * inverse / math.sqrt(1.0 + w * w)
    if abs(change) < 0.1 or w * change >= 0.0:
        return step
    y = math.asinh(w)
    goal = y + change
    return (math.sinh(goal) if goal * y > 0.0 else goal) / inverse - current


@njit(cache=True, error_model="numpy")
def bounded(current: float, step: float, inverse: float, surface: float, b: float) -> float:
    """Newton's step in J, held back where the inverse sine or an empty or full surface asks for it."""
    step = relaxed(current, step, inverse)
    moved = surface + b * step
    if moved > 1.0005 and surface < 1.0005:
        step *= max(0.1, 0.9 * (1.0005 - surface) / (moved - surface))
    elif moved < -0.0005 and surface > -0.0005:
        step *= max(0.1, 0.9 * (surface + 0.0005) / (surface - moved))
    return step


@njit(cache=True, error_model="numpy", forceinline=True)
def reaction(
    curves: Any, j: int, exchange: float, film: float, thermal: float, law: int, reorganisation: float,
    current: float, surface: float, b: float,
) -> tuple[float, float, float]:  # fmt: skip
    """Φ at which a class reacts with J, its derivative, and 1/2i0."""
    u, du, r, dr = curve(curves, j, surface)
    inverse = 0.5 / (exchange * r)
    ratio = current * inverse
    y, rise = overpotential(ratio, law, reorganisation)
    slope = du * b - thermal * rise * inverse * (1.0 - 2.0 * ratio * exchange * dr * b) - film
    return u - thermal * y - film * current, slope, inverse


@njit(cache=True, error_model="numpy", forceinline=True)
def react(e: Any, s: Any, most: int) -> float:
    """Linearise the reactions at the trial values; the largest residual, V.

    A reaction far from its Φ is first brought nearer by itself, in `most` tries:
    the few particles that run empty or full must not hold up all others.
    """
    thermal = 2.0 * GAS_CONSTANT * e.temperature / FARADAY
    worst = 0.0
    for k in range(e.volumes.size):
        source, response = 0.0, 0.0
        for j in range(e.parts.size):
            here = s.reactions[k, j]
            a, b, current = here.a, here.b, here.trial
            tries = 0
            while True:
                value, slope, inverse = reaction(
                    e.curves, j, e.parts[j].exchange, e.parts[j].film, thermal, e.law, e.reorganisation,
                    current, a + b * current, b,
                )  # fmt: skip
                residual = value - s.points[k].trial
                if abs(residual) < LOCAL or tries == most:
                    break
                tries += 1
                current += bounded(current, -residual / slope, inverse, a + b * current, b)
            slope = 1.0 / slope
            source += e.parts[j].area * (current - slope * residual)
            response += e.parts[j].area * slope
            worst = max(worst, abs(residual))
            here.trial, here.slope, here.residual, here.inverse = current, slope, residual, inverse
        s.points[k].source, s.points[k].response = source, response
    return worst


@njit(cache=True, error_model="numpy")
def set_spread(e: Any, s: Any) -> None:
    """How far the sources reach: a twelfth of an interval, by Numerov, or less where the mesh is too coarse for it.

    The rows of Newton's system keep their signs where the reach times the response
    is less than half a conductance; a front sharper than the mesh then does not ring.
    """
    last = e.volumes.size - 1
    h = e.volumes.sum() / last
    most = 0.5 * conductance(e)
    for k in range(last + 1):
        bound = most / 3.0 if k == 1 or k == last - 1 else most
        s.points[k].spread = min(h / 12.0, bound / max(-s.points[k].response, 1e-300))


@njit(cache=True, error_model="numpy", forceinline=True)
def assemble(e: Any, s: Any, total: float) -> None:
    """Newton's system for Φ from the linearised reactions, tridiagonal.

    A point gives `spread` of its source to each neighbour, the second from an
    end three times as much to the end, the third half as much from there; what
    is left of its length it keeps. Whatever the spread, the sum over the rows
    is the integral by Gregory's weights.
    """
    p, last = s.points, e.volumes.size - 1
    g = conductance(e)
    shift = total * e.ionic / (e.ionic + e.electronic)
    before = total
    for k in range(last + 1):
        after = g * (p[k + 1].trial - p[k].trial) + shift if k < last else 0.0
        p[k].rhs, p[k].sense = before - after, 0.0
        before = after
    p[0].sense, p[last].sense = e.electronic / (e.ionic + e.electronic), e.ionic / (e.ionic + e.electronic)
    for k in range(last + 1):
        source, response, spread = p[k].source, p[k].response, p[k].spread
        own, diagonal = e.volumes[k], 0.0
        if k > 0:
            reach = 3.0 * spread if k == 1 else spread
            p[k - 1].upper = g + reach * response
            p[k - 1].rhs -= reach * source
            own -= reach
            diagonal -= g
        if k < last:
            reach = 3.0 * spread if k == last - 1 else spread
            p[k + 1].lower = g + reach * response
            p[k + 1].rhs -= reach * source
            own -= reach
            diagonal -= g
        if k in (2, last - 2):
            own += 0.5 * spread
        p[k].pivot = diagonal + own * response
        p[k].rhs -= own * source
    # what the third point takes from an end is eliminated by the row of the second
    for end, near, far in ((0, 1, 2), (last, last - 1, last - 2)):
        p[end].rhs += 0.5 * p[far].spread * p[far].source
        outer = p[near].upper if end == 0 else p[near].lower
        inner = p[near].lower if end == 0 else p[near].upper
        q = -0.5 * p[far].spread * p[far].response / outer
        p[end].pivot -= q * inner
        p[end].rhs -= q * p[near].rhs
        if end == 0:
            p[end].upper -= q * p[near].pivot
        else:
            p[end].lower -= q * p[near].pivot


@njit(cache=True, error_model="numpy")
def conductance(e: Any) -> float:
    """Of one interval of the mesh: 1/(h (1/κ + 1/σ)), S/m2."""
    h = e.volumes.sum() / (e.volumes.size - 1)
    return float(e.ionic * e.electronic / (h * (e.ionic + e.electronic)))


@njit(cache=True, error_model="numpy", forceinline=True)
def solve_potentials(s: Any) -> None:
    """Thomas' algorithm: Newton's step in Φ at a given current into `rhs`, and dΦ/dI into `sense`."""
    p = s.points
    upper, rhs, sense = 0.0, 0.0, 0.0
    for k in range(p.size):
        lower = p[k].lower
        pivot = 1.0 / (p[k].pivot - lower * upper)
        upper = p[k].upper * pivot
        rhs, sense = (p[k].rhs - lower * rhs) * pivot, (p[k].sense - lower * sense) * pivot
        p[k].upper, p[k].rhs, p[k].sense = upper, rhs, sense
    for k in range(p.size - 2, -1, -1):
        rhs, sense = p[k].rhs - p[k].upper * rhs, p[k].sense - p[k].upper * sense
        p[k].rhs, p[k].sense = rhs, sense


@njit(cache=True, error_model="numpy", forceinline=True)
def update(e: Any, s: Any, change: float) -> tuple[float, bool]:
    """Add Newton's step for a change of the current; the largest step in Φ, and whether a J was held back."""
    worst, held = 0.0, False
    for k in range(e.volumes.size):
        rise = s.points[k].rhs + s.points[k].sense * change
        worst = max(worst, abs(rise))
        s.points[k].trial += rise
        for j in range(e.parts.size):
            # δJ follows from Φ + δΦ = P + P' δJ
            current = s.reactions[k, j].trial
            full = (rise - s.reactions[k, j].residual) * s.reactions[k, j].slope
            step = bounded(
                current,
                full,
                s.reactions[k, j].inverse,
                s.reactions[k, j].a + s.reactions[k, j].b * current,
                s.reactions[k, j].b,
            )
            held = held or step != full
            s.reactions[k, j].trial = current + step
    return worst, held


@njit(cache=True, error_model="numpy")
def terminal(e: Any, phi: Any, total: float) -> float:
    """φ_s(collector) - φ_e(separator face) at potentials Φ and a current; linear in both."""
    ohmic = total * e.volumes.sum()
    return float((e.electronic * phi[0] + e.ionic * phi[-1] - ohmic) / (e.ionic + e.electronic))


class Planar(NamedTuple):
    """An electrode of one surface at fixed potential: Li, Li-In, a plated collector."""

    potential: float
    exchange: float
    """i0 per geometric area, A/m2."""
    film: float
    temperature: float


CURRENT, VOLTAGE, POWER, RESISTANCE, PROFILE = range(5)
"""What a protocol step controls."""

DONE, TIME, LOW, HIGH, CAPACITY, TAPER, FAILED, FULL = range(8)
"""How a protocol step ends: running, time, lower or upper voltage, capacity,
current fallen to its limit, no convergence, out of storage."""

COLUMNS = 15
"""Stored for each accepted step: t, V, I, charge, E_cathode, E_anode, then losses
in V of separator and series resistance, and for cathode and anode each of
ionic, electronic, kinetic with film, diffusion."""


@njit(cache=True, error_model="numpy")
def planar_potential(p: Any, total: float) -> tuple[float, float]:
    """Potential against the electrolyte at a discharge current, and its derivative."""
    thermal = 2.0 * GAS_CONSTANT * p.temperature / FARADAY
    ratio = total / (2.0 * p.exchange)
    value = p.potential + thermal * math.asinh(ratio) + p.film * total
    return value, thermal / math.sqrt(1.0 + ratio * ratio) * 0.5 / p.exchange + p.film


@njit(cache=True, error_model="numpy")
def target_gap(mode: int, goal: float, volts: float, slope: float, total: float) -> tuple[float, float]:
    """How far the controlled quantity is from its goal, and the derivative by current."""
    if mode == VOLTAGE:
        return volts - goal, slope
    if mode == POWER:
        return volts * total - goal, volts + slope * total
    return volts - goal * total, slope - goal


@njit(cache=True, error_model="numpy")
def solve_cell(
    c: Any,
    cs: Any,
    porous: bool,
    a: Any,
    sa: Any,
    p: Any,
    series: float,
    mode: int,
    goal: float,
    total: float,
    far: float,
    most: int,
) -> tuple[int, float, float, float, float]:
    """Newton for both electrodes and the current that meets the goal: iterations, I, V, E_cathode, E_anode.

    The iterations are negative where it failed, also by a step of more than
    `far` volts after the first. The charge balance is linear in
    the unknowns, so that ΣaJh = I holds to rounding after a full step.
    """
    controlled = mode not in (CURRENT, PROFILE)
    last, volts, high, low = 0.0, 0.0, 0.0, 0.0
    for iteration in range(1, NEWTON_MOST + 1):
        worst = react(c, cs, most)
        assemble(c, cs, total)
        solve_potentials(cs)
        if porous:
            worst = max(worst, react(a, sa, most))
            assemble(a, sa, -total)
            solve_potentials(sa)
        change = 0.0
        if controlled:
            change, gap = correction(c, cs, porous, a, sa, p, series, mode, goal, total)
            worst = max(worst, gap)
        step, held = update(c, cs, change)
        worst = max(worst, step)
        if porous:
            step, stopped = update(a, sa, -change)
            worst, held = max(worst, step), held or stopped
        total += change
        if not (worst < far or (iteration == 1 and worst < FARTHEST)):
            return -iteration, total, 0.0, 0.0, 0.0
        # the error left behind is of second order in the step, and falls at least as fast again as the last one did
        left = min(CURVATURE * worst, 1.0, worst / last if last > 0.0 and worst < 1e-2 * last else 1.0) * worst
        if not held and left < NEWTON_TOLERANCE:
            high = terminal(c, cs.points.trial, total)
            low = terminal(a, sa.points.trial, -total) if porous else planar_potential(p, total)[0]
            return iteration, total, high - low - total * series, high, low
        last = worst
    return -NEWTON_MOST, total, volts, high, low


@njit(cache=True, error_model="numpy")
def correction(
    c: Any, cs: Any, porous: bool, a: Any, sa: Any, p: Any, series: float, mode: int, goal: float, total: float
) -> tuple[float, float]:
    """Change of the current towards the goal, and how far the goal is, V."""
    high = terminal(c, cs.points.trial, total) + terminal(c, cs.points.rhs, 0.0)
    rise = terminal(c, cs.points.sense, 1.0)
    if porous:
        low = terminal(a, sa.points.trial, -total) + terminal(a, sa.points.rhs, 0.0)
        fall = -terminal(a, sa.points.sense, 1.0)
    else:
        low, fall = planar_potential(p, total)
    volts, slope = high - low - total * series, rise - fall - series
    gap, by_current = target_gap(mode, goal, volts, slope, total)
    change = -gap / by_current
    return change, abs(change * slope)


@njit(cache=True, error_model="numpy")
def losses(e: Any, s: Any, total: float, out: Any) -> None:
    """Volts lost in one electrode to ions, electrons, kinetics and film, and diffusion.

    Each is the power dissipated there over the current, so that they add up
    to the distance of E from the potential of the mean stoichiometries,
    weighted by the local current. The ohmic loss is the difference of the power
    at the terminals and in the reactions, shared out as ∫i²/κ and ∫i²/σ.
    """
    out[:] = 0.0
    if total == 0.0:
        return
    last = e.volumes.size - 1
    h = e.volumes.sum() / last
    g = conductance(e)
    ions, electrons = 0.0, 0.0
    for k in range(last):
        inward = g * (s.phi[0, k + 1] - s.phi[0, k]) + total * e.ionic / (e.ionic + e.electronic)
        ions += inward * inward * h / e.ionic
        electrons += (total - inward) ** 2 * h / e.electronic
    ohmic = -terminal(e, s.phi[0], total)
    for k in range(last + 1):
        for j in range(e.parts.size):
            share = e.parts[j].area * e.volumes[k] * s.current[0, k, j] / total
            at_mean, _, _, _ = curve(e.curves, j, mean_of(e, s, k, j))
            at_surface, _, _, _ = curve(e.curves, j, s.surface[0, k, j])
            ohmic += share * s.phi[0, k]
            out[2] += share * (at_surface - s.phi[0, k])
            out[3] += share * (at_mean - at_surface)
    out[0], out[1] = ohmic * ions / (ions + electrons), ohmic * electrons / (ions + electrons)


@njit(cache=True, error_model="numpy")
def mean_of(e: Any, s: Any, k: int, j: int) -> float:
    """Mean stoichiometry of a particle."""
    if e.diffusivity_table.size == 0:
        return float(s.q[0, k, j, 0])
    mean = 0.0
    for m in range(e.edges.size - 1):
        mean += (e.edges[m + 1] ** 3 - e.edges[m] ** 3) * s.q[0, k, j, m]
    return mean


@njit(cache=True, error_model="numpy")
def interpolate(times: Any, values: Any, t: float) -> float:
    """Profile of current against time, linear between its points."""
    if t <= times[0]:
        return float(values[0])
    i = np.searchsorted(times, t)
    if i >= times.size:
        return float(values[-1])
    w = (t - times[i - 1]) / (times[i] - times[i - 1])
    return float(values[i - 1] + w * (values[i] - values[i - 1]))


@njit(cache=True, error_model="numpy")
def prepare(e: Any, s: Any, f: Any, w: float) -> None:
    """Eliminate the particles for a step, and extrapolate the unknowns; `w` is the step over the last one."""
    if e.diffusivity_table.size == 0:
        eliminate_modes(e, s, f)
    else:
        eliminate_shells(e, s, f, w)
    set_spread(e, s)
    p0, p1, p2, p3 = f.p[0], f.p[1], f.p[2], f.p[3]
    for k in range(e.volumes.size):
        s.points[k].trial = p0 * s.phi[0, k] + p1 * s.phi[1, k] + p2 * s.phi[2, k] + p3 * s.phi[3, k]
        for j in range(e.parts.size):
            s.reactions[k, j].trial = (
                p0 * s.current[0, k, j] + p1 * s.current[1, k, j] + p2 * s.current[2, k, j] + p3 * s.current[3, k, j]
            )


@njit(cache=True, error_model="numpy")
def room(e: Any, s: Any, f: Any) -> float:
    """Share of a step in which no surface runs full or empty by its predictor; one at most."""
    share = 1.0
    for k in range(e.volumes.size):
        for j in range(e.parts.size):
            now = s.surface[0, k, j]
            ahead = 0.0
            for i in range(LEVELS + 1):
                ahead += f.p[i] * s.surface[i, k, j]
            if ahead > 1.0 + OVER and now < 1.0:
                share = min(share, (1.0 + OVER - now) / (ahead - now))
            elif ahead < -OVER and now > 0.0:
                share = min(share, (now + OVER) / (now - ahead))
    return share


@njit(cache=True, error_model="numpy")
def miss(e: Any, s: Any, f: Any) -> float:
    """Root mean square of the error of the surfaces that a formula would leave, by its predictor."""
    square = 0.0
    for k in range(e.volumes.size):
        for j in range(e.parts.size):
            off = s.reactions[k, j].a + s.reactions[k, j].b * s.reactions[k, j].trial
            for i in range(LEVELS + 1):
                off -= f.p[i] * s.surface[i, k, j]
            square += off * off
    return float(f.numbers[1] * math.sqrt(square / (e.volumes.size * e.parts.size)))


@njit(cache=True, error_model="numpy")
def accept(e: Any, s: Any, gam: float) -> None:
    """Take the trial values over as the newest level of time."""
    for k in range(e.volumes.size):
        for level in range(LEVELS, 0, -1):
            s.phi[level, k] = s.phi[level - 1, k]
            for j in range(e.parts.size):
                s.surface[level, k, j] = s.surface[level - 1, k, j]
                s.current[level, k, j] = s.current[level - 1, k, j]
    settle(e, s)
    advance_particles(e, s, gam)


@njit(cache=True, error_model="numpy")
def hold(s: Any, level: int) -> None:
    """Make a past level equal to the newest."""
    s.surface[level] = s.surface[0]
    s.current[level] = s.current[0]
    s.phi[level] = s.phi[0]


@njit(cache=True, error_model="numpy")
def settle(e: Any, s: Any) -> None:
    """Take the trial values over at the same time."""
    for k in range(e.volumes.size):
        s.phi[0, k] = s.points[k].trial
        for j in range(e.parts.size):
            s.current[0, k, j] = s.reactions[k, j].trial
            s.surface[0, k, j] = s.reactions[k, j].a + s.reactions[k, j].b * s.reactions[k, j].trial


@njit(cache=True, error_model="numpy")
def record(row: Any, t: float, volts: float, total: float, charge: float, high: float, low: float, series: float,
           c: Any, cs: Any, porous: bool, a: Any, sa: Any, p: Any) -> None:  # fmt: skip
    row[0], row[1], row[2], row[3], row[4], row[5] = t, volts, total, charge, high, low
    row[6] = series * total
    losses(c, cs, total, row[7:11])
    row[11:15] = 0.0
    if porous:
        losses(a, sa, -total, row[11:15])
        row[11:15] *= -1.0
    else:
        row[13] = low - p.potential


@njit(cache=True, error_model="numpy")
def first_step(e: Any, total: float, before: float, rtol: float) -> float:
    """Time in which a surface moves by a few times the error allowed: Δx = 2 ĵ sqrt(tD/πR²), s."""
    area = 0.0
    for j in range(e.parts.size):
        area += e.parts[j].area
    drawn = max(abs(total - before), abs(total), 1e-30) / (area * e.volumes.sum())
    shortest = 1e300
    for j in range(e.parts.size):
        pace, intake = e.parts[j].pace, e.parts[j].intake
        shortest = min(shortest, math.pi * pace * (FIRST * rtol / (drawn * intake)) ** 2)
    return shortest


@njit(cache=True, error_model="numpy")
def start(
    c: Any, cs: Any, porous: bool, a: Any, sa: Any, p: Any, series: float, mode: int, goal: float, guess: float,
    f: Any, low_limit: float, high_limit: float, counts: Any,
) -> tuple[bool, float, float, float, float]:  # fmt: skip
    """Currents and potentials at the start of a step, at the stoichiometries as they are: success, I, V, E, E.

    A current too large to start from at once is approached from below.
    """
    f.numbers[0] = 0.0
    f.c[:] = 0.0
    f.p[:] = 0.0
    f.c[0] = f.p[0] = 1.0
    total, ease = guess, 1.0
    while True:
        prepare(c, cs, f, 0.0)
        react(c, cs, 0)
        set_spread(c, cs)
        if porous:
            prepare(a, sa, f, 0.0)
            react(a, sa, 0)
            set_spread(a, sa)
        used, total, volts, high, low = solve_cell(
            c, cs, porous, a, sa, p, series, mode, goal, ease * guess, FARTHEST, 0
        )
        counts[1] += abs(used)
        if used > 0:
            settle(c, cs)
            if porous:
                settle(a, sa)
            beyond = (volts <= low_limit and total > 0.0) or (volts >= high_limit and total < 0.0)
            if ease == 1.0 or beyond:
                break
            ease = min(1.0, 1.5 * ease)
            continue
        counts[2] += 1
        if mode not in (CURRENT, PROFILE) or ease < 1e-5 or counts[2] > 50:
            return False, total, volts, high, low
        ease *= 0.1
        cs.current[0] *= 0.1
        if porous:
            sa.current[0] *= 0.1
    for level in range(1, LEVELS + 1):
        hold(cs, level)
        if porous:
            hold(sa, level)
    return True, total, volts, high, low


@njit(cache=True, error_model="numpy")
def next_step(
    c: Any, cs: Any, porous: bool, a: Any, sa: Any, f: Any, h: float, past: Any, order: int, levels: int,
    error: float, rtol: float,
) -> tuple[int, float]:  # fmt: skip
    """Order of the next step, and its size over this one: the order that allows the longest."""
    best, growth = order, 0.85 * max(error, 1e-5) ** (-1.0 / (order + 1.0))
    for other in (order - 1, order + 1):
        if other < 1 or other > min(MOST_ORDER, levels - 1):
            continue
        set_formula(f, h, past, other, other + 1)
        off = miss_cell(c, cs, porous, a, sa, f)
        reach = 0.8 * max(off / rtol, 1e-5) ** (-1.0 / (other + 1.0))
        if reach > growth:
            best, growth = other, reach
    return best, min(max(growth, 0.3), GROWTH[best])


@njit(cache=True, error_model="numpy")
def prepare_cell(c: Any, cs: Any, porous: bool, a: Any, sa: Any, f: Any, w: float) -> None:
    """`prepare` for both electrodes."""
    prepare(c, cs, f, w)
    if porous:
        prepare(a, sa, f, w)


@njit(cache=True, error_model="numpy")
def miss_cell(c: Any, cs: Any, porous: bool, a: Any, sa: Any, f: Any) -> float:
    """`miss` of the worse electrode."""
    off = miss(c, cs, f)
    return max(off, miss(a, sa, f)) if porous else off


@njit(cache=True, error_model="numpy")
def room_cell(c: Any, cs: Any, porous: bool, a: Any, sa: Any, f: Any) -> float:
    """`room` in the electrode that has less."""
    share = room(c, cs, f)
    return min(share, room(a, sa, f)) if porous else share


@njit(cache=True, error_model="numpy")
def share_to_limit(
    mode: int, low: float, high: float, taper: float,
    volts: float, last_volts: float, total: float, last_total: float,
) -> float:  # fmt: skip
    """Share of a step after which it meets the limit that it has passed; one if it has passed none."""
    if mode == VOLTAGE:
        if abs(total) < 0.999 * taper and abs(last_total) > taper:
            return math.log(abs(last_total) / taper) / math.log(abs(last_total) / max(abs(total), 1e-300))
    elif volts < low - CLOSE and total > 0.0:
        return (last_volts - low) / (last_volts - volts)
    elif volts > high + CLOSE and total < 0.0:
        return (last_volts - high) / (last_volts - volts)
    return 1.0


@njit(cache=True, error_model="numpy")
def ending(
    mode: int, low: float, high: float, longest: float, most_charge: float, taper: float,
    t: float, volts: float, total: float, charge: float,
) -> int:  # fmt: skip
    """Which limit a step that has been taken meets; DONE if none."""
    if mode != VOLTAGE and volts <= low + CLOSE and total > 0.0:
        return LOW
    if mode != VOLTAGE and volts >= high - CLOSE and total < 0.0:
        return HIGH
    if t >= longest * (1.0 - 1e-12):
        return TIME
    if most_charge > 0.0 and abs(charge) >= most_charge * (1.0 - 1e-9):
        return CAPACITY
    if mode == VOLTAGE and abs(total) <= taper:
        return TAPER
    return DONE


@njit(cache=True, error_model="numpy")
def approach(h: float, last: float, low: float, high: float, volts: float, fallen: float, total: float) -> float:
    """A step that goes no further than the limit ahead along the slope of the last one, from `fallen` to `volts`."""
    sign = 1.0 if total > 0.0 else -1.0
    fall, gap = sign * (fallen - volts), sign * (volts - (low if total > 0.0 else high))
    return max(gap / fall * last, 1e-6) if fall > 0.0 and gap < fall * h / last else h


@njit(cache=True, error_model="numpy")
def run_step(
    c: Any, cs: Any, porous: bool, a: Any, sa: Any, p: Any, series: float,
    mode: int, goal: float, times: Any, values: Any, guess: float,
    low_limit: float, high_limit: float, longest: float, most_charge: float, taper: float,
    rtol: float, largest: float, out: Any, counts: Any,
) -> tuple[int, int]:  # fmt: skip
    """One protocol step from where the electrodes stand; rows written, and how it ended.

    `guess` is the current to start from; `counts` collects steps, Newton
    iterations and rejected steps. Voltage limits are met to 1e-6 V by
    shortening the last step.
    """
    f = Formula(np.zeros(LEVELS), np.zeros(LEVELS + 1), np.zeros(2))
    other = Formula(np.zeros(LEVELS), np.zeros(LEVELS + 1), np.zeros(2))
    past, charges = np.ones(LEVELS), np.zeros(LEVELS)
    for level in range(1, LEVELS):
        cs.q[level] = cs.q[0]
        if porous:
            sa.q[level] = sa.q[0]
    begin = goal if mode == CURRENT else (values[0] if mode == PROFILE else guess)
    fine, total, volts, high, low = start(
        c, cs, porous, a, sa, p, series, mode, goal, begin, f, low_limit, high_limit, counts
    )
    if not fine:
        return 0, FAILED
    record(out[0], 0.0, volts, total, 0.0, high, low, series, c, cs, porous, a, sa, p)
    end = ending(mode, low_limit, high_limit, longest, 0.0, 0.0, 0.0, volts, total, 0.0)
    if end in (LOW, HIGH):
        return 1, end
    h = first_step(c, total, guess, rtol)
    if porous:
        h = min(h, first_step(a, total, guess, rtol))
    h = min(max(h, 1e-6), largest)
    t, rows, order, levels, most = 0.0, 1, 1, 1, LOCAL_MOST
    while True:
        h = min(h, longest - t)
        set_formula(f, h, past, order, min(order + 1, levels))
        share = room_cell(c, cs, porous, a, sa, f) if levels > 2 and h > 1e-3 else 1.0
        if share < 1.0:
            h *= max(0.9 * share, 0.1)
            set_formula(f, h, past, order, min(order + 1, levels))
        prepare_cell(c, cs, porous, a, sa, f, h / past[0] if levels > 1 else 0.0)
        begin = interpolate(times, values, t + h) if mode == PROFILE else total
        far = FAR if h > 1e-6 else FARTHEST
        used, found, ahead, high, low = solve_cell(c, cs, porous, a, sa, p, series, mode, goal, begin, far, most)
        counts[1] += abs(used)
        if used < 0:
            counts[2] += 1
            if h < 1e-9:
                return rows, FAILED
            # by themselves reactions may run away from each other
            h, most = 0.25 * h, 0
            continue
        error = miss_cell(c, cs, porous, a, sa, f) / rtol
        if error > 1.5 and h > 1e-6:
            h *= max(0.25, 0.8 * error ** (-1.0 / (order + 1.0)))
            counts[2] += 1
            continue
        share = share_to_limit(mode, low_limit, high_limit, taper, ahead, volts, found, total)
        if share != 1.0 and h > 1e-7:
            h *= min(max(share, 0.02), 0.98)
            counts[2] += 1
            continue
        # the same formula as for the particles, so that charge and lithium agree to rounding
        charge = f.c[0] * charges[0] + f.c[1] * charges[1] + f.c[2] * charges[2] + f.numbers[0] * found
        if most_charge > 0.0 and abs(charge) > most_charge * (1.0 + 1e-12):
            h *= (most_charge - abs(charges[0])) / abs(found * h)
            continue
        gam = f.numbers[0]
        order, growth = next_step(c, cs, porous, a, sa, other, h, past, order, levels, error, rtol)
        accept(c, cs, gam)
        if porous:
            accept(a, sa, gam)
        t, total, fallen, volts = t + h, found, volts, ahead
        charges[2], charges[1], charges[0] = charges[1], charges[0], charge
        past[2], past[1], past[0] = past[1], past[0], h
        levels = min(levels + 1, LEVELS + 1)
        counts[0] += 1
        record(out[rows], t, volts, total, charge, high, low, series, c, cs, porous, a, sa, p)
        rows += 1
        end = ending(mode, low_limit, high_limit, longest, most_charge, taper, t, volts, total, charge)
        if end != DONE:
            return rows, end
        if rows >= out.shape[0]:
            return rows, FULL
        h = min(h * growth, largest)
        if mode != VOLTAGE:
            h = approach(h, past[0], low_limit, high_limit, volts, fallen, total)
