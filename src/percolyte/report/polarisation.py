"""Runs of direct current as JSON and as text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from percolyte import units
from percolyte.impedance.composite import BLOCKED
from percolyte.impedance.estimates import Estimate
from percolyte.impedance.interfaces import Interfaces
from percolyte.impedance.leakage import Leakage
from percolyte.impedance.transference import Transference
from percolyte.impedance.transient import ROOM, Polarised, RunFound, SquareRoot
from percolyte.pouch.lifetime import self_discharge
from percolyte.report.impedance_fits import conductivity_text, fit_json, interval


def polarised_json(found: Polarised) -> dict[str, Any]:
    """The keys of `eis fit`, the chemical diffusion coefficient, and each run."""
    composite = found.composite
    data = fit_json(composite.fit, composite.conductivities, found.warnings)
    data["chemical_diffusion_coefficient_m2_per_s"] = interval(found.diffusion)
    if found.diffusion.why:
        data["why"][found.diffusion.name] = found.diffusion.why
    return {**data, "runs": [_run_json(one, shown=found.diffusion.high < math.inf) for one in found.runs]}


def _run_json(one: RunFound, *, shown: bool) -> dict[str, Any]:
    law = one.square_root
    return {
        "file": one.file.label,
        "mode": one.run.mode,
        "blocked": BLOCKED[one.file.terminals],
        "applied": {"value": one.run.applied, "unit": "A" if one.run.mode == "galvanostatic" else "V"},
        "relaxation_time_s": one.relaxation if shown else None,
        "relaxation_times_lasted": one.duration.relaxation_times if shown else None,
        "long_enough": one.duration.sufficient if shown else None,
        "overestimate_of_last_point_relative": one.duration.overestimate if shown else None,
        "conductivity_of_last_point_S_per_m": one.last,
        "square_root_law": {
            "until_s": law.until,
            "points": law.points,
            "first_resistance_ohm": law.first,
            "chemical_diffusion_coefficient_m2_per_s": law.diffusion,
            "why": law.why,
        },
        "amplitude": {
            "over_RT_per_F": one.linearity.ratio,
            "error_at_most_relative": -one.linearity.error,
            "temperature_K": one.run.temperature,
        },
    }


def polarised_text(found: Polarised) -> str:
    """Conductivities, diffusion coefficient and parameters as of a fit, then what each run is worth, then what to know."""
    fit = found.composite.fit
    lines = [conductivity_text(one) for one in found.composite.conductivities.values()]
    lines += [diffusion_text("of the layer, chemical", found.diffusion), *(f"  {one}" for one in fit.estimates)]
    lines += [f"outcome: {fit.outcome}"] if fit.outcome != "done" else []
    for one, left in zip(found.runs, fit.noise, strict=True):
        lines += [
            *_run_text(one, shown=found.diffusion.high < math.inf),
            f"  residuals {100.0 * left:.2g} % of the largest",
        ]
    return "\n".join([*lines, *(f"note: {warning}" for warning in found.warnings)])


def diffusion_text(whose: str, one: Estimate) -> str:
    """A diffusion coefficient with its interval, or why there is none."""
    if one.value is None:
        return f"diffusion coefficient {whose}: not known; {one.why}"
    return f"diffusion coefficient {whose}: {one.value:.4g} m2/s (95 %: {one.low:.4g} to {one.high:.4g} m2/s)"


def _run_text(one: RunFound, *, shown: bool) -> list[str]:
    blocked = BLOCKED[one.file.terminals]
    passing = {"ions": "electrons", "electrons": "ions"}[blocked]
    return [
        f"{one.file.label}: {one.run.mode}, {blocked} blocked, {one.run.time.size} points",
        f"  {one.duration if shown else 'how far it got is not known, as its relaxation is not shown'}",
        f"  the last point alone says {units.text(one.last, units.CONDUCTIVITY, digits=4)} for the {passing}, contacts in series included",
        *([f"  square-root law, until {one.square_root.until:.3g} s: {_law_text(one.square_root)}"] if shown else []),
        f"  {one.linearity.words}{_for_lack(one.run.temperature)}",
    ]


def _for_lack(temperature: float | None) -> str:
    """Which temperature was taken where none is stated."""
    return "" if temperature else f" (at {units.text(ROOM, units.TEMPERATURE, digits=3)}, for lack of another)"


def _law_text(law: SquareRoot) -> str:
    if law.first is None:
        return f"not used; {law.why}"
    said = f"{law.first:.4g} ohm at once by {law.points} points"
    return (
        f"{said}; {law.why}"
        if law.diffusion is None
        else f"{said}, D = {law.diffusion:.3g} m2/s with the end of the fit"
    )


MEANING = (
    "this is the transference number of lithium for an ideal dilute salt, fully dissociated; in any other electrolyte it is the share of "
    "the first current that the steady state keeps, 1/(1 + Ne), into which activity and diffusion enter too: the true number can "
    "be smaller, even negative, and takes the concentration potential as well (N. P. Balsara, J. Newman, J. Electrochem. Soc. 162 "
    "(2015) A2720)"
)
"""What the number of Bruce and Vincent is."""


def transference_json(found: Transference) -> dict[str, Any]:
    """The number with its 95 % interval, what it is made of, and what it means."""
    diffusion, conductivity = found.diffusion, found.conductivity
    return {
        "outcome": found.fit.outcome,
        "transference_number": interval(found.number),
        "meaning": MEANING,
        "transference_number_as_read": found.number_as_read,
        "transference_number_by_spectrum": found.number_by_spectrum,
        "salt_diffusion_coefficient_m2_per_s": None if diffusion is None else interval(diffusion),
        "electrolyte_conductivity_S_per_m": None if conductivity is None else interval(conductivity),
        "voltage_V": found.run.applied,
        "first_current_A": {"fit": found.first_current, "first_row": found.read[0]},
        "steady_current_A": {"fit": found.steady_current, "last_tenth": found.read[1]},
        "interfaces_ohm": {
            when: {"value": one.value, "standard_error": one.error, "from_spectrum": one.fit is not None}
            for when, one in (("before", found.before), ("after", found.after))
        },
        "relaxation_times_lasted": found.relaxation_times,
        "amplitude": {
            "over_RT_per_F": found.linearity.ratio,
            "error_at_most_relative": -found.linearity.error,
            "temperature_K": found.run.temperature,
        },
        "why": {one.name: one.why for one in (found.number, diffusion, conductivity) if one is not None and one.why},
        "warnings": list(found.warnings),
    }


def transference_text(found: Transference) -> str:
    number = found.number
    about = f"not known, at most {number.high:.3g}; {number.why}"
    if number.value is not None:
        about = f"{number.value:.3g} (95 %: {number.low:.3g} to {number.high:.3g})"
    by_spectrum = found.number_by_spectrum
    read = "no number" if found.number_as_read is None else f"{found.number_as_read:.3g}"
    lines = [f"transference number (Bruce and Vincent): {about}"]
    lines += [diffusion_text("of the salt", found.diffusion)] if found.diffusion is not None else []
    lines += [conductivity_text(found.conductivity)] if found.conductivity is not None else []
    lines += [
        f"  at first {_current(found.first_current)} by the fit, {_current(found.read[0])} in the first row; in the end "
        f"{_current(found.steady_current)} by the fit, {_current(found.read[1])} over the last tenth; so read, {read}",
        *([f"  with the first current from the spectrum before, {by_spectrum:.3g}"] if by_spectrum is not None else []),
        f"  interfaces {_interfaces_text(found.before)} before, {_interfaces_text(found.after)} after",
        *_electrolyte_text(found),
        f"  {found.linearity.words}" + _for_lack(found.run.temperature),
        f"meaning: {MEANING}",
    ]
    return "\n".join([*lines, *(f"note: {warning}" for warning in found.warnings)])


def _electrolyte_text(found: Transference) -> list[str]:
    """Which spectra show an arc that was taken for the electrolyte."""
    shown = [
        f"{one.electrolyte:.4g} ohm {when}"
        for when, one in (("before", found.before), ("after", found.after))
        if one.bulk_arc and one.electrolyte is not None
    ]
    return [f"  the electrolyte has an arc of its own, the faster one: {', '.join(shown)}"] if shown else []


def _interfaces_text(one: Interfaces) -> str:
    error = f" (standard error {one.error:.2g} ohm)" if one.error else ""
    arcs = " and ".join(f"{arc.resistance:.4g}" for arc in one.arcs)
    source = (
        "statement"
        if one.fit is None
        else "the spectrum"
        if len(one.arcs) == 1
        else f"two arcs of {arcs} ohm of the spectrum"
    )
    return f"{one.value:.4g} ohm{error}, by {source}"


def _current(amperes: float) -> str:
    """With the prefix that leaves one to three digits before the point, between aA and A."""
    power = min(max(math.floor(math.log10(max(abs(amperes), 1e-18)) / 3.0), -6), 0)
    return f"{amperes / 1000.0**power:.4g} {' munpfa'[-power].strip()}A"


@dataclass(frozen=True)
class SelfDischarge:
    """A cell that rests with an electrolyte of known electronic conductivity."""

    separator: float
    """m"""
    voltage: float
    areal_capacity: float
    """C/m2"""

    def share(self, conductivity: float) -> float:
        """Of the capacity, per month."""
        return self_discharge(self.voltage, conductivity, self.separator, self.areal_capacity)


def leakage_json(found: Leakage, cell: SelfDischarge | None) -> dict[str, Any]:
    """The conductivity with its bounds, null as a value where there is an upper limit only; the same of self-discharge."""
    sigma = {"value": found.conductivity, "low": found.low, "high": found.high}
    data = {
        "outcome": "done",
        "electronic_conductivity_S_per_m": sigma,
        "residual_current_A": {"value": found.current, "low": found.current_low, "high": found.current_high},
        "voltage_V": found.run.applied,
        "still_falling_relative": found.falling,
        "words": found.words,
        "warnings": list(found.warnings),
    }
    if cell is not None:
        shares = {name: None if value is None else cell.share(value) for name, value in sigma.items()}
        data["self_discharge_per_month"] = shares
    return data


def leakage_text(found: Leakage, cell: SelfDischarge | None) -> str:
    low, high, last = (
        f"{0.01 * value:.3g} S/cm" for value in (found.low, found.high, found.conductivity or found.high)
    )
    known = found.conductivity is not None
    said = f"{last} (between {low} and {high})" if known else f"at most {high}"
    lines = [
        f"electronic conductivity: {said}",
        f"  {_current(found.current)} at {found.run.applied:.4g} V in the end of {found.run.time[-1]:.4g} s",
        f"  {found.words}",
    ]
    if cell is not None:
        share, most = (100.0 * cell.share(value) for value in (found.conductivity or found.high, found.high))
        rate = f"{share:.2g} % per month" if known else f"at most {most:.2g} % per month"
        lines.append(
            f"self-discharge: {rate} at {cell.voltage:.3g} V over {1e6 * cell.separator:.3g} um, if the conductivity is the same at every "
            "potential between the electrodes, which a small voltage does not show"
        )
    return "\n".join([*lines, *(f"note: {warning}" for warning in found.warnings)])
