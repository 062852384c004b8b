"""Backward differentiation formulas of first to third order with variable steps, each with its predictor."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from percolyte.cell.porous import LEVELS, Floats

MOST_ORDER = 3


class Formula(NamedTuple):
    """One backward differentiation formula: y = Σ c_i y_i + γ f(y), and a predictor y = Σ p_i y_i."""

    c: Floats
    """Weights of the past levels, newest first: LEVELS."""
    p: Floats
    """Weights of the predictor: LEVELS + 1."""
    numbers: Floats
    """γ, and the share of the predictor's miss that is the error of the step."""


@njit(cache=True, error_model="numpy")
def new_formula() -> Formula:
    """Place for a formula."""
    return Formula(np.zeros(LEVELS), np.zeros(LEVELS + 1), np.zeros(2))


@njit(cache=True, error_model="numpy")
def set_formula(f: Any, h: float, past: Any, order: int, points: int) -> None:
    """The formula of an order for a step h, after steps of sizes `past`, newest first.

    The predictor runs through `points` past levels. With d_i the distance from
    the new time to the i-th past one, γ = 1/Σ 1/d_i, c_i = γ/d_i Π_{j≠i} d_j/(d_j - d_i),
    p_i the same product over the points; the error is γ/(γ + d_{order + 1}) of the
    difference to a predictor through order + 1 points.
    """
    distance = np.empty(LEVELS + 1)
    distance[0] = h
    for i in range(LEVELS):
        distance[i + 1] = distance[i] + past[i]
    total = 0.0
    for i in range(order):
        total += 1.0 / distance[i]
    f.numbers[0] = 1.0 / total
    f.numbers[1] = 1.0 / (1.0 + distance[order] * total) if points > order else 0.5
    f.c[:] = 0.0
    f.p[:] = 0.0
    for i in range(points):
        product, step = 1.0, 1.0
        for j in range(points):
            if j != i:
                product *= distance[j] / (distance[j] - distance[i])
        f.p[i] = product
        if i < order:
            for j in range(order):
                if j != i:
                    step *= distance[j] / (distance[j] - distance[i])
            f.c[i] = step / (distance[i] * total)
