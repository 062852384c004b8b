"""Figures of measured spectra: Nyquist, Bode, Kramers-Kronig residuals, relaxation times, and their map over a series."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import EngFormatter, MaxNLocator

from percolyte.report.figures import ACCENT, FAINT, INK, STYLE, WARNING, styled

if TYPE_CHECKING:
    from percolyte.impedance.drt import RelaxationMap, RelaxationTimes
    from percolyte.impedance.measurement import Complexes, Floats, MeasuredSpectrum
    from percolyte.impedance.validity import Validity

CATHODE = "#3b5b92"
MOST_NAMED, TALLEST = 32, 11.0
"""Rows of a map that are named, and its height in inches, at most."""
SHAPES = (0.45, 1.0)
"""Least and largest height over width of a Nyquist plot."""
HEADROOM = 1.25
"""Its height over that of the points, which leaves room for the legend."""
LETTER, CLEAR, LEAST = (4.4, 8.0), 6.0, 2.5
"""Width and height of a letter of the names of frequencies, how far these stand off their point, and off other points at least; in points."""
NEAR_END = 0.08
"""Share of an axis at its ends within which a label is not centred."""


def nyquist_figure(spectrum: MeasuredSpectrum, model: Complexes | None = None) -> Figure:
    """The spectrum in the complex plane, both axes to one scale, decades of frequency named; crosses are excluded points."""
    shape = nyquist_shape(spectrum)
    with mpl.rc_context(STYLE):
        figure, axes = styled(5.6, 1.1 + 4.6 * shape)
        curve = None if model is None else model[np.argsort(spectrum.frequency)]
        draw_nyquist(axes, spectrum, curve, shape, name="model")
        return figure


def draw_nyquist(
    axes: Axes, spectrum: MeasuredSpectrum, curve: Complexes | None, shape: float, *, name: str = "fit"
) -> None:
    """The spectrum and the curve of its model, in order of frequency, on axes of height over width `shape`."""
    used, z = spectrum.used, np.conj(spectrum.impedance)
    axes.plot(z.real[used], z.imag[used], "o", color=CATHODE, markersize=4, markerfacecolor="white", label="measured")
    if (~used).any():
        axes.plot(z.real[~used], z.imag[~used], "x", color=WARNING, markersize=5, label="excluded")
    if curve is not None:
        axes.plot(curve.real, -curve.imag, color=ACCENT, linewidth=1.3, label=name, zorder=3)
    _to_scale(axes, z[used], shape)
    _name_decades(axes, spectrum)
    axes.set(xlabel="Re Z (Ω)", ylabel="-Im Z (Ω)")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    axes.legend(fontsize=8, loc="upper left", ncols=3, borderaxespad=0.2, columnspacing=1.2)


def nyquist_shape(spectrum: MeasuredSpectrum) -> float:
    """Height over width of axes to one scale that a spectrum fills: that of its points, but neither flat nor tall."""
    z = spectrum.impedance[spectrum.used]
    width, height = float(np.ptp(z.real)), float(max(-z.imag.min(), 0.0) - min(-z.imag.max(), 0.0))
    return float(np.clip(HEADROOM * height / max(width, 1e-12 * float(np.abs(z).max())), *SHAPES))


def _to_scale(axes: Axes, z: Complexes, shape: float) -> None:
    """Limits with one scale on both axes, so that a semicircle is one, around -Im Z = 0 and all points."""
    low, high = min(float(z.imag.min()), 0.0), max(float(z.imag.max()), 0.0)
    reach = 1.12 * max(float(np.ptp(z.real)), HEADROOM * (high - low) / shape, 1e-12 * float(np.abs(z).max()))
    middle = 0.5 * (float(z.real.min()) + float(z.real.max()))
    left = middle - 0.5 * reach
    left = min(left, 0.0) if 0.0 <= left < 0.1 * reach else left
    bottom = low - 0.04 * reach * shape
    axes.set(xlim=(left, left + reach), ylim=(bottom, bottom + reach * shape))
    axes.set_aspect("equal", adjustable="box")
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_locator(MaxNLocator(max(3, round(6 * shape))))


def _name_decades(axes: Axes, spectrum: MeasuredSpectrum) -> None:
    """Fill the point nearest to each decade, and name it beside the curve, on its outer side, where that is free of points."""
    order = np.argsort(-spectrum.frequency[spectrum.used])
    f, z = spectrum.frequency[spectrum.used][order], np.conj(spectrum.impedance[spectrum.used][order])
    # both axes have one scale, so that directions and distances are those of the page
    per_point = float(np.ptp(axes.get_xlim())) / (72.0 * axes.bbox.width / axes.figure.dpi)
    page = z / per_point
    room = 0.5 * complex(np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim())) / per_point
    boxes: list[tuple[complex, complex]] = []
    for exponent in range(int(np.floor(np.log10(f.min()))), int(np.ceil(np.log10(f.max()))) + 1):
        nearest = int(np.argmin(np.abs(np.log10(f) - exponent)))
        if abs(np.log10(f[nearest]) - exponent) > 0.15:
            continue
        name = EngFormatter("Hz", places=0)(float(10.0**exponent))
        half = complex(0.5 * LETTER[0] * len(name), 0.5 * LETTER[1])
        along = page[min(nearest + 2, page.size - 1)] - page[max(nearest - 2, 0)]
        out = 1j * along / max(abs(along), 1e-12)
        for side in (out, -out):
            beside = complex(side.real * (half.real + CLEAR), side.imag * (half.imag + CLEAR))
            middle = complex(page[nearest]) + beside
            apart = np.array([*page, *(at for at, _ in boxes)]) - middle
            wide = np.array([*np.zeros(page.size), *(size for _, size in boxes)]) + half + complex(LEAST, LEAST)
            taken = ((np.abs(apart.real) < wide.real) & (np.abs(apart.imag) < wide.imag)).any()
            off = middle - complex(np.mean(axes.get_xlim()), np.mean(axes.get_ylim())) / per_point
            inside = abs(off.real) + half.real < room.real and abs(off.imag) + half.imag < room.imag
            if inside and not taken:
                boxes.append((middle, half))
                axes.plot(z[nearest].real, z[nearest].imag, "o", color=CATHODE, markersize=4.5)
                axes.annotate(
                    name, (z[nearest].real, z[nearest].imag), xytext=(beside.real, beside.imag), textcoords="offset points",
                    ha="center", va="center", fontsize=7.5, color=INK, path_effects=[withStroke(linewidth=2.0, foreground="white")],
                )  # fmt: skip
                break


def bode_figure(spectrum: MeasuredSpectrum, model: Complexes | None = None) -> Figure:
    """Modulus and phase against frequency."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.0, 4.4), layout="constrained")
        modulus, phase = figure.subplots(2, 1, sharex=True)
        draw_bode(modulus, phase, spectrum, model)
        modulus.legend(fontsize=8)
        return figure


def draw_bode(modulus: Axes, phase: Axes, spectrum: MeasuredSpectrum, model: Complexes | None = None) -> None:
    """Modulus and phase into axes that are there."""
    used, f, z = spectrum.used, spectrum.frequency, spectrum.impedance
    for axes, values in ((modulus, np.abs(z)), (phase, -np.degrees(np.angle(z)))):
        axes.plot(f[used], values[used], "o", color=CATHODE, markersize=4, markerfacecolor="white", label="measured")
        if (~used).any():
            axes.plot(f[~used], values[~used], "x", color=WARNING, markersize=5, label="excluded")
    if model is not None:
        order = np.argsort(f)
        modulus.plot(f[order], np.abs(model[order]), color=ACCENT, linewidth=1.3, label="model")
        phase.plot(f[order], -np.degrees(np.angle(model[order])), color=ACCENT, linewidth=1.3)
    modulus.set(xscale="log", yscale="log", ylabel="|Z| (Ω)")
    phase.set(xscale="log", xlabel="frequency (Hz)", ylabel="-phase (°)")


def residual_figure(found: Validity) -> Figure:
    """Kramers-Kronig residuals of both parts, the noise as a band, suggested outliers ringed."""
    with mpl.rc_context(STYLE):
        figure, axes = styled(7.0, 3.0)
        f, used, residual = found.spectrum.frequency, found.spectrum.used, 100 * found.residual
        noise = 200 * found.noise
        axes.axhspan(-noise, noise, color="#eef3f2", zorder=0, label=f"noise, ± {noise:.2g} % (2σ)")
        axes.axhline(0.0, color=FAINT, linewidth=0.8)
        axes.plot(f[used], residual.real[used], "o-", color=CATHODE, markersize=3.5, linewidth=0.7, label="real part")
        axes.plot(
            f[used], residual.imag[used], "s-", color="#c9773f", markersize=3.5, linewidth=0.7, label="imaginary part"
        )
        outliers = list(found.outliers)
        if outliers:
            both = np.concatenate([residual.real[outliers], residual.imag[outliers]])
            axes.plot(
                np.tile(f[outliers], 2), both, "o", color=WARNING, markersize=9, markerfacecolor="none", label="look at"
            )
        axes.set(xscale="log", xlabel="frequency (Hz)", ylabel="(Z - model) / |Z| (%)")
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        axes.set_title(f"{found.verdict}, {found.elements} elements", fontsize=9.5, loc="left")
        return figure


def relaxation_figure(found: RelaxationTimes) -> Figure:
    """The distribution with its band; resistance and time constant of each peak, which reaches from one dotted line to the next."""
    with mpl.rc_context(STYLE):
        figure, axes = styled(7.6, 3.6)
        tau, density = found.time_constant, found.density
        axes.set(xscale="log", xlim=_widened(tau))
        if found.low.size:
            axes.fill_between(
                tau, found.low, found.high, color=ACCENT, alpha=0.2, linewidth=0, label="95 % of what fits"
            )
        axes.plot(tau, density, color=ACCENT, linewidth=1.6, label="estimate")
        top = float(density.max()) or 1.0
        for number, node in enumerate(_valleys(found)):
            axes.axvline(
                tau[node], color=FAINT, linewidth=0.8, linestyle=":", zorder=0, label="" if number else "between peaks"
            )
        for peak in found.peaks:
            part = slice(peak.first, peak.last + 1)
            height = max(float(density[part].max()), float(found.high[part].max(initial=0.0)) if _tame(found) else 0.0)
            resistance = EngFormatter("Ω", places=1, sep=" ")(peak.resistance.value)
            told = f"{resistance}\n{EngFormatter('s', places=1, sep=' ')(peak.time_constant.value)}"
            axes.annotate(
                told + ("\n(cut off)" if peak.cut else ""),
                (peak.time_constant.value, height),
                textcoords="offset points", xytext=(0, 5), ha=_side(axes, peak.time_constant.value), fontsize=8, linespacing=1.05,
                path_effects=[withStroke(linewidth=2.0, foreground="white")],
            )  # fmt: skip
        axes.set(xlabel="time constant (s)", ylabel="density of resistance\n(Ω per unit of ln τ)")
        axes.set_ylim(0.0, 1.3 * max(top, float(found.high.max(initial=0.0)) if _tame(found) else top))
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return figure


def _valleys(found: RelaxationTimes) -> list[int]:
    """Nodes where a peak ends within the range."""
    ends = {end for peak in found.peaks for end in (peak.first - 1, peak.last)}
    return sorted(ends & set(range(found.density.size - 1)))


def _widened(tau: Floats) -> tuple[float, float]:
    """Ends of a logarithmic axis that leave 3 % free on either side."""
    free = float((tau[-1] / tau[0]) ** 0.03)
    return float(tau[0]) / free, float(tau[-1]) * free


def _side(axes: Axes, place: float) -> Literal["left", "center", "right"]:
    """Alignment of a label that keeps it between the ends of a logarithmic axis."""
    low, high = np.log(axes.get_xlim())
    share = (np.log(place) - low) / (high - low)
    return "left" if share < NEAR_END else "right" if share > 1.0 - NEAR_END else "center"


def _tame(found: RelaxationTimes) -> bool:
    """Whether the band may set the height of the figure: at an end of the range it can tower over all else."""
    return float(found.high.max(initial=0.0)) < 2.0 * float(found.density.max())


def relaxation_map_figure(found: RelaxationMap, labels: list[str], quantity: str = "spectrum", unit: str = "Ω per unit of ln τ") -> Figure:  # fmt: skip
    """Distributions of a series as a map, each in a row; labels name the rows, of many rows every so many."""
    with mpl.rc_context(STYLE):
        figure, axes = styled(7.6, min(1.2 + 0.32 * max(len(labels), 4), TALLEST))
        rows = np.arange(len(labels) + 1) - 0.5
        half = np.sqrt(found.time_constant[1] / found.time_constant[0])
        edges = np.append(found.time_constant / half, found.time_constant[-1] * half)
        image = axes.pcolormesh(edges, rows, found.density, cmap="YlGnBu", vmin=0.0, rasterized=True)
        ticks = range(0, len(labels), math.ceil(len(labels) / MOST_NAMED))
        axes.set(
            xscale="log",
            xlabel="time constant (s)",
            ylabel=quantity,
            yticks=ticks,
            yticklabels=[labels[k] for k in ticks],
        )
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        figure.colorbar(image, ax=axes, pad=0.02, label=unit)
        return figure
