"""The charge balance of a porous electrode with a single-ion electrolyte, by Newton's method.

Ohm's law in both phases, i_s + i_e = I, leaves one potential a point of the
mesh, Φ = φ_s - φ_e, with

    i_e = (dΦ/dx + I/σ) / (1/κ + 1/σ),   -di_e/dx = Σ a_m J_m,

where m counts the particle classes. Their reactions (`percolyte.cell.reaction`)
are explicit in J once diffusion has made x_s linear in it (`percolyte.cell.diffusion`),
so that Newton's method on (Φ, J) needs one scalar tridiagonal solve.

The two laws together are Φ'' = -(1/κ + 1/σ) Σ a J, which Numerov's method solves
to fourth order on equidistant points, ends included (Gregory's weights make the
sum over the points the integral). With Φ' = I/κ at the separator and -I/σ at the
collector, φ_s(L) - φ_e(0) = (σ Φ(0) + κ Φ(L) - I L)/(κ + σ).

x runs from the separator (0) to the collector (L); I > 0 is ionic current from
the separator into the electrode (discharge of a cathode).
"""

from __future__ import annotations

from typing import Any

from numba import njit

from percolyte.cell.reaction import bounded, reaction
from percolyte.units import FARADAY, GAS_CONSTANT

NEWTON_MOST = 60
LOCAL, LOCAL_MOST = 5e-3, 10
"""Volts beyond which a reaction is solved by itself before the whole is, and how often at most."""


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
