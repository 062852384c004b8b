"""Functions of stoichiometry as short tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

FINE = 4097
"""Points of the grid that a table is thinned from, as many as the cell model uses."""


def thinned(curve: Callable[[Floats], Any], error: float, low: float = 0.0, high: float = 1.0) -> tuple[Floats, Floats]:
    """The fewest points of a curve, roughly, that straight lines join within `error`.

    Halves each stretch at its worst point until every point of a fine grid is
    met (Douglas and Peucker, Cartographica 10 (1973) 112, measured vertically).
    Limit: a straight line keeps its two ends.
    """
    x = np.linspace(low, high, FINE)
    y = np.asarray(curve(x), dtype=float)
    kept = {0, FINE - 1}
    open_stretches = [(0, FINE - 1)]
    while open_stretches:
        first, last = open_stretches.pop()
        chord = np.interp(x[first : last + 1], x[[first, last]], y[[first, last]])
        gaps = np.abs(y[first : last + 1] - chord)
        worst = first + int(gaps.argmax())
        if gaps.max() > error and first < worst < last:
            kept.add(worst)
            open_stretches += [(first, worst), (worst, last)]
    rows = sorted(kept)
    return x[rows], y[rows]


def joined(x: Any, y: Any) -> Callable[[Floats], Floats]:
    """Straight lines through the points, the first and the last carried on."""
    at, values = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    first = (values[1] - values[0]) / (at[1] - at[0])
    last = (values[-1] - values[-2]) / (at[-1] - at[-2])

    def curve(where: Floats) -> Floats:
        inside = np.interp(where, at, values)
        return np.asarray(
            inside + np.minimum(where - at[0], 0.0) * first + np.maximum(where - at[-1], 0.0) * last, dtype=float
        )

    return curve
