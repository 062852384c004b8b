"""Runs of direct current as JSON and as text."""

from __future__ import annotations

from typing import Any

from percolyte import units
from percolyte.impedance.composite import BLOCKED
from percolyte.impedance.estimates import Estimate
from percolyte.impedance.transient import ROOM, Polarised, RunFound, SquareRoot
from percolyte.report.impedance_fits import fit_json, fit_text, interval


def polarised_json(found: Polarised) -> dict[str, Any]:
    """The keys of `eis fit`, the chemical diffusion coefficient, and each run."""
    composite = found.composite
    data = fit_json(composite.fit, composite.conductivities, found.warnings)
    data["chemical_diffusion_coefficient_m2_per_s"] = interval(found.diffusion)
    if found.diffusion.why:
        data["why"][found.diffusion.name] = found.diffusion.why
    return {**data, "runs": [_run_json(one) for one in found.runs]}


def _run_json(one: RunFound) -> dict[str, Any]:
    law = one.square_root
    return {
        "file": one.file.label,
        "mode": one.run.mode,
        "blocked": BLOCKED[one.file.terminals],
        "applied": {"value": one.run.applied, "unit": "A" if one.run.mode == "galvanostatic" else "V"},
        "relaxation_time_s": one.relaxation,
        "relaxation_times_lasted": one.duration.relaxation_times,
        "long_enough": one.duration.sufficient,
        "overestimate_of_last_point_relative": one.duration.overestimate,
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
    composite = found.composite
    labels = [one.label for one in composite.files]
    fitted = fit_text(composite.fit, composite.conductivities, (), labels).splitlines()
    first = len(composite.conductivities)
    lines = [*fitted[:first], _diffusion_text(found.diffusion), *fitted[first:]]
    for one in found.runs:
        lines += _run_text(one)
    return "\n".join([*lines, *(f"note: {warning}" for warning in found.warnings)])


def _diffusion_text(one: Estimate) -> str:
    if one.value is None:
        return f"chemical diffusion coefficient: not known; {one.why}"
    return f"chemical diffusion coefficient of the layer: {one.value:.4g} m2/s (95 %: {one.low:.4g} to {one.high:.4g} m2/s)"


def _run_text(one: RunFound) -> list[str]:
    blocked = BLOCKED[one.file.terminals]
    passing = {"ions": "electrons", "electrons": "ions"}[blocked]
    at = "" if one.run.temperature else f", at {units.text(ROOM, units.TEMPERATURE, digits=3)} for lack of another"
    return [
        f"{one.file.label}: {one.run.mode}, {blocked} blocked, {one.run.time.size} points",
        f"  {one.duration}",
        f"  the last point alone says {units.text(one.last, units.CONDUCTIVITY, digits=4)} for the {passing}, contacts in series included",
        f"  square-root law, until {one.square_root.until:.3g} s: {_law_text(one.square_root)}",
        f"  {one.linearity.words}{at}",
    ]


def _law_text(law: SquareRoot) -> str:
    if law.first is None:
        return f"not used; {law.why}"
    said = f"{law.first:.4g} ohm at once by {law.points} points"
    return (
        f"{said}; {law.why}"
        if law.diffusion is None
        else f"{said}, D = {law.diffusion:.3g} m2/s with the end of the fit"
    )
