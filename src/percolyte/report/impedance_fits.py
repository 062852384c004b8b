"""Fits of measured impedance as JSON and as text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from percolyte import units
from percolyte.impedance.choice import Choice
from percolyte.impedance.composite import MISFIT
from percolyte.impedance.estimates import Estimate, Fit, percent
from percolyte.impedance.posterior import Posterior
from percolyte.report.layout import aligned

BASES = {
    "linear": "covariance",
    "profile": "profile of the fit",
    "posterior": "posterior",
    "known": "given",
}
"""What an interval is from, in words."""
SHOWN = 6
"""Descriptions in the text; all are in the JSON."""
CONTRACT = ("ionic_conductivity", "electronic_conductivity")
"""Always there, null where they are not known."""


def fit_json(
    fit: Fit,
    conductivities: Mapping[str, Estimate],
    warnings: Sequence[str],
    *,
    choice: Choice | None = None,
    posterior: Posterior | None = None,
) -> dict[str, Any]:
    """Conductivities and parameters with 95 % intervals; null for what is not known, with the reason under `why`."""
    found = {f"{name}_S_per_m": conductivities.get(name) for name in dict.fromkeys((*CONTRACT, *conductivities))}
    why = {name: "it is no number of this cell" if one is None else one.why for name, one in found.items()}
    why |= {one.name: one.why for one in fit.estimates}
    return {
        "outcome": fit.outcome,
        **{name: None if one is None else interval(one) for name, one in found.items()},
        "parameters": {
            one.name: {"unit": one.unit, "fit": interval(one), "basis": BASES[one.basis]} for one in fit.estimates
        },
        "why": {name: reason for name, reason in why.items() if reason},
        "residual_rms_relative": list(fit.noise),
        "robust": fit.robust,
        "aicc": fit.aicc,
        "alternatives": [dict(other) for other in fit.alternatives],
        "comparison": None if choice is None else _comparison_json(choice),
        "posterior": None if posterior is None else _posterior_json(posterior),
        "warnings": list(warnings),
    }


def _comparison_json(choice: Choice) -> dict[str, Any]:
    return {
        "chosen": choice.comparison.chosen,
        "sentence": choice.comparison.sentence,
        "descriptions": [
            {
                "name": one.name,
                "options": choice.options[one.name],
                "aicc_above_best": one.aicc,
                "bic_above_best": one.bic,
                "akaike_weight": one.weight,
                "numbers_fitted": one.free,
                "residual_rms_relative": list(choice.fits[one.name].fit.noise),
            }
            for one in choice.comparison.ranked
        ],
    }


def _posterior_json(posterior: Posterior) -> dict[str, Any]:
    return {
        "words": posterior.words,
        "samples": len(posterior.samples),
        "effective": dict(zip(posterior.names, posterior.effective.tolist(), strict=True)),
        "r_hat": dict(zip(posterior.names, posterior.r_hat.tolist(), strict=True)),
        "accepted": posterior.accepted,
        "median": dict(posterior.median()),
    }


def interval(one: Estimate) -> dict[str, float | None] | None:
    """The interval of an estimate; null where it has no value."""
    if one.value is None:
        return None
    return {"value": one.value, "low": finite(one.low), "high": finite(one.high)}


def finite(value: float) -> float | None:
    """JSON has no infinity."""
    return value if math.isfinite(value) else None


def fit_text(
    fit: Fit,
    conductivities: Mapping[str, Estimate],
    warnings: Sequence[str],
    labels: Sequence[str],
    *,
    choice: Choice | None = None,
    posterior: Posterior | None = None,
) -> str:
    """Whether the fit misses what was measured, conductivities, parameters, what is left, and what to know before using them."""
    lines = _misfit(fit, labels)
    lines += [conductivity_text(one) for one in conductivities.values()]
    lines += [f"  {one}" for one in fit.estimates]
    left = (f"{label} {percent(noise)}" for label, noise in zip(labels, fit.noise, strict=True))
    lines.append(f"  residuals, root mean square of |Z|: {', '.join(left)}")
    lines += [f"  intervals: {_basis(fit)}"]
    lines += [f"  posterior: {posterior.words}"] if posterior is not None else []
    lines += [_comparison(choice)] if choice is not None else []
    lines += [f"note: {warning}" for warning in warnings]
    if fit.outcome != "done":
        lines.append(f"outcome: {fit.outcome}")
    return "\n".join(lines)


def _misfit(fit: Fit, labels: Sequence[str]) -> list[str]:
    """A first line that nobody overlooks, where the model is not that of the measurement."""
    missed = [f"{label} by {percent(noise)}" for label, noise in zip(labels, fit.noise, strict=True) if noise > MISFIT]
    return [f"the fit misses {' and '.join(missed)}: the numbers below are not to be used"] if missed else []


def _basis(fit: Fit) -> str:
    """What the intervals are from, each basis with its parameters."""
    of_each: dict[str, list[str]] = {}
    for one in fit.estimates:
        of_each.setdefault(one.basis, []).append(one.name)
    if len(of_each) == 1:
        return BASES[next(iter(of_each))]
    return "; ".join(f"{BASES[basis]} ({', '.join(names)})" for basis, names in of_each.items())


def _comparison(choice: Choice) -> str:
    """The best descriptions, and the sentence about all."""
    rows = [("description", "AICc", "BIC", "weight", "fitted", "residuals")]
    ranked, comparison = choice.comparison.ranked, choice.comparison
    for one in ranked[:SHOWN]:
        left = ", ".join(percent(noise) for noise in choice.fits[one.name].fit.noise)
        rows.append((one.name, f"{one.aicc:+.1f}", f"{one.bic:+.1f}", f"{one.weight:.2f}", str(one.free), left))
    table = [f"  {line}" for line in aligned(rows).splitlines()]
    if len(ranked) > SHOWN:
        table.append(f"  and {len(ranked) - SHOWN} more, from {ranked[SHOWN].aicc:+.1f}")
    written = f" ({choice.options[comparison.chosen]})" if choice.options[comparison.chosen] else ""
    return "\n".join(["descriptions, with AICc and BIC above the best and the numbers fitted:", *table,
                      f"chosen: {comparison.chosen}{written}; {comparison.sentence}"])  # fmt: skip


def conductivity_text(one: Estimate) -> str:
    """A conductivity with its interval, or why there is none."""
    name = one.name.replace("_", " ")
    if one.value is None:
        return f"{name}: not known; {one.why}"
    value, low, high = (units.text(x, units.CONDUCTIVITY, digits=4) for x in (one.value, one.low, one.high))
    return f"{name}: {value} (95 %: {low} to {high})"
