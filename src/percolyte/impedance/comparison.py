"""Which of several models of the same measurement is worth its parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from percolyte.errors import InputError, Problem
from percolyte.impedance.estimates import NO_NOISE, Fit

CLEAR, SOME = 10.0, 2.0
"""Differences of AICc beyond which a model has essentially no support, and up to which it has as much
(K. P. Burnham and D. R. Anderson, Sociol. Methods Res. 33 (2004) 261)."""


@dataclass(frozen=True)
class Ranked:
    """One model among several."""

    name: str
    aicc: float
    """Above that of the best."""
    bic: float
    """Above that of the best."""
    weight: float
    """Akaike weight: probability that it is the best of these."""
    free: int
    """Numbers fitted, the size of the noise among them."""


@dataclass(frozen=True)
class Comparison:
    """Models from best to worst by AICc."""

    ranked: tuple[Ranked, ...]
    sentence: str

    @property
    def chosen(self) -> str:
        """The model of fewest numbers among those that have as much support as the best."""
        supported = [one for one in self.ranked if one.aicc <= SOME]
        return min(supported, key=lambda one: one.free).name


def compare(fits: Mapping[str, Fit]) -> Comparison:
    """Rank fits of the same points, with the same loss, by AICc and BIC.

    Holds for residuals that are noise: where all models miss something, the criteria prefer the largest one.
    Errors: InputError for fewer than two fits, or fits that differ in more than their model.
    """
    _check(fits)
    least_aicc, least_bic = min(fit.aicc for fit in fits.values()), min(fit.bic for fit in fits.values())
    chances = {name: math.exp(-0.5 * min(fit.aicc - least_aicc, 1400.0)) for name, fit in fits.items()}
    total = sum(chances.values())
    ranked = sorted(
        (
            Ranked(name, fit.aicc - least_aicc, fit.bic - least_bic, chances[name] / total, fit.free)
            for name, fit in fits.items()
        ),
        key=lambda item: item.aicc,
    )
    return Comparison(tuple(ranked), _sentence(ranked, fits))


def _check(fits: Mapping[str, Fit]) -> None:
    problems = []
    if len(fits) < 2:
        problems.append(Problem("", "give at least two fits to compare"))
    for (first, one), (name, other) in pairwise(fits.items()):
        if _rows(one) != _rows(other):
            problems.append(Problem(name, f"was fitted to other points than {first}; fit both to the same"))
        elif one.robust != other.robust:
            problems.append(
                Problem(name, f"has another loss than {first}; fit both with loss='robust' or both with loss='plain'")
            )
    if problems:
        raise InputError(problems)


def _rows(fit: Fit) -> list[bytes]:
    """What was fitted, to be compared."""
    return [np.where(member.used, member.rows, 0.0)[fit.problem].tobytes() for member in fit.misfit.members]


def _sentence(ranked: list[Ranked], fits: Mapping[str, Fit]) -> str:
    best, second = ranked[:2]
    if second.aicc > CLEAR:
        said = (
            f"{best.name} describes the measurement clearly better than {second.name} (AICc lower by {second.aicc:.0f})"
        )
    elif second.aicc > SOME:
        said = f"{best.name} is preferred to {second.name}, but not clearly (AICc lower by {second.aicc:.1f})"
    else:
        simple = min((best, second), key=lambda item: item.free)
        said = (
            f"{best.name} and {second.name} describe the measurement equally well (AICc differs by {second.aicc:.1f})"
        )
        if best.free != second.free:
            said += f"; {simple.name} does it with fewer parameters"
    if any(NO_NOISE in warning for warning in fits[best.name].warnings):
        said += "; its residuals are no noise, so that even it misses something"
    return said
