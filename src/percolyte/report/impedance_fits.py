"""Fits of measured impedance as JSON and as text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from percolyte import units
from percolyte.impedance.estimates import Estimate, Fit

CONTRACT = ("ionic_conductivity", "electronic_conductivity")
"""Always there, null where they are not known."""


def fit_json(fit: Fit, conductivities: Mapping[str, Estimate], warnings: Sequence[str]) -> dict[str, Any]:
    """Conductivities and parameters with 95 % intervals; null for what is not known, with the reason under `why`."""
    found = {f"{name}_S_per_m": conductivities.get(name) for name in dict.fromkeys((*CONTRACT, *conductivities))}
    why = {name: "it is no number of this cell" if one is None else one.why for name, one in found.items()}
    why |= {one.name: one.why for one in fit.estimates}
    return {
        "outcome": fit.outcome,
        **{name: None if one is None else interval(one) for name, one in found.items()},
        "parameters": {one.name: {"unit": one.unit, "fit": interval(one)} for one in fit.estimates},
        "why": {name: reason for name, reason in why.items() if reason},
        "residual_rms_relative": list(fit.noise),
        "robust": fit.robust,
        "aicc": fit.aicc,
        "alternatives": [dict(other) for other in fit.alternatives],
        "warnings": list(warnings),
    }


def interval(one: Estimate) -> dict[str, float | None] | None:
    """The interval of an estimate; null where it has no value."""
    if one.value is None:
        return None
    return {"value": one.value, "low": finite(one.low), "high": finite(one.high)}


def finite(value: float) -> float | None:
    """JSON has no infinity."""
    return value if math.isfinite(value) else None


def fit_text(fit: Fit, conductivities: Mapping[str, Estimate], warnings: Sequence[str], labels: Sequence[str]) -> str:
    """Conductivities first, then the parameters, what is left, and what to know before using them."""
    lines = [conductivity_text(one) for one in conductivities.values()]
    lines += [f"  {one}" for one in fit.estimates]
    left = (f"{label} {100.0 * noise:.2g} %" for label, noise in zip(labels, fit.noise, strict=True))
    lines.append(f"  residuals, root mean square of |Z|: {', '.join(left)}")
    lines += [f"note: {warning}" for warning in warnings]
    if fit.outcome != "done":
        lines.append(f"outcome: {fit.outcome}")
    return "\n".join(lines)


def conductivity_text(one: Estimate) -> str:
    """A conductivity with its interval, or why there is none."""
    name = one.name.replace("_", " ")
    if one.value is None:
        return f"{name}: not known; {one.why}"
    value, low, high = (units.text(x, units.CONDUCTIVITY, digits=4) for x in (one.value, one.low, one.high))
    return f"{name}: {value} (95 %: {low} to {high})"
