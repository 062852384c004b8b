"""Sizes of particles: what a person writes, and particles drawn from it.

All shares are by volume, as laser diffraction gives them.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from percolyte.nouns import Noun
from percolyte.units import Diameter, Fraction

CUT = 2.0
"""Standard deviations from the median at which a lognormal distribution is cut; 95 % of the volume lie within."""


class ConstantSize(Noun):
    """Particles of one diameter."""

    kind: Literal["constant"] = "constant"
    diameter: Diameter


class LognormalSizes(Noun):
    """Diameters whose logarithm is normal by volume."""

    kind: Literal["lognormal"] = "lognormal"
    d50: Diameter
    """Half of the volume lies in smaller particles."""
    spread: Annotated[float, Field(gt=1.0, le=3.0)] = 1.4
    """Geometric standard deviation: sqrt(d84/d16)."""


class SizeShare(Noun):
    """Particles of one diameter, and their share of the volume."""

    diameter: Diameter
    share: Fraction


class SizeTable(Noun):
    """A histogram of diameters."""

    kind: Literal["table"] = "table"
    sizes: tuple[SizeShare, ...]

    @model_validator(mode="after")
    def _whole(self) -> SizeTable:
        whole = sum(size.share for size in self.sizes)
        if not self.sizes or abs(whole - 1.0) > 1e-6:
            raise ValueError(f"sizes: the shares add up to {100 * whole:.6g} %, not 100 %")
        return self


AnySizes = ConstantSize | LognormalSizes | SizeTable
Sizes = Annotated[AnySizes, Field(discriminator="kind")]


def median(sizes: AnySizes) -> float:
    """The diameter below which half of the volume lies, m."""
    if isinstance(sizes, ConstantSize):
        return sizes.diameter
    if isinstance(sizes, LognormalSizes):
        return sizes.d50
    ordered = sorted(sizes.sizes, key=lambda size: size.diameter)
    below = np.cumsum([size.share for size in ordered])
    return ordered[int(np.searchsorted(below, 0.5 - 1e-9))].diameter


def number(sizes: AnySizes, volume: float) -> float:
    """How many particles have `volume` (m3) together."""
    if isinstance(sizes, ConstantSize):
        return volume / (np.pi / 6.0 * sizes.diameter**3)
    if isinstance(sizes, LognormalSizes):
        return float(volume / (np.pi / 6.0 * sizes.d50**3) * np.exp(4.5 * np.log(sizes.spread) ** 2))
    return sum(size.share * volume / (np.pi / 6.0 * size.diameter**3) for size in sizes.sizes)


def largest(sizes: AnySizes) -> float:
    """The largest diameter that is drawn, m."""
    if isinstance(sizes, ConstantSize):
        return sizes.diameter
    if isinstance(sizes, LognormalSizes):
        return float(sizes.d50 * sizes.spread**CUT)
    return max(size.diameter for size in sizes.sizes if size.share > 0.0)


def draw(sizes: AnySizes, volume: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Radii in m of spheres that have `volume` (m3) together, at least one if it is not zero.

    As the number of particles is whole, all are scaled to meet the volume
    exactly, unless it is less than half a particle. A lognormal distribution by volume of median d50 is lognormal by
    number around d50 exp(-3 s²), s the logarithm of the spread (Hatch and
    Choate 1929).
    """
    if volume <= 0.0:
        return np.empty(0)
    if isinstance(sizes, ConstantSize):
        radii = np.full(_number(volume, sizes.diameter), 0.5 * sizes.diameter)
    elif isinstance(sizes, LognormalSizes):
        radii = _lognormal(sizes, volume, random)
    else:
        parts = [
            np.full(_number(size.share * volume, size.diameter), 0.5 * size.diameter)
            for size in sizes.sizes
            if size.share > 0.0
        ]
        radii = np.concatenate(parts)
    return np.asarray(radii * max(0.5, volume / _volume(radii)) ** (1.0 / 3.0))


def _volume(radii: NDArray[np.float64]) -> float:
    return float(4.0 / 3.0 * np.pi * np.sum(radii**3))


def _number(volume: float, diameter: float) -> int:
    return max(1, round(volume / (np.pi / 6.0 * diameter**3)))


def _lognormal(sizes: LognormalSizes, volume: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Equal steps of the distribution by number, in random order: less scatter than free draws."""
    from scipy.special import ndtr, ndtri

    width = np.log(sizes.spread)
    low, high = ndtr(-CUT + 3.0 * width), ndtr(CUT + 3.0 * width)

    def spaced(number: int) -> NDArray[np.float64]:
        at = low + (high - low) * (np.arange(number) + 0.5) / number
        return np.asarray(0.5 * sizes.d50 * np.exp(width * (ndtri(at) - 3.0 * width)))

    mean = _volume(spaced(1000)) / 1000
    radii = spaced(max(1, round(volume / mean)))
    random.shuffle(radii)
    return radii
