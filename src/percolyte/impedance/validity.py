"""Whether a spectrum may be fitted at all: Kramers-Kronig residuals, noise, outliers and drift within the measurement.

Nothing is dropped: outliers are suggestions, a point is left out by `exclude` alone, with a reason, and comes back by `include`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from percolyte.errors import InputError, Problem
from percolyte.impedance.kramers_kronig import LinearFit, Represented, fit_elements, fit_linear
from percolyte.impedance.measurement import Complexes, Floats, MeasuredSpectrum
from percolyte.impedance.step import TOLD, Step, largest_step

LEAST_POINTS = 8
LEAST_NOISE = 1e-4
"""Of |Z|: what the digits of a file and of an instrument leave in the best case."""
FALSE_ALARMS = 0.01
"""Spectra of noise alone in which a point is called an outlier."""
MOST_OUTLIERS = 0.1
"""Of the points; with more the spectrum as a whole is at fault."""
MEDIAN_CHI2 = 1.386
"""Of χ² with two degrees of freedom."""
ORDERED = 3.0
"""Standard deviations by which neighbouring residuals are too alike for noise."""
SYSTEMATIC = 0.005
"""Of |Z|: a misfit that is not noise and still harmless for the resistances of arcs."""
NOISY = 0.01
HEAVY = 2.0
"""Misfit of all points over that of most of them, from which the rest are too many and too far for noise."""
DRIFTED = 4.0
"""Standard errors of a drift that is told."""
LARGEST_DRIFT = 0.5
"""Beyond, a change in proportion to time explains nothing."""

Verdict = Literal["consistent", "noisy", "drifting", "stepped", "inconsistent"]


@dataclass(frozen=True, eq=False)
class Validity:
    """What the Kramers-Kronig relations say of one spectrum."""

    spectrum: MeasuredSpectrum
    verdict: Verdict
    represented: Represented
    """In which the model was fitted: the admittance where it alone is stable."""
    elements: int
    model: Complexes
    """At every point, excluded ones too, ohm."""
    residual: Complexes
    """(Z - model)/|Z| at every point."""
    noise: float
    """Standard deviation of real and of imaginary part over |Z|, by the misfit without outliers."""
    systematic: float
    """Root mean square of the misfit that is not noise, over |Z|: neighbours in common, or too many points far off; else zero."""
    drift: float
    """Relative change of |Z| over the measurement, if all of Z changed in proportion to time; see `drift_error`."""
    drift_error: float
    """Standard error of it."""
    step: Step | None
    """The step that explains most, whether it counts or not; its place by index of the spectrum, of the first point behind it."""
    outliers: dict[int, str]
    """Points to look at, by index, and why: a suggestion for `exclude`."""

    @property
    def words(self) -> tuple[str, ...]:
        """The verdict and its reasons, a sentence each."""
        return (_SAID[self.verdict].format(noise=100 * self.noise, systematic=100 * self.systematic), *_reasons(self))


_SAID: dict[Verdict, str] = {
    "consistent": "the spectrum obeys the Kramers-Kronig relations within its noise of {noise:.2g} % of |Z|",
    "noisy": "the spectrum obeys the Kramers-Kronig relations, but its noise is {noise:.2g} % of |Z|",
    "drifting": "the cell changed during the measurement: the slow points belong to another state than the fast ones",
    "stepped": "the spectrum is in two parts that do not fit each other: the instrument changed its range, or a contact gave way",
    "inconsistent": "the spectrum breaks the Kramers-Kronig relations by {systematic:.2g} % of |Z|, beyond its noise of "
    "{noise:.2g} %: it drifts, is not linear, or has steps between ranges of the instrument",
}


def check_spectrum(spectrum: MeasuredSpectrum) -> Validity:
    """Kramers-Kronig test of the points that count.

    Residuals r = (Z - model)/|Z| of the model of `kramers_kronig.py`; noise σ from their sum of squares and degrees of freedom. Outliers
    are set aside one by one, the farthest first, while rᵀ(I - H)⁻¹r exceeds what noise alone reaches in 1 % of spectra; if they are more than
    a tenth, none is, and what exceeds the noise of most points is systematic.
    Systematic: σ² less half the mean square of the differences of neighbours, where they are too alike (J. von Neumann,
    Ann. Math. Stat. 12 (1941) 367-395). Drift: the part of the misfit along i(t) Z, time elapsed as Σ 1/f in
    the order measured. Step: `step.largest_step`, told beyond 4.5 standard errors where it explains more than a drift and leaves nothing
    systematic. Limits: a violation that the model can follow is not seen, above all a drift slower than
    a few per cent over a whole spectrum; a test on a range of frequencies says nothing of what lies beyond.

    Errors: InputError for fewer than 8 points that count, or frequencies that are not positive.
    """
    counted(spectrum, LEAST_POINTS)
    with np.errstate(divide="ignore", invalid="ignore"):
        fit, inlying = _fitted(spectrum, "impedance")
        if _faulty(fit, _systematic(fit, spectrum, inlying)[0]):
            other, other_inlying = _fitted(spectrum, "admittance")
            if other.prediction_error < 0.8 * fit.prediction_error:
                fit, inlying = other, other_inlying
        residual = (spectrum.impedance - fit.model) / np.abs(spectrum.impedance)
    systematic, noise = _systematic(fit, spectrum, inlying)
    drift, drift_error = _drift(spectrum, fit, inlying)
    step = largest_step(spectrum.impedance[inlying], fit, LEAST_NOISE)
    verdict = _verdict(noise, systematic, drift, drift_error)
    if (
        step is not None
        and step.score > max(TOLD, abs(drift) / drift_error)
        and _explains(step, fit, spectrum, inlying)
    ):
        verdict = "stepped"
    outlying = np.flatnonzero(spectrum.used & ~inlying)
    return Validity(
        spectrum,
        verdict,
        fit.represented,
        fit.elements,
        fit.model,
        residual,
        noise,
        systematic,
        drift,
        drift_error,
        None if step is None else replace(step, place=int(np.flatnonzero(inlying)[step.place])),
        {int(i): f"{100 * abs(residual[i]):.2g} % off the Kramers-Kronig model" for i in outlying},
    )


def exclude(spectrum: MeasuredSpectrum, points: Iterable[int], why: str) -> MeasuredSpectrum:
    """The spectrum with these points (by index) left out of every fit, for a reason that stays with it."""
    points = _indices(spectrum, points)
    if not why.strip():
        raise InputError("a point is excluded for a reason; write why, such as 'range switch of the instrument'")
    return replace(spectrum, excluded={**spectrum.excluded, **dict.fromkeys(points, why)})


def leave_out(spectrum: MeasuredSpectrum, numbers: Iterable[int]) -> MeasuredSpectrum:
    """The spectrum without the points of these numbers, counted from 1, as its user asks."""
    return exclude(spectrum, [number - 1 for number in numbers], "left out as asked")


def include(spectrum: MeasuredSpectrum, points: Iterable[int] | None = None) -> MeasuredSpectrum:
    """The spectrum with these points counted again, or all of them."""
    back = set(spectrum.excluded if points is None else _indices(spectrum, points))
    return replace(spectrum, excluded={i: why for i, why in spectrum.excluded.items() if i not in back})


def counted(spectrum: MeasuredSpectrum, least: int) -> tuple[Floats, Complexes]:
    """Frequency and impedance of the points that count.

    Errors: InputError for fewer than `least` of them or fewer frequencies, for frequencies that are not positive and
    for an impedance of zero or that is no number.
    """
    used = spectrum.used
    frequency, impedance = spectrum.frequency[used], spectrum.impedance[used]
    problems = [
        *_problem("frequency", ~(np.isfinite(frequency) & (frequency > 0.0)), "must be a positive number of Hz"),
        *_problem("impedance", ~(np.isfinite(impedance) & (impedance != 0.0)), "must be a number, and not zero"),
    ]
    if np.unique(frequency).size < least:
        problems.append(
            Problem("frequency", f"{np.unique(frequency).size} different ones count; at least {least} are needed")
        )
    if problems:
        raise InputError(problems, source=spectrum.source)
    return frequency, impedance


def _problem(where: str, wrong: NDArray[np.bool_], what: str) -> list[Problem]:
    count = int(wrong.sum())
    if not count:
        return []
    points = "point" if count == 1 else "points"
    return [Problem(where, f"{what}; {count} {points} that count are not. Exclude or correct them")]


def _indices(spectrum: MeasuredSpectrum, points: Iterable[int]) -> list[int]:
    points = [int(point) for point in points]
    size = spectrum.frequency.size
    wrong = [str(point + 1) for point in points if not 0 <= point < size]
    if wrong:
        raise InputError(
            f"no point {', '.join(wrong)}: the spectrum has points 1 to {size} (indices 0 to {size - 1} in Python)",
            source=spectrum.source,
        )
    return points


def _fitted(spectrum: MeasuredSpectrum, represented: Represented) -> tuple[LinearFit, NDArray[np.bool_]]:
    """The model without outliers, and which points were fitted.

    Outliers are those that neither the model nor a drift nor a step explains: a cell that changes is no reason to drop its slow
    points, and a change of range none to drop those at its edge.
    """
    omega, impedance, inlying = spectrum.omega, spectrum.impedance, spectrum.used
    elements = fit_linear(omega, impedance, inlying, represented).elements
    response = impedance if represented == "impedance" else 1.0 / impedance
    beside = _elapsed(spectrum) * response
    step = largest_step(impedance[inlying], fit_elements(omega, impedance, inlying, elements, represented), LEAST_NOISE)
    if step is not None and step.score > TOLD:
        beside = np.column_stack([beside, _behind(step, inlying) * response])
    count = int(inlying.sum())
    limit = 2.0 * math.log(count / FALSE_ALARMS)
    for _ in range(int(MOST_OUTLIERS * count)):
        fit = fit_elements(omega, impedance, inlying, elements, represented, beside=beside)
        variance = max(float(np.median(fit.distance)) / MEDIAN_CHI2, LEAST_NOISE**2)
        farthest = int(np.argmax(fit.distance))
        if fit.distance[farthest] < limit * variance:
            break
        inlying[np.flatnonzero(inlying)[farthest]] = False
    else:
        inlying = spectrum.used
    return fit_elements(omega, impedance, inlying, elements, represented), inlying


def _systematic(fit: LinearFit, spectrum: MeasuredSpectrum, inlying: NDArray[np.bool_]) -> tuple[float, float]:
    """The misfit that is not noise, and the noise that is left; both relative to |Z|."""
    order = np.argsort(spectrum.frequency[inlying], kind="stable")
    parts = fit.misfit.reshape(2, -1)[:, order]
    square = float(np.mean(parts**2))
    typical = float(np.median(fit.distance)) / MEDIAN_CHI2
    if square < LEAST_NOISE**2:
        return 0.0, math.sqrt(fit.variance)
    if fit.variance > HEAVY**2 * typical:
        return math.sqrt(fit.variance - typical), math.sqrt(typical)
    between = 0.5 * float(np.mean(np.diff(parts, axis=1) ** 2))
    alike = (1.0 - between / square) * math.sqrt(parts.size)
    if alike < ORDERED:
        return 0.0, math.sqrt(fit.variance)
    return math.sqrt(square - between), math.sqrt(between)


def _faulty(fit: LinearFit, systematic: float) -> bool:
    return systematic > SYSTEMATIC or fit.prediction_error > NOISY


def _elapsed(spectrum: MeasuredSpectrum) -> Floats:
    """Time at which each point was measured, as a part of the whole: a period each, in the order measured."""
    period = np.where(spectrum.used, 1.0 / spectrum.frequency, 0.0)
    return np.asarray(np.cumsum(period) / period.sum())


def _drift(spectrum: MeasuredSpectrum, fit: LinearFit, inlying: NDArray[np.bool_]) -> tuple[float, float]:
    """Relative change of the response from the first to the last point, and its standard error.

    Z measured = Z (1 + a t), t from 0 to 1; for the admittance the sign of a turns.
    """
    elapsed = _elapsed(spectrum)[inlying]
    phase = spectrum.impedance[inlying] / np.abs(spectrum.impedance[inlying])
    turned = phase if fit.represented == "impedance" else -np.conj(phase)
    along = np.concatenate([(elapsed * turned).real, (elapsed * turned).imag])
    along = along - fit.basis @ (fit.basis.T @ along)
    square = float(along @ along)
    change = float(along @ fit.misfit) / square
    freedom = max(fit.misfit.size - fit.basis.shape[1] - 1, 1)
    rest = fit.misfit - change * along
    return change, math.sqrt(max(float(rest @ rest) / freedom, LEAST_NOISE**2) / square)


def _behind(step: Step, inlying: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The points from the step on, of all."""
    return np.asarray(np.arange(inlying.size) >= np.flatnonzero(inlying)[step.place])


def _explains(step: Step, fit: LinearFit, spectrum: MeasuredSpectrum, inlying: NDArray[np.bool_]) -> bool:
    """Whether nothing systematic is left beside the step; noise above 1 % leaves too much room, and false alarms."""
    response = spectrum.impedance if fit.represented == "impedance" else 1.0 / spectrum.impedance
    column = _behind(step, inlying) * response
    beside = fit_elements(spectrum.omega, spectrum.impedance, inlying, fit.elements, fit.represented, column)
    return abs(step.size) > SYSTEMATIC and not _faulty(beside, _systematic(beside, spectrum, inlying)[0])


def _verdict(noise: float, systematic: float, drift: float, drift_error: float) -> Verdict:
    if LARGEST_DRIFT > abs(drift) > max(DRIFTED * drift_error, SYSTEMATIC):
        return "drifting"
    if systematic > SYSTEMATIC:
        return "inconsistent"
    return "noisy" if noise > NOISY else "consistent"


def _reasons(found: Validity) -> list[str]:
    reasons = []
    if found.verdict == "drifting":
        reasons.append(
            f"|Z| changed by about {100 * found.drift:+.2g} % (standard error {100 * found.drift_error:.1g} %) from the first to "
            "the last point, if all of it changed alike"
        )
    if found.verdict == "stepped" and found.step is not None:
        frequency, place = found.spectrum.frequency, found.step.place
        before = int(np.flatnonzero(found.spectrum.used[:place])[-1])
        reasons.append(
            f"|Z| changes by {100 * found.step.size:+.2g} % (standard error {100 * found.step.error:.1g} %) between {frequency[before]:.4g} Hz "
            f"and {frequency[place]:.4g} Hz"
        )
    if found.represented == "admittance":
        reasons.append(
            "the admittance obeys the relations better than the impedance: the cell is stable at controlled voltage"
        )
    if found.outliers:
        frequencies = ", ".join(f"{found.spectrum.frequency[i]:.4g} Hz" for i in found.outliers)
        reasons.append(f"look at the points at {frequencies}: far off what the others say")
    return reasons
