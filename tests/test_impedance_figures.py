"""Figures of measured spectra show what they are given."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from percolyte.impedance.drt import relaxation_map, relaxation_times
from percolyte.impedance.fit import Measured, fit, fit_jointly
from percolyte.impedance.measurement import MeasuredSpectrum
from percolyte.impedance.posterior import sample_posterior
from percolyte.impedance.validity import check_spectrum, exclude
from percolyte.report.figures import svg
from percolyte.report.fit_figures import corner_figure, fit_figure
from percolyte.report.impedance_figures import (
    bode_figure,
    nyquist_figure,
    relaxation_figure,
    relaxation_map_figure,
    residual_figure,
)
from tests.impedance_models import Line, spectra


@pytest.fixture(scope="module")
def spectrum() -> MeasuredSpectrum:
    frequency = np.geomspace(1e5, 1e-1, 40)
    impedance = np.asarray(20.0 + 100.0 / (1.0 + (2e-3j * np.pi * frequency) ** 0.9), np.complex128)
    impedance[15] *= 1.1
    return MeasuredSpectrum(frequency, impedance)


def test_both_axes_of_a_nyquist_plot_have_one_scale(spectrum: MeasuredSpectrum) -> None:
    axes = nyquist_figure(exclude(spectrum, [15], "step"), spectrum.impedance).axes[0]
    low, high = axes.get_ylim()
    assert axes.get_aspect() == 1.0
    # an arc is half as high as wide; a quarter of the height is left for the legend, a tenth around
    assert high - low < 1.7 * np.ptp(spectrum.impedance.imag)
    assert low < 0.0 < -spectrum.impedance.imag.min() < high
    assert [line.get_label() for line in axes.get_lines()][:3] == ["measured", "excluded", "model"]


def test_a_fit_is_drawn_as_a_curve_and_its_legends_cover_nothing() -> None:
    (measured,) = spectra(Line("a"), (60.0, 12.0, 3e-4, 0.9))
    found = fit(measured, Line("a"))
    figure = fit_figure(found, ["a-very-long-name-of-a-file-that-an-instrument-made-up-by-itself.csv"])
    nyquist, residuals = figure.axes
    curve = next(line for line in nyquist.get_lines() if line.get_label() == "fit")
    x, y = (np.asarray(values, float) for values in curve.get_data())
    turns = np.diff(np.angle(np.diff(x + 1j * y)))
    # 60 points turn by 0.2 at the top of the arc
    assert np.abs(turns).max() < 0.05
    figure.canvas.draw()
    legend = residuals.get_legend()
    assert legend is not None
    assert legend.get_window_extent().y0 >= residuals.bbox.y1
    assert len(nyquist.get_title()) < 62


def test_a_corner_figure_has_one_panel_for_each_parameter_and_pair() -> None:
    (measured,) = spectra(Line("a"), (60.0, 12.0, 3e-4, 0.9))
    found = fit(measured, Line("a"))
    figure = corner_figure(sample_posterior(found, steps=100), found)
    shown = [axes for axes in figure.axes if axes.axison]
    assert len(shown) == 4 + 4 * 3 // 2
    assert [axes.get_xlabel().split("\n")[0] for axes in shown[-4:]] == [
        "ionic",
        "electronic",
        "interface",
        "interface",
    ]


def test_a_corner_figure_of_many_parameters_shows_what_the_cells_share() -> None:
    models = Line("a", series=True), Line("b", series=True)
    own = ("series_resistance", "interface_factor", "interface_exponent")
    found = fit_jointly([Measured(spectra(model, (60.0, 12.0, 3e-4, 0.9, 2.0))[0], model, own) for model in models])
    assert len(found.parameters) == 8
    figure = corner_figure(sample_posterior(found, steps=50), found)
    assert len([axes for axes in figure.axes if axes.axison]) == 3
    assert figure.texts[0].get_text() == "6 more parameters are not drawn"


def test_every_figure_is_drawn_the_same_twice(spectrum: MeasuredSpectrum) -> None:
    found, checked = relaxation_times(spectrum), check_spectrum(spectrum)
    series = relaxation_map([spectrum, spectrum])
    for draw in (
        partial(bode_figure, spectrum, found.impedance),
        partial(residual_figure, checked),
        partial(relaxation_figure, found),
        partial(relaxation_map_figure, series, ["first", "second"]),
    ):
        assert svg(draw()) == svg(draw())


def test_each_peak_is_labelled_with_its_resistance(spectrum: MeasuredSpectrum) -> None:
    found = relaxation_times(exclude(spectrum, [15], "step"))
    texts = [text.get_text() for text in relaxation_figure(found).axes[0].texts]
    assert len(texts) == len(found.peaks)
    assert "Ω" in texts[0]
    assert " µs" in texts[0] or " ms" in texts[0]  # 1 ms, from either side


def test_the_label_of_a_peak_at_the_end_of_the_range_stays_off_the_axis() -> None:
    frequency = np.geomspace(1e6, 1e-1, 60)
    s = 2j * np.pi * frequency
    impedance = np.asarray(127.0 / (1.0 + s * 6.4e-8) + 150.0 / (1.0 + (s * 3.4e-4) ** 0.9), np.complex128)
    figure = relaxation_figure(relaxation_times(MeasuredSpectrum(frequency, impedance)))
    figure.canvas.draw()
    axes = figure.axes[0]
    (cut,) = (text for text in axes.texts if "cut off" in text.get_text())
    place = axes.transData.transform(cut.xy)[0]  # type: ignore[attr-defined]
    # it begins at its peak, to a pixel, and so stays right of the axis
    assert axes.bbox.x0 < place - 1.0 < cut.get_window_extent().x0


def test_dotted_lines_of_relaxation_times_stand_between_the_peaks() -> None:
    frequency = np.geomspace(1e5, 1e-2, 60)
    s = 2j * np.pi * frequency
    found = relaxation_times(MeasuredSpectrum(frequency, 20.0 + 50.0 / (1.0 + 1e-4 * s) + 80.0 / (1.0 + 0.1 * s)))
    fast, slow = found.peaks
    dotted = [line for line in relaxation_figure(found).axes[0].get_lines() if line.get_linestyle() == ":"]
    (place,) = {float(np.asarray(line.get_xdata())[0]) for line in dotted}
    assert fast.time_constant.value < place < slow.time_constant.value


def test_names_of_frequencies_keep_off_the_points() -> None:
    frequency = np.geomspace(1e6, 0.1, 60)
    s = 2j * np.pi * frequency
    z = 25.0 + 30.0 / (1.0 + (1e-3 * s) ** 0.88) + 20.0 / (1.0 + (0.1 * s) ** 0.85)
    figure = nyquist_figure(MeasuredSpectrum(frequency, z))
    figure.draw_without_rendering()
    axes = figure.axes[0]
    points = axes.transData.transform(np.column_stack([z.real, -z.imag]))
    assert len(axes.texts) > 2
    for label in axes.texts:
        box = label.get_window_extent()
        assert not any(box.contains(x, y) for x, y in points), label.get_text()
