"""Validity of spectra, drift and relaxation times as JSON, as text, and as the columns of a table."""

from __future__ import annotations

import math
from typing import Any

from percolyte.impedance.drift import Drift
from percolyte.impedance.drt import Estimate, Peak, RelaxationMap, RelaxationTimes
from percolyte.impedance.measurement import MeasuredSpectrum
from percolyte.impedance.validity import Validity


def _label(spectrum: MeasuredSpectrum) -> str:
    return f"{spectrum.source}, cycle {spectrum.cycle}"


def validity_json(found: Validity) -> dict[str, Any]:
    """Points are counted from 1, in the order of the file."""
    return {
        "source": found.spectrum.source,
        "cycle": found.spectrum.cycle,
        "verdict": found.verdict,
        "words": list(found.words),
        "noise_relative": found.noise,
        "systematic_relative": found.systematic,
        "drift_relative": _number(found.drift),
        "drift_standard_error": _number(found.drift_error),
        "outliers": {str(place + 1): why for place, why in found.outliers.items()},
        "residual_real_relative": found.residual.real.tolist(),
        "residual_imaginary_relative": found.residual.imag.tolist(),
    }


def validity_text(found: Validity) -> str:
    lines = [f"{_label(found.spectrum)}: {found.verdict}", *(f"  {words}" for words in found.words)]
    lines += [
        f"  point {place + 1}, {found.spectrum.frequency[place]:.4g} Hz: {why}" for place, why in found.outliers.items()
    ]
    if found.outliers:
        numbers = ",".join(str(place + 1) for place in found.outliers)
        lines.append(f"  to leave them out of a fit: --exclude {numbers}; they stay in the file")
    return "\n".join(lines)


def drift_json(found: Drift) -> dict[str, Any]:
    return {
        "verdict": found.verdict,
        "words": list(found.words),
        "frequency_Hz": found.frequency.tolist(),
        "change_relative": found.change.real.tolist(),
        "phase_change_rad": found.change.imag.tolist(),
        "noise": found.noise.tolist(),
    }


def drift_text(found: Drift) -> str:
    return "\n".join([f"from first to last: {found.verdict}", *(f"  {words}" for words in found.words)])


def relaxation_json(found: RelaxationTimes) -> dict[str, Any]:
    return {
        "source": found.spectrum.source,
        "cycle": found.spectrum.cycle,
        "polarisation_resistance_ohm": _interval(found.polarisation_resistance),
        "series_resistance_ohm": found.series_resistance,
        "inductance_H": found.inductance,
        "series_capacitance_F": found.capacitance,
        "blocking": None
        if found.blocking is None
        else {"q_F_s_a_minus_1": found.blocking.q, "exponent": found.blocking.exponent},
        "discounted_points": [point + 1 for point in found.discounted],
        "peaks": [_peak_json(peak) for peak in found.peaks],
        "doubtful": [_peak_json(peak) for peak in found.doubtful],
        "time_constant_s": found.time_constant.tolist(),
        "density_ohm": found.density.tolist(),
        "density_low_ohm": found.low.tolist(),
        "density_high_ohm": found.high.tolist(),
    }


def _peak_json(peak: Peak) -> dict[str, Any]:
    return {
        "resistance_ohm": _interval(peak.resistance),
        "time_constant_s": _interval(peak.time_constant),
        "capacitance_F": peak.capacitance,
        "width_decades": peak.width,
        "cut": peak.cut,
        "process": peak.process or None,
    }


def relaxation_text(found: RelaxationTimes) -> str:
    lines = [
        f"{_label(found.spectrum)}: R_inf {found.series_resistance:.4g} ohm, polarisation {_said(found.polarisation_resistance)} ohm"
    ]
    for peak in found.peaks:
        process = f": {peak.process}" if peak.process else ""
        bound = "; at the end of the range, so only a bound" if peak.cut else ""
        lines.append(
            f"  {_said(peak.resistance)} ohm at {_said(peak.time_constant)} s, {peak.capacitance:.3g} F{process}{bound}"
        )
    lines += [
        f"  no peak, as it may be noise: {_said(peak.resistance)} ohm at {peak.time_constant.value:.3g} s"
        for peak in found.doubtful
    ]
    if found.capacitance is not None:
        lines.append(f"  a capacitance of {found.capacitance:.3g} F in series")
    elif found.blocking is not None:
        q, exponent = found.blocking.q, found.blocking.exponent
        lines.append(f"  a constant phase element of {q:.3g} F s^(a-1), a = {exponent:.2f}, in series")
    if found.inductance is not None:
        lines.append(f"  an inductance of {found.inductance:.3g} H")
    if found.discounted:
        points = ", ".join(str(point + 1) for point in found.discounted)
        lines.append(f"  discounted, as far off all others: point {points}")
    return "\n".join(lines)


def unnamed_processes(spectrum: MeasuredSpectrum) -> str:
    """What is to be stated for the peaks to be given a process; nothing where all is."""
    if spectrum.area is None:
        return "--area '0.785 cm2' suggests a process for each peak, with --thickness '500 um' also bulk and grain boundaries"
    return "" if spectrum.thickness else "--thickness '500 um' suggests bulk and grain boundaries too"


def relaxation_columns(found: RelaxationMap) -> dict[str, list[Any]]:
    """Distributions over their common time constants, one column a spectrum."""
    columns: dict[str, list[Any]] = {"Time Constant / s": found.time_constant.tolist()}
    for one, density in zip(found.each, found.density, strict=True):
        columns[f"Density / ohm, cycle {one.spectrum.cycle}"] = density.tolist()
    return columns


def _said(estimate: Estimate) -> str:
    if math.isnan(estimate.low):
        return f"{estimate.value:.4g}"
    return f"{estimate.value:.4g} ({estimate.low:.3g} to {estimate.high:.3g})"


def _interval(estimate: Estimate) -> dict[str, float | None]:
    return {"value": _number(estimate.value), "low": _number(estimate.low), "high": _number(estimate.high)}


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
