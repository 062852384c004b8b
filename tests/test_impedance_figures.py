"""Figures of measured spectra show what they are given."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from percolyte.impedance.drt import relaxation_map, relaxation_times
from percolyte.impedance.measurement import MeasuredSpectrum
from percolyte.impedance.validity import check_spectrum, exclude
from percolyte.report.figures import svg
from percolyte.report.impedance_figures import (
    bode_figure,
    nyquist_figure,
    relaxation_figure,
    relaxation_map_figure,
    residual_figure,
)


@pytest.fixture(scope="module")
def spectrum() -> MeasuredSpectrum:
    frequency = np.geomspace(1e5, 1e-1, 40)
    impedance = np.asarray(20.0 + 100.0 / (1.0 + (2e-3j * np.pi * frequency) ** 0.9), np.complex128)
    impedance[15] *= 1.1
    return MeasuredSpectrum(frequency, impedance)


def test_both_axes_of_a_nyquist_plot_have_one_scale(spectrum: MeasuredSpectrum) -> None:
    axes = nyquist_figure(exclude(spectrum, [15], "step"), spectrum.impedance).axes[0]
    width, height = np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim())
    assert width == pytest.approx(height)
    assert axes.get_aspect() == 1.0
    assert [line.get_label() for line in axes.get_lines()][:3] == ["measured", "excluded", "model"]


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
