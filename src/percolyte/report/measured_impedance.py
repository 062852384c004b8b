"""Measured spectra as JSON, as text, and as the columns of a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from percolyte import units
from percolyte.impedance.measurement import MeasuredSpectrum


def spectrum_json(spectrum: MeasuredSpectrum) -> dict[str, Any]:
    """One spectrum with the unit in each key; null for what the file does not state."""
    return {
        "source": spectrum.source,
        "source_format": spectrum.source_format,
        "cycle": spectrum.cycle,
        "area_cm2": None if spectrum.area is None else 1e4 * spectrum.area,
        "thickness_um": None if spectrum.thickness is None else 1e6 * spectrum.thickness,
        "temperature_K": spectrum.temperature,
        "measured_at": spectrum.measured_at or None,
        "notes": list(spectrum.notes),
        "frequency_Hz": spectrum.frequency.tolist(),
        "real_ohm": spectrum.impedance.real.tolist(),
        "imaginary_ohm": spectrum.impedance.imag.tolist(),
    }


def spectra_text(spectra: Sequence[MeasuredSpectrum]) -> str:
    """One line a spectrum, and below them what the reader found, once for each file."""
    lines = []
    for spectrum in spectra:
        low, high = spectrum.frequency.min(), spectrum.frequency.max()
        lines.append(f"{spectrum.source}: {spectrum.source_format}, cycle {spectrum.cycle}, {spectrum.frequency.size} points, {high:.4g} to {low:.4g} Hz{_about(spectrum)}")  # fmt: skip
        following = spectra[len(lines)] if len(lines) < len(spectra) else None
        if following is None or following.source != spectrum.source:
            lines[-1] += "".join(f"\n  {note}" for note in spectrum.notes)
    return "\n".join(lines)


def _about(spectrum: MeasuredSpectrum) -> str:
    facts = [
        units.text(value, dimension)
        for value, dimension in ((spectrum.area, units.AREA), (spectrum.thickness, units.LENGTH))
        if value is not None
    ]
    facts += [f"{spectrum.temperature:.2f} K"] if spectrum.temperature is not None else []
    facts += [spectrum.measured_at] if spectrum.measured_at else []
    return "".join(f", {fact}" for fact in facts)


def spectra_columns(spectra: Iterable[MeasuredSpectrum]) -> dict[str, list[Any]]:
    """All points below one another, each with the file and cycle that it is of."""
    columns: dict[str, list[Any]] = {
        name: [] for name in ("source", "cycle number", "Frequency / Hz", "Real Impedance / ohm", "Imaginary Impedance / ohm")
    }  # fmt: skip
    for spectrum in spectra:
        size = spectrum.frequency.size
        values = ([spectrum.source] * size, [spectrum.cycle] * size, spectrum.frequency.tolist(), spectrum.impedance.real.tolist(), spectrum.impedance.imag.tolist())  # fmt: skip
        for column, part in zip(columns.values(), values, strict=True):
            column += part
    return columns
