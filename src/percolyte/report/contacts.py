"""A layer and its contacts from samples, as JSON and as text."""

from __future__ import annotations

import math
from typing import Any

from percolyte import units
from percolyte.impedance.contact import ThicknessSeries
from percolyte.impedance.samples import Asked, Contacts, Meaning, meaning
from percolyte.report.impedance_fits import interval

YIELDING = -0.95
"""Exponent of the pressure for contacts whose spots yield."""
IMPOSSIBLE = (
    "the contact resistance is negative beyond its error, which no contact is: the thicknesses are too large by the same length, "
    "more than the leads was taken off the resistances, or the line bends, and then the conductivity is wrong too"
)


def contacts_json(found: Contacts, asked: Asked) -> dict[str, Any]:
    """One item a pressure, area-specific resistances in ohm cm2, with 95 % intervals; null where two samples leave none."""
    return {
        "outcome": "done",
        "series": [_series_json(pressure, one, found, asked) for pressure, one in found.series.items()],
        "exponent_of_pressure": None if found.trend is None else interval(found.trend.slope),
    }


def _series_json(pressure: float | None, one: ThicknessSeries, found: Contacts, asked: Asked) -> dict[str, Any]:
    told, sigma, contact = meaning(found.samples, one, asked), one.conductivity_interval, one.contact_interval
    return {
        "pressure_MPa": None if pressure is None else 1e-6 * pressure,
        "samples": one.samples,
        "conductivity_S_per_m": _interval(one.conductivity, sigma),
        "contact_resistance_ohm_cm2": _interval(
            1e4 * one.contact_resistance, None if contact is None else (1e4 * contact[0], 1e4 * contact[1])
        ),
        "bends": one.bends,
        "warnings": [IMPOSSIBLE] if told.impossible else [],
        "share_of_thinnest": told.share_of_thinnest,
        "between_layers_ohm_cm2": None if told.between_layers is None else 1e4 * told.between_layers,
        "fraction_in_spots": told.fraction_in_spots,
        "fraction_in_film": told.fraction_in_film,
    }


def _interval(value: float, ends: tuple[float, float] | None) -> dict[str, float | None]:
    low, high = (None, None) if ends is None else (end if math.isfinite(end) else None for end in ends)
    return {"value": value, "low": low, "high": high}


def contacts_text(found: Contacts, asked: Asked) -> str:
    lines = []
    for pressure, one in found.series.items():
        lines += [] if pressure is None else [f"at {units.text(pressure, units.PRESSURE, digits=4)}:"]
        lines += _series_text(one, meaning(found.samples, one, asked), asked)
    if found.trend is not None:
        slope = found.trend.slope
        lines.append(
            f"contact resistance over pressure: exponent {slope.value:.3g} (95 %: {slope.low:.3g} to {slope.high:.3g}); spots that yield "
            f"go with {YIELDING:g}"
        )
    return "\n".join(lines)


def _series_text(one: ThicknessSeries, told: Meaning, asked: Asked) -> list[str]:
    sigma, contact = one.conductivity_interval, one.contact_interval
    about = "; two samples leave no interval" if sigma is None else f" (95 %: {_sigma(sigma[0])} to {_sigma(sigma[1])})"
    lines = [f"conductivity: {_sigma(one.conductivity)}{about}"]
    about = "" if contact is None else f" (95 %: {_ohms(contact[0])} to {_ohms(contact[1])})"
    lines.append(f"contact resistance, all contacts together: {_ohms(one.contact_resistance)}{about}")
    if told.share_of_thinnest is not None:
        lines.append(f"  {100.0 * told.share_of_thinnest:.3g} % of the resistance of the thinnest sample")
    if contact is not None and contact[0] <= 0.0 <= contact[1]:
        lines.append("  none within its error")
    if asked.layer is not None:
        lines.append(
            "  the conductivity is that of a layer with one contact to the next; all contacts are those at the ends less one"
        )
    if told.between_layers is not None:
        lines.append(f"  between two layers: {_ohms(told.between_layers)}")
    if told.fraction_in_spots is not None and asked.spot is not None:
        far = "; beyond 25 % the law is 6 % and more too high" if told.fraction_in_spots > 0.25 else ""
        lines.append(
            f"  as constriction at spots of {1e6 * asked.spot:.3g} um radius, two equal contacts: "
            f"{100.0 * told.fraction_in_spots:.3g} % touch{far}"
        )
    if told.fraction_in_film is not None:
        over = (
            "; more than there is: such a film over everything resists more than was measured"
            if told.fraction_in_film > 1.0
            else ""
        )
        lines.append(
            f"  as that film, two equal contacts: over {100.0 * told.fraction_in_film:.3g} % of the area{over}"
        )
    lines += [f"note: {IMPOSSIBLE}"] if told.impossible else []
    lines += ["note: the points bend: composition, density or contacts differ between samples"] if one.bends else []
    return lines


def _sigma(value: float) -> str:
    return units.text(value, units.CONDUCTIVITY, digits=4)


def _ohms(value: float) -> str:
    return f"{1e4 * value:.4g} ohm cm2"
