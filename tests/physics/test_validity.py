"""Kramers-Kronig, drift and linearity on spectra of which the answer is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from percolyte.errors import InputError
from percolyte.impedance.drift import amplitude_error, check_drift, linearity
from percolyte.impedance.kramers_kronig import fit_elements
from percolyte.impedance.measurement import Complexes, MeasuredSpectrum
from percolyte.impedance.step import largest_step
from percolyte.impedance.validity import check_spectrum, exclude, include

FREQUENCY = np.geomspace(1e6, 1e-2, 60)
S = 2j * np.pi * FREQUENCY
ARCS = 20.0 + 100.0 / (1.0 + (S * 1e-4) ** 0.85) + 60.0 / (1.0 + (S * 1e-2) ** 0.9)
ELAPSED = np.cumsum(1.0 / FREQUENCY) / np.sum(1.0 / FREQUENCY)


def measured(impedance: NDArray[Any], noise: float, seed: int = 0) -> MeasuredSpectrum:
    parts = np.random.default_rng(seed).standard_normal((2, impedance.size))
    return MeasuredSpectrum(FREQUENCY, impedance + noise * np.abs(impedance) * (parts[0] + 1j * parts[1]))


@pytest.mark.parametrize(
    "impedance",
    [
        ARCS,
        ARCS + S * 1e-5,
        20.0 + 100.0 / np.sqrt(1.0 + 0.1 * S),
        ARCS + 1.0 / (1e-4 * S**0.8),
        20.0 + 100.0 / (1.0 + 1e-3 * S) - 30.0 / (1.0 + S),
    ],
    ids=["arcs", "inductance", "Gerischer", "blocking", "inductive loop"],
)
def test_spectra_that_obey_the_relations_pass_and_their_noise_is_found(impedance: Complexes) -> None:
    noises = []
    for seed in range(8):
        found = check_spectrum(measured(impedance, 3e-3, seed))
        assert found.verdict == "consistent"
        noises.append(found.noise)
    assert np.mean(noises) == pytest.approx(
        3e-3, rel=0.1
    )  # 8 spectra of some 90 degrees of freedom: 2.6 %, and the choice


def test_a_model_left_out_point_is_predicted_as_by_a_fit_without_it() -> None:
    spectrum = measured(ARCS, 1e-2)
    used = np.ones(60, bool)
    whole = fit_elements(spectrum.omega, spectrum.impedance, used, 12, "impedance")
    used[30] = False
    without = fit_elements(spectrum.omega, spectrum.impedance, used, 12, "impedance")
    # the extremes of frequency stay, so both have the same elements; |e|² and r (I - H)^-1 r differ by the leverage alone
    gain = whole.variance * (120 - whole.basis.shape[1]) - without.variance * (118 - without.basis.shape[1])
    assert whole.distance[30] == pytest.approx(gain, rel=1e-6)


def test_outliers_are_suggested_and_left_where_they_are() -> None:
    bad = ARCS.copy()
    bad[[20, 41]] *= [1.06, 1.0 - 0.06j]
    spectrum = measured(bad, 5e-3)
    found = check_spectrum(spectrum)
    assert {20, 41} <= set(found.outliers)
    assert len(found.outliers) <= 3  # one more in 1 % of spectra
    assert not spectrum.excluded
    assert any("look at the points" in words for words in found.words)


def test_excluded_points_come_back() -> None:
    spectrum = measured(ARCS, 5e-3)
    without = exclude(exclude(spectrum, [3], "range switch"), [5, 6], "mains")
    assert without.excluded == {3: "range switch", 5: "mains", 6: "mains"}
    assert without.used.sum() == 57
    assert include(without, [5]).excluded == {3: "range switch", 6: "mains"}
    assert include(without).excluded == {}
    with pytest.raises(InputError, match="points 1 to 60"):
        exclude(spectrum, [60], "none")
    with pytest.raises(InputError, match="write why"):
        exclude(spectrum, [1], " ")


def test_a_cell_that_changes_during_the_spectrum_is_told_by_how_much() -> None:
    found = check_spectrum(measured(ARCS * (1.0 + 0.2 * ELAPSED), 1e-3))
    assert found.verdict == "drifting"
    assert found.drift == pytest.approx(0.2, abs=5.0 * found.drift_error)
    assert any("changed by about +" in words for words in found.words)


def test_a_steady_cell_is_hardly_ever_called_drifting() -> None:
    told = sum(check_spectrum(measured(ARCS, 5e-3, seed)).verdict == "drifting" for seed in range(50))
    assert told <= 1


@pytest.mark.parametrize("size", [0.02, -0.02])
def test_a_step_in_the_middle_is_found_where_the_residuals_look_like_noise(size: float) -> None:
    """2 % at a noise of 0.1 %: some 20 standard errors where the spectrum does not bend at the step."""
    for place in (20, 33, 45):
        stepped = ARCS * np.where(np.arange(60) >= place, 1.0 + size, 1.0)
        found = check_spectrum(measured(stepped, 1e-3, place))
        assert found.verdict == "stepped"
        assert found.step is not None
        assert abs(found.step.place - place) <= 1
        # a neighbour may take a part of it
        assert found.step.size == pytest.approx(size, rel=0.25)
        assert (
            f"between {FREQUENCY[found.step.place - 1]:.4g} Hz and {FREQUENCY[found.step.place]:.4g} Hz"
            in found.words[1]
        )


def test_a_step_at_half_a_per_cent_of_noise_is_found_in_most_spectra_and_none_is_seen_in_steady_ones() -> None:
    """Measured: 86 % of 140, and 1 of 1400 steady ones, so that 1 of 60 has a chance of 4 %, and 20 of 30 one of 1e-3 at 86 %."""
    stepped = ARCS * np.where(np.arange(60) >= 30, 1.02, 1.0)
    told = sum(check_spectrum(measured(stepped, 5e-3, seed)).verdict == "stepped" for seed in range(30))
    assert told > 20
    false = sum(check_spectrum(measured(ARCS, 5e-3, seed)).verdict == "stepped" for seed in range(60))
    assert false <= 1


def test_the_largest_step_is_that_of_a_least_squares_fit_with_its_column() -> None:
    spectrum = measured(ARCS, 1e-2)
    used = np.ones(60, bool)
    fit = fit_elements(spectrum.omega, spectrum.impedance, used, 12, "impedance")
    step = largest_step(spectrum.impedance, fit, 0.0)
    assert step is not None
    behind = np.where(np.arange(60) >= step.place, spectrum.impedance, 0.0)
    beside = fit_elements(spectrum.omega, spectrum.impedance, used, 12, "impedance", beside=behind)
    gain = float(fit.misfit @ fit.misfit - beside.misfit @ beside.misfit)
    assert step.score == pytest.approx(math.sqrt(gain / beside.variance), rel=1e-6)
    assert largest_step(spectrum.impedance[:7], fit, 0.0) is None


PASSIVE = 10.0 - 60.0 / (1.0 - S * 1e-2)
"""A passivating electrode, -50 ohm at rest: unstable at constant current (a pole at s = +100/s), stable at constant voltage."""


def test_a_cell_that_is_stable_at_controlled_voltage_alone_is_checked_by_its_admittance() -> None:
    for seed in range(5):
        found = check_spectrum(measured(PASSIVE, 3e-3, seed))
        assert found.represented == "admittance"
        assert found.verdict == "consistent"
        assert any("stable at controlled voltage" in words for words in found.words)
        assert found.noise == pytest.approx(3e-3, rel=0.25)  # of some 90 degrees of freedom, three times 7 %


def test_a_drift_and_a_step_have_the_sign_of_the_impedance_in_the_admittance_too() -> None:
    drifting = check_spectrum(measured(PASSIVE * (1.0 + 0.2 * ELAPSED), 1e-3))
    assert (drifting.represented, drifting.verdict) == ("admittance", "drifting")
    # of 1/(1 + a) the first order counts, so that a of 0.2 comes out between it and 0.2/1.2
    assert 0.2 / 1.2 - 5.0 * drifting.drift_error < drifting.drift < 0.2 + 5.0 * drifting.drift_error
    stepped = check_spectrum(measured(PASSIVE * np.where(np.arange(60) >= 40, 1.03, 1.0), 1e-3))
    assert (stepped.represented, stepped.verdict) == ("admittance", "stepped")
    assert stepped.step is not None
    assert stepped.step.size == pytest.approx(0.03, rel=0.25)


def test_a_cell_that_blocks_all_direct_current_is_consistent_over_eight_decades() -> None:
    blocking = 20.0 + 1.0 / (1e-6 * S**0.95)
    verdicts = {check_spectrum(measured(blocking, 3e-3, seed)).verdict for seed in range(5)}
    assert verdicts == {"consistent"}


def test_repeated_spectra_are_steady_drifting_or_scattered() -> None:
    steady = check_drift([measured(ARCS, 3e-3, seed) for seed in range(5)])
    assert steady.verdict == "steady"
    assert steady.scatter == pytest.approx(1.0, abs=0.15)
    growing = [measured(ARCS + 6.0 * k / (1.0 + (S * 1e-2) ** 0.9), 3e-3, k) for k in range(5)]
    drifting = check_drift(growing)
    assert drifting.verdict == "drifting"
    slow = np.argmin(drifting.frequency)
    assert drifting.change.real[slow] == pytest.approx(math.log(204.0 / 180.0), abs=4.0 * drifting.noise[slow])
    assert check_drift(growing[::2] + growing[1::2]).verdict == "scattered"
    with pytest.raises(InputError, match="at least two"):
        check_drift(growing[:1])


def test_an_amplitude_bends_butler_volmer_as_integrated_over_a_period() -> None:
    thermal = 8.314462618 * 298.15 / 96485.33212
    for amplitude in (0.005, 0.05, 0.2):
        angle = np.linspace(0.0, 2.0 * np.pi, 4001)[:-1]
        current = 2.0 * np.sinh(0.5 * amplitude / thermal * np.sin(angle))
        first, third = (2.0 * np.mean(current * np.sin(n * angle)) for n in (1, 3))
        found = linearity(amplitude, 298.15)
        assert found.error == pytest.approx(amplitude / thermal / first - 1.0, abs=1e-9)
        assert found.third_harmonic == pytest.approx(abs(third / first), abs=1e-9)
        step = linearity(amplitude, 298.15, "step")
        assert step.error == pytest.approx(
            amplitude / thermal / (2.0 * np.sinh(0.5 * amplitude / thermal)) - 1.0, abs=1e-9
        )
    assert "half the amplitude" not in linearity(0.005, 298.15).words
    assert "half the amplitude" in linearity(0.05, 298.15).words


def test_two_amplitudes_give_the_error_of_the_smaller() -> None:
    true, bend = np.array([10.0 + 2.0j, 30.0 - 4.0j]), 40.0
    small, large = (true * (1.0 - bend * volts**2) for volts in (0.02, 0.04))
    assert amplitude_error(small, large, (0.02, 0.04)) == pytest.approx(np.full(2, -bend * 0.02**2), rel=1e-9)


def test_frequencies_that_are_none_are_all_named_at_once() -> None:
    frequency, impedance = FREQUENCY.copy(), ARCS.copy()
    frequency[2], impedance[5] = 0.0, math.nan
    with pytest.raises(InputError) as raised:
        check_spectrum(MeasuredSpectrum(frequency, impedance))
    assert len(raised.value.problems) == 2
