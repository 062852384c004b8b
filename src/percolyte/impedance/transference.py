"""The Bruce-Vincent experiment: a lithium cell with a polymer electrolyte held at a small voltage, and its impedance before and after.

The salt moves until its diffusion balances the field, and the current falls from V/R_first to V/R_last,

    t = (R_first - R_before)/(R_last - R_after),   the same as I_s (V - I_0 R_0)/[I_0 (V - I_s R_s)],   (1)

with the resistances of the lithium interfaces at both times. Between, I/V is the response to a step of R_first + G tanh(u)/u,
u = sqrt(iωT)/2, T = L²/D with the diffusion coefficient D of the salt: the form of a composite, of which G is
the concentration's share. Fitting it finds the first current without a row at time zero.

Sources: J. Evans, C. A. Vincent, P. G. Bruce, Polymer 28 (1987) 2324-2328; N. P. Balsara, J. Newman,
J. Electrochem. Soc. 162 (2015) A2720-A2722.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from percolyte.errors import InputError, Problem
from percolyte.impedance.conductivity import QUANTILE
from percolyte.impedance.drift import Linearity, linearity
from percolyte.impedance.estimates import Estimate, Fit, percent
from percolyte.impedance.fit import fit
from percolyte.impedance.interfaces import Interfaces
from percolyte.impedance.measurement import Polarisation
from percolyte.impedance.polarisation import FIRST, RELAXATION, RISE, SHORTEST, Relaxation, transference_number
from percolyte.impedance.transient import ROOM, diffusion_of

APART = 0.1
"""Relative difference of two readings of one number that is worth a word."""
ALIKE = 3.0
"""Factor up to which two times of the same diffusion may differ."""
LAST_PART = 0.1
"""Of the time, whose mean is the steady current as read."""


@dataclass(frozen=True, eq=False)
class Transference:
    """The result of one Bruce-Vincent experiment."""

    number: Estimate
    """Of the cation, if the salt is ideal and dilute; else the share of the current that the steady state keeps."""
    fit: Fit
    run: Polarisation
    before: Interfaces
    after: Interfaces
    first_current: float
    """By the fit, A."""
    steady_current: float
    """By the fit, A."""
    read: tuple[float, float]
    """Current of the first row, and mean of the last tenth of the time, A."""
    number_as_read: float | None
    """With the currents as read; none where the first row leaves no voltage for the electrolyte, as while a double layer charges."""
    number_by_spectrum: float | None
    """With the first current from the spectrum before, V/(R_electrolyte + R_0), which no charging disturbs."""
    diffusion: Estimate | None
    """Of the salt, m2/s; none without a thickness."""
    conductivity: Estimate | None
    """Of the electrolyte, S/m; none without thickness and area."""
    relaxation_times: float
    """How many T the run lasted."""
    linearity: Linearity
    warnings: tuple[str, ...]


def bruce_vincent(
    run: Polarisation,
    before: Interfaces,
    after: Interfaces,
    *,
    thickness: float | None = None,
    area: float | None = None,
) -> Transference:
    """Number of the cation by (1) from the fitted run, with its error to first order of those of all resistances.

    ln t has the gradient R_first (1/a - 1/b), -G/b by ln R_first and ln G, with a and b the numerator and denominator of
    (1), and -1/a, 1/b by the interfaces; these are taken as independent of the run and of each other.
    Limits: no interfaces give I_s/I_0; a current that does not fall gives one.
    Errors: InputError for a run at constant current, and for resistances that contradict the run.
    """
    if run.mode != "potentiostatic":
        raise InputError("was run at constant current; the cell is held at a constant voltage here", source=run.source)
    if run.applied < 0.0:
        run = replace(run, applied=-run.applied, response=-run.response)
    late = run.time >= run.time[-1] - LAST_PART * (run.time[-1] - run.time[0])
    read = float(run.response[0]), float(run.response[late].mean())
    as_read = _as_read(run, read, before, after)
    found = fit(run, Relaxation("potentiostatic"), start=_start(run, read))
    first, rise, scale = found.optimum.tolist()
    a, b = first - before.value, first + rise - after.value
    if not (a > 0.0 and b > 0.0):
        raise InputError(_too_large(before, after, first, first + rise), source=run.source)
    gradient = np.array([first * (1.0 / a - 1.0 / b), -rise / b, 0.0])
    variance = float(gradient @ found.covariance @ gradient) + (before.error / a) ** 2 + (after.error / b) ** 2
    number = _of_logarithm("transference_number", "", a / b, variance**0.5)
    if found[RELAXATION].value is None and found[RISE].low > 0.0:
        why = "the run shows that the current falls, but not how far; hold the voltage longer"
        number = replace(number, value=None, low=0.0, high=a / (a + found[RISE].low), why=why)
    by_bulk = (first**2 * float(found.covariance[0, 0]) + before.error**2) ** 0.5 / a
    sized = thickness is not None and area is not None
    time = found[RELAXATION]
    result = Transference(
        number,
        found,
        run,
        before,
        after,
        run.applied / first,
        run.applied / (first + rise),
        read,
        as_read,
        None if before.electrolyte is None else before.electrolyte / b,
        None if thickness is None else diffusion_of("salt_diffusion_coefficient", thickness, time),
        _of_logarithm("electrolyte_conductivity", "S/m", thickness / (area * a), by_bulk) if sized else None,
        float(run.time.max()) / scale,
        linearity(run.applied, run.temperature or ROOM, "step"),
        (),
    )
    return replace(result, warnings=tuple(_warnings(result)))


def _start(run: Polarisation, read: tuple[float, float]) -> dict[str, float]:
    """Half of the fall lies near 0.03 T."""
    half = float(run.time[int(np.argmin(np.abs(run.response - 0.5 * sum(read))))])
    first, last = (run.applied / current for current in read)
    return {FIRST: first, RISE: max(last - first, 1e-6 * first), RELAXATION: max(half, 1e-4 * run.time[-1]) / 0.03}


def _as_read(run: Polarisation, read: tuple[float, float], before: Interfaces, after: Interfaces) -> float | None:
    """The number without any fit; a current that rises or has the wrong sign is refused."""
    try:
        return transference_number(
            run.applied,
            first_current=read[0],
            steady_current=read[1],
            first_resistance=before.value,
            steady_resistance=after.value,
        )
    except InputError as error:
        of_run = [one for one in error.problems if one.where not in ("first_resistance", "steady_resistance")]
        if of_run:
            raise InputError(of_run, source=run.source) from None
        return None


def _too_large(before: Interfaces, after: Interfaces, first: float, last: float) -> list[Problem]:
    return [
        Problem(name, f"{one.value:.4g} ohm of interfaces leave nothing of the {whole:.4g} ohm that the run shows then")
        for name, one, whole in (("before", before, first), ("after", after, last))
        if one.value >= whole
    ]


def _of_logarithm(name: str, unit: str, value: float, error: float) -> Estimate:
    reach = math.exp(min(QUANTILE * error, 700.0))
    return Estimate(name, unit, value, value / reach, value * reach, error)


def _warnings(found: Transference) -> list[str]:
    """What the run, its first rows and the spectra say against each other."""
    said = [warning for warning in found.fit.warnings if "no noise" in warning or "converge" in warning]
    if any("no noise" in warning for warning in said):
        said.append(
            "a double layer that charges in the first seconds pulls the first current away; leave those rows out, such as --skip '60 s', "
            "until the number stays"
        )
    unknown = found.fit[RELAXATION].value is None
    if unknown and found.number.value is not None:
        said.append(
            "the current does not fall beyond its noise: that of a single-ion conductor, or of a run that has hardly begun"
        )
    read, number = found.number_as_read, found.number.value
    if number is not None and (read is None or abs(read / number - 1.0) > APART):
        told = "no number" if read is None else f"{read:.3g}"
        said.append(
            f"first row and last tenth give {told}, the fit {number:.3g}: the first row came late, the double layer still charged, the end "
            "was not reached, or the interfaces changed during the run"
        )
    if found.relaxation_times < SHORTEST and not unknown:
        said.append(
            f"the run lasted {found.relaxation_times:.2g} times its relaxation time L²/D, and needs {SHORTEST:g}: its end is "
            "extrapolated; hold the voltage longer"
        )
    first = found.run.applied / found.first_current
    if found.before.electrolyte is not None:
        shown = found.before.electrolyte + found.before.value
        if abs(shown / first - 1.0) > APART:
            said.append(
                f"the spectrum before shows {shown:.4g} ohm, the run begins with {first:.4g}: the cell changed between, or part of "
                "the spectrum lies outside its frequencies"
            )
    if not (found.before.error or found.after.error) and (found.before.value or found.after.value):
        said.append(
            "the interfaces were stated without error, so that the interval holds that of the run alone; write '25 +- 1 ohm'"
        )
    return said + _of_spectra(found)


def _of_spectra(found: Transference) -> list[str]:
    """Where a fit misses its spectrum, and where its slow process is not the relaxation of the run."""
    said = []
    time = found.fit[RELAXATION].value
    for when, one in (("before", found.before), ("after", found.after)):
        if one.missed is not None:
            said.append(
                f"the fit of the spectrum {when} misses something (residuals of {percent(one.missed)} of |Z| that are no noise): the error "
                "of the interfaces is widened by it"
            )
        slow = one.diffusion
        if slow is not None and time is not None and not 1.0 / ALIKE < slow[1] / time < ALIKE:
            said.append(
                f"the spectrum {when} has a slow process of {slow[0]:.4g} ohm that was taken for the diffusion of the salt, but its L²/D of "
                f"{slow[1]:.3g} s is not the {time:.3g} s of the run: if it belongs to the interfaces, they have so much more; then state "
                "their resistance"
            )
    return said
