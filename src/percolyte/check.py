"""A question asked of a design, and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from percolyte.units import Dimension, Number, text

Verdict = Literal["pass", "warn", "fail", "info"]


@dataclass(frozen=True)
class Check:
    """One question asked of a design, and its answer."""

    name: str
    verdict: Verdict
    value: str
    limit: str
    source: str
    meaning: str
    """What follows from it, in one sentence."""


def say(value: Number, dimension: Dimension, digits: int = 3) -> str:
    """A value as checks show it."""
    return text(float(value), dimension, digits=digits)
