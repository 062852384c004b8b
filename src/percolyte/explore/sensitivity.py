"""What matters: each input moved within its range, one at a time and all together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from percolyte.explore.vary import evaluate_many, paths, value_at
from percolyte.pouch.stack import CellInputs

SHARE = 0.1
"""Each number is moved by a tenth, the same for all, so that the bars compare."""
LEADING = (
    "cathode.",
    "separator.",
    "anode.",
    "pouch.other_mass",
    "pouch.rim",
    "cathode_collector.",
    "anode_collector.",
)


@dataclass(frozen=True)
class Swing:
    """A quantity with one input a tenth lower and a tenth higher."""

    path: str
    low: float
    high: float

    @property
    def width(self) -> float:
        return abs(self.high - self.low)


def tornado(inputs: CellInputs, quantity: str = "specific_energy", *, most: int = 12) -> list[Swing]:
    """The inputs that move a quantity most, widest first.

    Every number that the design gives is moved by ±10 %; a mass fraction is
    limited so that no component turns negative.
    """
    swings = []
    for path in paths(inputs):
        now = value_at(inputs, path)
        if now is None or not path.startswith(LEADING) or float(np.mean(now)) == 0.0 or path.endswith(".mass_fraction"):
            continue
        ends = float(np.mean(now)) * np.array([1.0 - SHARE, 1.0 + SHARE])
        found = evaluate_many(inputs, {path: ends}, (quantity,))[quantity]
        if np.all(np.isfinite(found)):
            swings.append(Swing(path, float(found[0]), float(found[1])))
    return sorted((swing for swing in swings if swing.width > 0.0), key=lambda swing: -swing.width)[:most]
