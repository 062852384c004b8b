"""What an instrument measured: impedance spectra and polarisation runs, and which of their points count.

Time convention exp(+iωt): a capacitor has a negative imaginary part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class MeasuredSpectrum:
    """One impedance spectrum: one cycle of a file."""

    frequency: Floats
    """Hz, in the order measured."""
    impedance: Complexes
    """ohm, of the whole cell."""
    source: str = ""
    """Name of the file."""
    source_format: str = ""
    cycle: int = 1
    area: float | None = None
    """m2"""
    thickness: float | None = None
    """Of the layer that the spectrum is about, m."""
    temperature: float | None = None
    """K"""
    measured_at: str = ""
    """Date and time as the file states them."""
    excluded: Mapping[int, str] = field(default_factory=dict)
    """Points that are left out of every fit, by index, and why; they stay in the arrays."""
    notes: tuple[str, ...] = ()
    """What the reader found and decided, such as the sign of the imaginary part."""

    @property
    def used(self) -> NDArray[np.bool_]:
        """Which points count."""
        mask = np.ones(self.frequency.size, bool)
        mask[list(self.excluded)] = False
        return mask

    @property
    def omega(self) -> Floats:
        """Angular frequency of every point, rad/s."""
        return 2.0 * np.pi * self.frequency


@dataclass(frozen=True, eq=False)
class Polarisation:
    """One run at constant current or voltage."""

    mode: Literal["galvanostatic", "potentiostatic"]
    time: Floats
    """s since the step."""
    response: Floats
    """V at constant current, A at constant voltage."""
    applied: float
    """A or V."""
    source: str = ""
    area: float | None = None
    """m2"""
    thickness: float | None = None
    """m"""
    temperature: float | None = None
    """K"""
    measured_at: str = ""
    """Date and time as the file states them."""
    notes: tuple[str, ...] = ()
