"""The distribution of relaxation times of a spectrum, by non-negative Tikhonov regularisation.

    Z(ω) = R∞ + iωL + 1/(Q (iω)^a) + ∫ γ(ln τ)/(1 + iωτ) d ln τ,   γ ≥ 0,                       (1)

solved by `relaxations.py`, its peaks, and what noise and smoothing leave open.
The method is that of E. Ivers-Tiffée, A. Weber, J. Ceram. Soc. Jpn. 125 (2017) 193-201, with the choices above and
those of `numerics/regularisation.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from percolyte.impedance.measurement import Complexes, Floats, MeasuredSpectrum
from percolyte.impedance.relaxations import PER_DECADE, Relaxations, kernel_of, solve_robustly
from percolyte.impedance.validity import counted

LEAST_POINTS = 10
DRAWS = 400
"""Solutions drawn for the bands."""
QUANTILES = (2.5, 97.5)
WIDENED = 1.35
"""Factor on the spread of the draws, which alone held the polarisation resistance in 82 % of 810 simulated spectra."""
VALLEY = 0.9
"""Two maxima are two peaks where the density between falls below this part of the lower one."""
SEPARATE = 0.97
"""Part of the draws in which it must do so at one time constant; at 0.9, small lobes that smoothing makes beside an arc pass."""
SMALLEST_PEAK = 0.01
"""Of the resistance of all peaks that are told from zero."""
TOLD = 3.0
"""Standard deviations of |Z| at its time constant below which the resistance of a peak is not told from zero."""

PROCESSES = (
    ("bulk", "F/cm", 1e-13, 1e-11),
    ("grain boundaries", "F/cm", 1e-11, 1e-8),
    ("surface layer or interphase", "F/cm2", 1e-9, 1e-7),
    ("double layer at an electrode", "F/cm2", 1e-7, 1e-4),
    ("electrochemical reaction or diffusion", "F/cm2", 1e-5, math.inf),
)
"""Ranges of capacitance: times thickness over area (F/cm), or over area (F/cm2).

J. T. S. Irvine, D. C. Sinclair, A. R. West, Adv. Mater. 2 (1990) 132-138, table 1, for a sample with thickness/area of 1/cm: bulk
1e-12, grain boundary 1e-11 to 1e-8, surface layer 1e-9 to 1e-7, interface of sample and electrode 1e-7 to 1e-5,
electrochemical reaction 1e-4 F. The bulk is widened to permittivities of 1 to 100, and the gap from 1e-5 to 1e-4 F is given to both neighbours.
"""


@dataclass(frozen=True)
class Estimate:
    """A number, and between what 95 % of the draws lie; NaN where none were drawn."""

    value: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Peak:
    """One maximum of the distribution and what belongs to it, valley to valley."""

    resistance: Estimate
    """ohm"""
    time_constant: Estimate
    """Mean over the upper half of the peak, s."""
    capacitance: float
    """F: time constant over resistance."""
    first: int
    """Nodes of its ends."""
    last: int
    width: float
    """Full width at half of the maximum, decades; an ideal RC has that of two nodes."""
    cut: bool
    """Whether it leans on an end of the range, so that its numbers are bounds."""
    process: str
    """What it may be, in words; empty where the area is not known."""


@dataclass(frozen=True)
class Blocking:
    """The slow end 1/(Q (iω)^a) of a spectrum that stops direct current."""

    q: float
    """F s^(a-1)"""
    exponent: float
    """1 for a capacitor."""


@dataclass(frozen=True, eq=False)
class RelaxationTimes:
    """The distribution of one spectrum."""

    spectrum: MeasuredSpectrum
    time_constant: Floats
    """Nodes, evenly in ln τ, s."""
    density: Floats
    """γ at the nodes, ohm per unit of ln τ."""
    low: Floats
    """Of 95 % of the draws, node by node; empty without bands."""
    high: Floats
    polarisation_resistance: Estimate
    """∫ γ d ln τ, ohm."""
    series_resistance: float
    """R∞, ohm: all that is faster than the fastest point."""
    inductance: float | None
    """H; None where the spectrum shows none."""
    blocking: Blocking | None
    """In series; None where the spectrum shows none."""
    impedance: Complexes
    """Of (1), at every point of the spectrum, ohm."""
    noise: float
    """Standard deviation of real and of imaginary part over |Z|, by the fit."""
    strength: float
    """Of the regularisation that the data chose."""
    peaks: tuple[Peak, ...]
    doubtful: tuple[Peak, ...]
    """Lobes whose resistance is not told from zero, as before a blocking end of much larger |Z|; they are no peaks."""
    discounted: tuple[int, ...]
    """Points that lie far off all others, by index."""

    @property
    def capacitance(self) -> float | None:
        """F, where the blocking end is a capacitor."""
        return self.blocking.q if self.blocking is not None and self.blocking.exponent == 1.0 else None

    @property
    def spacing(self) -> float:
        """Of the nodes, in ln τ."""
        return float(np.log(self.time_constant[1] / self.time_constant[0]))


@dataclass(frozen=True, eq=False)
class RelaxationMap:
    """Distributions of a series of spectra over common time constants."""

    time_constant: Floats
    density: Floats
    """(spectra, time constants), ohm per unit of ln τ; NaN beyond the range of a spectrum."""
    each: tuple[RelaxationTimes, ...]


def relaxation_times(spectrum: MeasuredSpectrum, *, bands: bool = True) -> RelaxationTimes:
    """The distribution (1) of a spectrum, its peaks, and between what 95 % of all that fits lies.

    The bands are the spread of the draws about their median, times 1.35, set on the estimate. They hold what noise and the choice of
    λ leave open, not what smoothing hides: peaks as sharp as an RC are blunted. Limits: an RC gives one spike
    of area R at RC; the density integrates to the polarisation resistance within the range. Negative relaxations
    (inductive loops) and noise not in proportion to |Z| are outside of the model.

    Errors: InputError for fewer than 10 points that count, or frequencies that are not positive.
    """
    from percolyte.numerics.regularisation import sampled

    frequency, impedance = counted(spectrum, LEAST_POINTS)
    problem = Relaxations.of(2.0 * np.pi * frequency, impedance)
    best, wild = solve_robustly(problem)
    ends, found, unknowns = best.ends, best.found, best.unknowns
    draws = sampled(found, DRAWS, seed=1) * best.scale if bands else np.empty((0, unknowns.size))
    first, spacing = ends.count, problem.spacing
    density, spread = unknowns[first:], _centred(draws[:, first:], unknowns[first:])
    full = np.hstack([ends.columns(spectrum.omega), kernel_of(spectrum.omega, problem.logarithms, spacing)])
    low, high = _interval(spread)
    noise = math.sqrt(found.variance)
    return RelaxationTimes(
        spectrum,
        np.exp(problem.logarithms),
        density,
        np.maximum(low, 0.0),
        high,
        _estimate(spacing * density.sum(), spacing * draws[:, first:].sum(axis=1)),
        float(unknowns[0]),
        float(unknowns[1]) or None if ends.inductance else None,
        Blocking(float(1.0 / unknowns[first - 1]), ends.exponent) if ends.exponent and unknowns[first - 1] else None,
        full @ unknowns,
        noise,
        found.strength,
        *_told(_peaks(problem.logarithms, density, draws[:, first:], spectrum), spectrum, noise),
        tuple(np.flatnonzero(spectrum.used)[wild].tolist()),
    )


def relaxation_map(spectra: Sequence[MeasuredSpectrum]) -> RelaxationMap:
    """Distributions of a series, such as states of charge or temperatures, side by side."""
    each = tuple(relaxation_times(spectrum, bands=False) for spectrum in spectra)
    return RelaxationMap(*side_by_side([(one.time_constant, one.density) for one in each]), each)


def side_by_side(each: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """Time constants common to distributions (times, density), and each density at them, NaN beyond its own."""
    fastest = min(times[0] for times, _ in each)
    slowest = max(times[-1] for times, _ in each)
    common = np.geomspace(fastest, slowest, 1 + math.ceil(PER_DECADE * math.log10(slowest / fastest)))
    rows = [np.interp(np.log(common), np.log(times), density, left=np.nan, right=np.nan) for times, density in each]
    return common, np.array(rows)


def _centred(draws: Floats, value: Floats) -> Floats:
    """Draws widened, and moved so that their median is the estimate: projection onto zero lifts them where there is little."""
    return WIDENED * (draws - np.median(draws, axis=0)) + value if len(draws) else draws


def _interval(draws: Floats) -> tuple[Floats, Floats]:
    if not len(draws):
        return np.empty(0), np.empty(0)
    low, high = np.percentile(draws, QUANTILES, axis=0)
    return low, high


def _estimate(value: float, draws: Floats) -> Estimate:
    if not draws.size:
        return Estimate(float(value))
    low, high = np.percentile(_centred(draws, np.asarray(value)), QUANTILES)
    return Estimate(float(value), max(float(low), 0.0), float(high))


def _peaks(logarithms: Floats, density: Floats, draws: Floats, spectrum: MeasuredSpectrum) -> tuple[Peak, ...]:
    """The lobes that are apart in the estimate and in nearly every draw, fastest first."""
    spacing = float(logarithms[1] - logarithms[0])
    found = []
    for first, last in _apart(density, draws):
        area = density[first : last + 1].sum()
        if area == 0.0:
            continue
        top = first + int(np.argmax(density[first : last + 1]))
        upper = _upper_half(density, top, first, last)
        value = spacing * float(area)
        tau = float(_mean_time(logarithms, density[None], upper)[0])
        resistance = _estimate(value, spacing * draws[:, first : last + 1].sum(axis=1))
        time_constant = _estimate(tau, _mean_time(logarithms, draws, upper))
        cut = top in (0, density.size - 1)
        width = (upper[-1] - upper[0] + 1) * spacing / math.log(10.0)
        process = _process(tau / value, spectrum)
        found.append(Peak(resistance, time_constant, tau / value, first, last, width, cut, process))
    return tuple(found)


def _told(peaks: Sequence[Peak], spectrum: MeasuredSpectrum, noise: float) -> tuple[tuple[Peak, ...], tuple[Peak, ...]]:
    """Those whose resistance is told from zero by interval and by noise, and the others; none that are small beside the first."""
    used = np.flatnonzero(spectrum.used)
    order = used[np.argsort(spectrum.omega[used])[::-1]]
    times, modulus = -np.log(spectrum.omega[order]), np.abs(spectrum.impedance[order])

    def told(peak: Peak) -> bool:
        least = TOLD * noise * float(np.interp(math.log(peak.time_constant.value), times, modulus))
        return peak.resistance.value > least and not peak.resistance.low <= 0.0

    least = SMALLEST_PEAK * sum(peak.resistance.value for peak in peaks if told(peak))
    large = [peak for peak in peaks if peak.resistance.value >= least]
    return tuple(filter(told, large)), tuple(peak for peak in large if not told(peak))


def _apart(density: Floats, draws: Floats) -> list[tuple[int, int]]:
    """First and last node of each peak: lobes of the estimate, the least separate two joined until all are apart."""
    padded = np.concatenate([[-1.0], density, [-1.0]])
    tops = np.flatnonzero((density > padded[:-2]) & (density >= padded[2:]) & (density > 0.0)).tolist()
    edges = [-1, *(_valley(density, *pair) for pair in pairwise(tops)), density.size - 1]
    rows = draws if len(draws) else density[None]
    while len(edges) > 2:
        clear = [_separation(density, rows, edges[i] + 1, edges[i + 1], edges[i + 2]) for i in range(len(edges) - 2)]
        least = int(np.argmin(clear))
        if clear[least] >= SEPARATE:
            break
        del edges[least + 1]
    return [(start + 1, end) for start, end in pairwise(edges)]


def _valley(density: Floats, top: int, other: int) -> int:
    """The middle of all nodes between two tops where the density is least, which may be zero over decades."""
    lowest = np.flatnonzero(density[top : other + 1] == density[top : other + 1].min())
    return top + int(lowest[lowest.size // 2])


def _separation(density: Floats, rows: Floats, first: int, middle: int, last: int) -> float:
    """Largest part of the rows that a single node between the highest of two neighbours parts: each may move with the draw."""
    parts = rows[:, first : last + 1]
    before = np.maximum.accumulate(parts, axis=1)
    after = np.maximum.accumulate(parts[:, ::-1], axis=1)[:, ::-1]
    parted = np.mean(parts < VALLEY * np.minimum(before, after), axis=0)
    tops = int(np.argmax(density[first : middle + 1])), middle - first + int(np.argmax(density[middle : last + 1]))
    return float(parted[tops[0] : tops[1] + 1].max())


def _upper_half(density: Floats, top: int, first: int, last: int) -> NDArray[np.int64]:
    start = end = top
    while start > first and density[start - 1] > 0.5 * density[top]:
        start -= 1
    while end < last and density[end + 1] > 0.5 * density[top]:
        end += 1
    return np.arange(start, end + 1)


def _mean_time(logarithms: Floats, density: Floats, nodes: NDArray[np.int64]) -> Floats:
    """Of each row, with its nodes at either side so that a spike between two nodes keeps its place."""
    around = np.arange(max(nodes[0] - 1, 0), min(nodes[-1] + 2, logarithms.size))
    weight = density[:, around]
    whole = weight.sum(axis=1)
    middle = logarithms[around].mean()
    mean = np.where(whole > 0.0, (weight * logarithms[around]).sum(axis=1) / np.where(whole > 0.0, whole, 1.0), middle)
    return np.asarray(np.exp(mean))


def _process(capacitance: float, spectrum: MeasuredSpectrum) -> str:
    """Every process whose range holds the capacitance; the ranges overlap, so it is a suggestion. Nothing without the area."""
    if spectrum.area is None:
        return ""
    by_area = capacitance / spectrum.area * 1e-4
    measures = {"F/cm2": by_area}
    if spectrum.thickness is not None:
        measures["F/cm"] = by_area * spectrum.thickness * 1e2
    names = [name for name, unit, low, high in PROCESSES if unit in measures and low <= measures[unit] <= high]
    return " or ".join(names) if names else "outside of the known ranges"
