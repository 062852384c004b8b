"""Relaxation times of circuits whose distribution is known in closed form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from percolyte.errors import InputError
from percolyte.impedance.drt import RelaxationTimes, relaxation_map, relaxation_times
from percolyte.impedance.measurement import Complexes, Floats, MeasuredSpectrum
from percolyte.numerics import regularisation
from percolyte.numerics.regularisation import nonnegative, regularise, sampled

FREQUENCY = np.geomspace(1e6, 1e-2, 60)
S = 2j * np.pi * FREQUENCY


def zarc(resistance: float, tau: float, exponent: float) -> Complexes:
    return np.asarray(resistance / (1.0 + (S * tau) ** exponent))


def measured(impedance: NDArray[Any], noise: float = 0.0, seed: int = 0) -> MeasuredSpectrum:
    random = np.random.default_rng(seed)
    parts = random.standard_normal((2, impedance.size))
    return MeasuredSpectrum(FREQUENCY, impedance + noise * np.abs(impedance) * (parts[0] + 1j * parts[1]))


def zarc_density(tau: Floats, resistance: float, centre: float, exponent: float) -> Floats:
    """R/(2π) sin((1 - a)π)/(cosh(a ln(τ/τ0)) - cos((1 - a)π))."""
    turned = (1.0 - exponent) * np.pi
    spread = np.cosh(exponent * np.log(tau / centre)) - np.cos(turned)
    return np.asarray(resistance / (2.0 * np.pi) * np.sin(turned) / spread)


def test_a_problem_with_bounds_meets_the_conditions_of_its_optimum() -> None:
    random = np.random.default_rng(3)
    matrix, data = random.standard_normal((80, 40)), random.standard_normal(80)
    normal, right = matrix.T @ matrix, matrix.T @ data
    x, determinant = nonnegative(normal, right, np.ones(40, bool), np.zeros((40, 40)))
    gradient = normal @ x - right
    assert (x >= 0.0).all()
    assert (gradient > -1e-10).all()  # rounding of sums of some hundred
    assert np.abs(x * gradient).max() < 1e-10
    above = x > 0.0
    assert determinant == pytest.approx(np.linalg.slogdet(normal[np.ix_(above, above)])[1], rel=1e-10)


def test_an_rc_element_is_one_spike_with_its_resistance_at_its_time_constant() -> None:
    found = relaxation_times(measured(20.0 + 100.0 / (1.0 + S * 1e-3)), bands=False)
    (peak,) = found.peaks
    # the hats on either side of 1 ms meet the element to about 0.1 %
    assert peak.resistance.value == pytest.approx(100.0, rel=2e-3)
    assert np.log(peak.time_constant.value / 1e-3) == pytest.approx(0.0, abs=0.25 * found.spacing)
    assert peak.capacitance == pytest.approx(1e-5, rel=0.05)
    assert found.series_resistance == pytest.approx(20.0, rel=2e-3)
    assert (found.density > 1e-3 * found.density.max()).sum() <= 4


def test_the_distribution_of_a_zarc_is_the_closed_one() -> None:
    found = relaxation_times(measured(20.0 + zarc(100.0, 1e-3, 0.8), 1e-4), bands=False)
    expected = zarc_density(found.time_constant, 100.0, 1e-3, 0.8)
    inside = slice(12, -12)  # the outer decade trades with the series resistance
    # noise of 1e-4 grows some hundredfold in an inverse problem of this kind
    assert np.abs(found.density - expected)[inside].max() < 0.05 * expected.max()


def test_the_integral_of_a_gerischer_element_grows_as_the_arc_sine() -> None:
    found = relaxation_times(measured(20.0 + 100.0 / np.sqrt(1.0 + S * 0.1), 1e-4), bands=False)
    integral = found.spacing * np.cumsum(found.density)
    edge = found.time_constant * np.exp(0.5 * found.spacing)
    expected = 200.0 / np.pi * np.arcsin(np.sqrt(np.minimum(edge / 0.1, 1.0)))
    before = edge < 0.01  # the density has a pole at 0.1 s, about which a smooth one swings
    assert np.abs(integral - expected)[before].max() < 2.0  # of 100 ohm


def test_the_distribution_integrates_to_the_polarisation_resistance() -> None:
    found = relaxation_times(measured(20.0 + zarc(100.0, 1e-4, 0.85) + zarc(60.0, 1e-2, 0.9), 1e-3), bands=False)
    assert found.polarisation_resistance.value == pytest.approx(found.spacing * found.density.sum(), rel=1e-12)
    assert found.polarisation_resistance.value == pytest.approx(160.0, rel=5e-3)  # a ZARC's tails pass the range


@pytest.mark.parametrize(("slower", "count"), [(1e-1, 2), (1.6e-3, 1)])
def test_two_arcs_are_two_peaks_only_where_the_data_tell_them_apart(slower: float, count: int) -> None:
    found = relaxation_times(measured(20.0 + zarc(100.0, 1e-3, 0.85) + zarc(100.0, slower, 0.85), 5e-3))
    large = [peak for peak in found.peaks if peak.resistance.value > 20.0]
    assert len(large) == count
    assert sum(peak.resistance.value for peak in large) == pytest.approx(200.0, rel=0.03)


@pytest.mark.parametrize("seed", range(4))
def test_lobes_that_smoothing_makes_beside_an_arc_are_no_peaks(seed: int) -> None:
    (peak,) = relaxation_times(measured(20.0 + zarc(100.0, 1e-3, 0.9), 5e-3, seed)).peaks
    assert peak.resistance.value == pytest.approx(100.0, rel=0.03)


@pytest.mark.parametrize("seed", range(3))
def test_an_arc_at_the_end_of_the_range_swallows_no_other_over_a_valley(seed: int) -> None:
    """Three decades apart, the fast one beyond the fastest point: both are there, the fast one as a bound."""
    bulk = 127.0 / (1.0 + S * 6.4e-8)
    found = relaxation_times(measured(bulk + zarc(150.0, 3.4e-4, 0.9), 3e-3, seed))
    fast, slow = (peak for peak in found.peaks if peak.resistance.value > 20.0)
    assert fast.cut
    assert not slow.cut
    # the lobes that smoothing cuts off the tails of an arc with exponent 0.9 are counted with it
    beyond = sum(peak.resistance.value for peak in (*found.peaks, *found.doubtful) if peak is not fast)
    assert beyond == pytest.approx(150.0, rel=0.05)
    assert slow.resistance.value > 0.9 * beyond
    assert abs(np.log(slow.time_constant.value / 3.4e-4)) < 0.3
    assert fast.last < slow.first
    assert found.density[fast.last] == 0.0


def test_ends_are_found_where_they_are_and_only_there() -> None:
    arcs = 20.0 + zarc(50.0, 1e-5, 0.9) + zarc(30.0, 1e-2, 0.8)
    bare = relaxation_times(measured(arcs, 5e-3), bands=False)
    assert (bare.inductance, bare.capacitance) == (None, None)
    ended = relaxation_times(measured(arcs + S * 1e-6 + 1.0 / (S * 0.05), 5e-3), bands=False)
    assert ended.inductance == pytest.approx(1e-6, rel=0.05)  # 6 ohm of 21 at 1 MHz, noise 0.5 %
    assert ended.capacitance == pytest.approx(0.05, rel=0.02)


def test_the_bands_of_resistance_hold_the_truth_about_as_often_as_they_say() -> None:
    truth = 20.0 + zarc(100.0, 1e-3, 0.85)
    held = 0
    for seed in range(40):
        resistance = relaxation_times(measured(truth, 5e-3, seed)).polarisation_resistance
        held += resistance.low <= 100.0 <= resistance.high
    # 95 % nominal; three standard deviations of 40 draws below it
    assert held >= 34


def test_draws_of_a_problem_without_active_bounds_have_the_posterior_covariance() -> None:
    random = np.random.default_rng(0)
    matrix = np.vstack([np.eye(6)] * 40) + 0.1 * random.standard_normal((240, 6))
    found = regularise(matrix, matrix @ np.full(6, 100.0) + random.standard_normal(240), 1)
    drawn = sampled(found, 4000, seed=1)
    best = found.strength * found.differences.T @ found.differences
    expected = np.sqrt(np.diag(np.linalg.inv(matrix.T @ matrix + best)) * found.variance)
    # 4000 draws: 1.1 % a deviation; the strengths beside the best widen or narrow it by some per cent
    assert np.allclose(drawn.std(axis=0), expected, rtol=0.15)


def test_peaks_are_named_by_their_capacitance_and_only_with_the_geometry() -> None:
    arcs = 20.0 + zarc(1e5, 1e-6, 0.98) + zarc(50.0, 5e-3, 0.95)
    named = relaxation_times(replace(measured(arcs, 1e-3), area=1e-4, thickness=1e-3), bands=False)
    assert "bulk" in named.peaks[0].process  # 1e-11 F on 1 cm2 and 1 mm: 1e-12 F/cm
    bare = relaxation_times(measured(arcs, 1e-3), bands=False)
    assert bare.peaks[0].process == ""


def test_a_map_holds_each_distribution_and_nothing_beyond_its_range() -> None:
    whole = measured(20.0 + zarc(100.0, 1e-3, 0.9), 1e-3)
    part = MeasuredSpectrum(whole.frequency[10:], whole.impedance[10:])
    found = relaxation_map([whole, part])
    assert found.density.shape == (2, found.time_constant.size)
    assert np.isfinite(found.density[0]).all()
    assert np.isnan(found.density[1][0])
    assert found.density[0].max() == pytest.approx(found.each[0].density.max(), rel=0.02)


def test_too_few_points_are_refused_with_their_number() -> None:
    with pytest.raises(InputError, match="3 different ones count; at least 10"):
        relaxation_times(MeasuredSpectrum(FREQUENCY[:3], np.ones(3, complex)))


ARC = 20.0 + zarc(100.0, 1e-4, 0.9)


def faster_than(found: RelaxationTimes, tau: float) -> float:
    """Resistance of what relaxes faster, ohm."""
    return float(np.interp(tau, found.time_constant, found.spacing * np.cumsum(found.density)))


@pytest.mark.parametrize(("q", "exponent"), [(1e-3, 0.95), (1e-3, 0.85), (1e-3, 0.7), (1e-2, 0.5)])
def test_a_constant_phase_element_at_the_slow_end_is_no_row_of_peaks(q: float, exponent: float) -> None:
    for seed in range(3):
        found = relaxation_times(measured(ARC + 1.0 / (q * S**exponent), 5e-3, seed), bands=False)
        assert found.blocking is not None
        # |Z| of the end changes by 1 % for 6e-4 of the exponent over its 7 decades; it is sought to 3e-3
        assert found.blocking.exponent == pytest.approx(exponent, abs=0.006)
        assert found.blocking.q == pytest.approx(q, rel=0.04)
        # an arc with exponent 0.9 has 97 % of its resistance within a decade; the spread is that of noise and smoothing
        assert faster_than(found, 1e-3) == pytest.approx(97.0, rel=0.04)
        # all of it is known to the noise at the slow end only, 0.5 %; a capacitor in its place leaves a third of |Z| there
        slow = float(np.abs(found.spectrum.impedance).max())
        assert found.polarisation_resistance.value == pytest.approx(100.0, abs=0.02 * slow)
        assert found.capacitance is None


@pytest.mark.parametrize(("impedance", "most"), [(ARC, 60), (ARC + 1.0 / (1e-3 * S**0.88), 90)])
def test_an_estimate_takes_few_solutions(monkeypatch: pytest.MonkeyPatch, impedance: Complexes, most: int) -> None:
    """Three searches of the strength and, before a blocking end, some 20 exponents at one strength and two climbs of three to five."""
    solved = []

    def counting(*problem: Any) -> tuple[Floats, float]:
        x, determinant = nonnegative(*problem)
        solved.append(determinant)
        return x, determinant

    monkeypatch.setattr(regularisation, "nonnegative", counting)
    relaxation_times(measured(impedance, 5e-3), bands=False)
    assert len(solved) <= most


def test_an_ideal_capacitor_at_the_slow_end_is_one() -> None:
    found = relaxation_times(measured(ARC + 1.0 / (1e-3 * S), 5e-3), bands=False)
    assert found.capacitance == pytest.approx(1e-3, rel=0.01)


@pytest.mark.parametrize("bands", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_what_noise_makes_before_a_blocking_end_is_no_peak(seed: int, bands: bool) -> None:
    """At 0.1 Hz the end has 500 kohm, of which noise is 1.5 kohm: more than the lobes that come of it."""
    frequency = np.geomspace(10**6.5, 0.1, 61)
    s = 2j * np.pi * frequency
    random = np.random.default_rng(seed).standard_normal((2, 61))
    clean = 69.0 / (1.0 + 69.0 * 2e-9 * s**0.93) + 1.0 / (3e-6 * s**0.88)
    noisy = clean * (1.0 + 3e-3 * (random[0] + 1j * random[1]))
    found = relaxation_times(MeasuredSpectrum(frequency, noisy), bands=bands)
    largest = max(found.peaks, key=lambda peak: peak.resistance.value)
    assert largest.resistance.value == pytest.approx(69.0, rel=0.2)  # cut at the fast end, where its top lies
    assert all(peak.time_constant.value < 1e-5 for peak in found.peaks)
    slow = found.doubtful[-1]
    assert slow.time_constant.value > 0.1
    assert slow.resistance.value > largest.resistance.value


def test_the_interval_of_an_arc_before_a_blocking_end_holds_it() -> None:
    held = 0
    for seed in range(20):
        found = relaxation_times(measured(ARC + 1.0 / (1e-3 * S**0.85), 5e-3, seed))
        held += found.polarisation_resistance.low <= 100.0 <= found.polarisation_resistance.high
    # 95 % nominal; three standard deviations of 20 draws below it
    assert held >= 16


@pytest.mark.parametrize("impedance", [ARC + zarc(60.0, 1e-2, 0.9), ARC + 1.0 / (1e-3 * S**0.85)])
def test_a_wild_point_is_discounted_and_changes_little(impedance: Complexes) -> None:
    clean = measured(impedance, 5e-3)
    values = clean.impedance.copy()
    values[20] *= 1.5
    found, without = (relaxation_times(one, bands=False) for one in (replace(clean, impedance=values), clean))
    assert found.discounted == (20,)
    assert without.discounted == ()
    assert faster_than(found, 1e-3) == pytest.approx(faster_than(without, 1e-3), rel=0.01)
    # left in, it makes 3 %
    assert found.noise == pytest.approx(5e-3, rel=0.25)


def test_noise_and_what_the_model_misses_are_no_wild_points() -> None:
    """An arc faster than the fastest point misses at the end of the range."""
    fast = zarc(5000.0, 1e-8, 0.95) + zarc(2000.0, 1e-4, 0.85)
    for seed in range(20):
        assert relaxation_times(measured(fast, 5e-3, seed), bands=False).discounted == ()


def test_a_loop_that_no_relaxation_describes_is_not_discounted() -> None:
    """Ten points, of which the slowest bend back: three of them miss."""
    frequency = np.geomspace(1e5, 1.0, 10)
    s = 2j * np.pi * frequency
    loop = 20.0 + 100.0 / (1.0 + s * 1e-2) - 30.0 / (1.0 + s * 1e-1)
    assert relaxation_times(MeasuredSpectrum(frequency, loop), bands=False).discounted == ()
