"""Steps of current and voltage: the numerical inverse of the Laplace transform, limits, slopes, and what is read off."""

from __future__ import annotations

import itertools
import math

import mpmath
import numpy as np
import pytest

from percolyte.errors import InputError
from percolyte.impedance.elements import element
from percolyte.impedance.measurement import Floats
from percolyte.impedance.polarisation import (
    Blocked,
    Mode,
    StepResponse,
    chemical_diffusion_coefficient,
    duration,
    electronic_conductivity,
    square_root_law,
    transference_number,
)
from percolyte.impedance.tlm import CASES, TransmissionLine

MODES: tuple[Mode, ...] = ("galvanostatic", "potentiostatic")
BLOCKED: tuple[Blocked, ...] = ("ions", "electrons")
STEPS = list(itertools.product(MODES, BLOCKED))
CELL = [60.0, 12.0, 2e-3]
T = 72.0 * 2e-3
TIMES = T * np.array([1e-5, 1e-3, 0.0059, 0.0061, 0.03, 0.0999, 0.1001, 0.3, 0.7, 1.5])
"""Either side of where each series gives way to the other."""


def step(mode: Mode, blocked: Blocked, values: list[float], times: Floats) -> tuple[Floats, Floats]:
    return StepResponse(mode, blocked, contact=len(values) == 4).evaluate(np.array(values), times)


@pytest.mark.parametrize(("mode", "blocked"), STEPS)
def test_a_step_is_the_inverse_laplace_transform_of_the_impedance(mode: Mode, blocked: Blocked) -> None:
    for cell in ([*CELL, 5.0], [1.0, 500.0, 1e-4, 1e-3], [500.0, 1.0, 1e-4, 300.0]):
        moving = cell[1] if blocked == "ions" else cell[0]
        scale = (cell[0] + cell[1]) * cell[2]
        found, _ = step(mode, blocked, cell, TIMES / T * scale)

        def transform(
            s: mpmath.mpc, cell: list[float] = cell, moving: float = moving, scale: float = scale
        ) -> mpmath.mpc:
            total = cell[0] + cell[1]
            u = mpmath.sqrt(s * scale) / 2
            impedance = cell[0] * cell[1] / total + cell[3] + moving**2 / total * mpmath.tanh(u) / u
            return impedance / s if mode == "galvanostatic" else 1 / (s * impedance)

        for time, value in zip(TIMES / T * scale, found, strict=True):
            with mpmath.workdps(30):
                exact = mpmath.invertlaplace(transform, time, method="talbot", degree=36)
            # Talbot's method with 36 nodes is right to some 1e-18; the series to rounding
            assert value == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.parametrize(("mode", "blocked"), STEPS)
def test_slopes_agree_with_differences(mode: Mode, blocked: Blocked) -> None:
    for cell in ([*CELL, 5.0], [*CELL], [1.0, 500.0, 1e-4, 1e-3], [1e-3, 500.0, 1e-4], [500.0, 1.0, 1e-4, 300.0]):
        values = np.array(cell)
        times = TIMES / T * (values[0] + values[1]) * values[2]
        response, slopes = step(mode, blocked, cell, times)
        for k, value in enumerate(cell):
            change = np.zeros_like(values)
            # small enough that no time crosses from one series to the other, between which rounding would count
            change[k] = 1e-3 * value
            near, far = (
                step(mode, blocked, list(values + h * change), times)[0]
                - step(mode, blocked, list(values - h * change), times)[0]
                for h in (1.0, 2.0)
            )
            difference = (8.0 * near - far) / (12.0 * change[k])
            # fourth order: (1e-3)⁴ times a fifth derivative, and rounding 1e-16/1e-3
            assert np.max(np.abs((difference - slopes[:, k]) * value / response)) < 1e-9


def test_a_run_begins_with_both_rails_and_ends_with_the_one_that_passes() -> None:
    for blocked, final in zip(BLOCKED, (12.0, 60.0), strict=True):
        values, _ = step("galvanostatic", blocked, [*CELL, 5.0], np.array([0.0, 20.0 * T]))
        np.testing.assert_allclose(values, [15.0, final + 5.0], rtol=1e-13)
        values, _ = step("potentiostatic", blocked, [*CELL, 5.0], np.array([0.0, 20.0 * T]))
        np.testing.assert_allclose(values, [1.0 / 15.0, 1.0 / (final + 5.0)], rtol=1e-13)


def test_the_steady_state_is_the_impedance_at_zero_frequency() -> None:
    for blocked, case in zip(BLOCKED, "ab", strict=True):
        line = TransmissionLine(CASES[case], element("C", "C"))
        low = line.evaluate(np.array(CELL), np.array([1e-8]))[0][0]
        (final,), _ = step("galvanostatic", blocked, CELL, np.array([20.0 * T]))
        assert final == pytest.approx(low.real, rel=1e-12)


def test_the_potential_rises_with_the_square_root_of_time_until_a_twentieth() -> None:
    growth = 60.0**2 / 72.0
    for share, most in ((0.01, 1e-11), (0.05, 1e-3), (0.1, 0.022)):
        (value,), _ = step("galvanostatic", "electrons", CELL, np.array([share * T]))
        root = 10.0 + 4.0 * growth * math.sqrt(share / math.pi)
        assert abs(root / value - 1.0) < most


def test_the_slowest_time_constant_of_a_voltage_step_is_four_times_shorter_without_series_resistance() -> None:
    # R_i of 1e-9 ohm leaves R_p, and with it R_0, nothing but the contact
    for contact, rate, tolerance in ((1e-9, 4.0 * math.pi**2, 1e-6), (72e4, math.pi**2, 1e-3)):  # 8/(π² ρ) = 8e-5
        values, _ = step("potentiostatic", "ions", [1e-9, 72.0, 2e-3, contact], np.array([0.3, 0.32]) * T)
        decay = -np.diff(np.log(values - 1.0 / (72.0 + contact)))[0] / 0.02
        assert decay == pytest.approx(rate, rel=tolerance)


def test_early_stops_overestimate_the_conductivity_as_published() -> None:
    """34 % and 10 % between electrolytes, 5 % and 2 % between steel, at 0.1 and 0.2 RC for rails of 60 and 12 ohm."""
    for blocked, shares in zip(BLOCKED, ((0.05, 0.02), (0.34, 0.10)), strict=True):
        model = StepResponse("galvanostatic", blocked)
        for seconds, share in zip((0.1 * T, 0.2 * T), shares, strict=True):
            # printed in whole per cent
            assert duration(model, np.array(CELL), seconds).overestimate == pytest.approx(share, abs=0.005)


def test_a_run_shorter_than_half_its_relaxation_time_is_said_to_be_short() -> None:
    model = StepResponse("galvanostatic", "electrons")
    short, long = (duration(model, np.array(CELL), share * T) for share in (0.2, 0.6))
    assert not short.sufficient
    assert str(short) == (
        "the run lasted 0.2 times its relaxation time (R_i + R_e) C, and needs 0.5: its last point overestimates the "
        "conductivity by 10 %; measure longer, or fit the whole transient"
    )
    assert long.sufficient
    assert long.overestimate < 0.003


def test_a_voltage_step_settles_to_a_hundredth_before_a_current_step() -> None:
    """Published ranges over both contacts, in RC and printed to two digits: 0.26 to 0.44 against 0.14 to 0.24."""
    shares = np.linspace(0.01, 1.0, 1000)
    for mode, first, last in (("galvanostatic", 0.26, 0.44), ("potentiostatic", 0.14, 0.24)):
        for blocked in BLOCKED:
            model = StepResponse(MODES[mode == "potentiostatic"], blocked)
            response, _ = model.evaluate(np.array(CELL), shares * T)
            settled = shares[np.abs(response / response[-1] - 1.0) < 0.01][0]
            assert first - 0.005 < settled < last + 0.005


def test_the_square_root_law_gives_back_both_rails_in_parallel() -> None:
    times = T * np.linspace(0.001, 0.3, 300)
    response, _ = step("galvanostatic", "electrons", [*CELL, 5.0], times)
    intercept, slope = square_root_law(times, response, T)
    # the law departs by up to 1e-3 of a rise of 50 ohm
    assert intercept == pytest.approx(15.0, abs=0.05)
    assert slope == pytest.approx(4.0 * 50.0 / math.sqrt(math.pi * T), rel=2e-3)
    with pytest.raises(InputError, match="only 0 points lie before"):
        square_root_law(times[100:], response[100:], T)


def test_many_runs_are_computed_as_one_by_one() -> None:
    cells = np.array([*CELL, 5.0]) * np.random.default_rng(1).uniform(0.5, 2.0, (7, 5, 4))
    for mode, blocked in STEPS:
        model = StepResponse(mode, blocked, contact=True)
        response, slopes = model.evaluate(cells, TIMES)
        assert slopes.shape == (7, 5, TIMES.size, 4)
        one, own = model.evaluate(cells[3, 2], TIMES)
        np.testing.assert_array_equal(response[3, 2], one)
        np.testing.assert_array_equal(slopes[3, 2], own)


def test_the_diffusion_coefficient_of_the_layer_is_that_of_its_conductivities() -> None:
    thickness, area = 1e-4, 7.85e-5
    ionic, electronic = (thickness / (area * resistance) for resistance in CELL[:2])
    volumetric = CELL[2] / (area * thickness)
    exact = ionic * electronic / ((ionic + electronic) * volumetric)
    assert chemical_diffusion_coefficient(thickness, *CELL) == pytest.approx(exact, rel=1e-14)


def test_the_cation_carries_what_the_steady_current_keeps() -> None:
    currents = {"first_current": 2e-4, "steady_current": 0.8e-4}
    assert transference_number(0.01, **currents) == pytest.approx(0.4, rel=1e-14)
    # 10 mV over 25 ohm of interfaces and 25 ohm of electrolyte, of which the salt later takes three quarters
    found = transference_number(
        0.01, first_current=0.01 / 50.0, steady_current=0.01 / 125.0, first_resistance=25.0, steady_resistance=25.0
    )
    assert found == pytest.approx(0.25, rel=1e-12)


def test_a_single_ion_conductor_has_a_transference_number_of_one() -> None:
    same = {"first_current": 1e-4, "steady_current": 1e-4, "first_resistance": 40.0, "steady_resistance": 40.0}
    assert transference_number(0.01, **same) == 1.0


def test_currents_and_resistances_that_contradict_each_other_are_refused_together() -> None:
    with pytest.raises(InputError) as caught:
        transference_number(0.01, first_current=1e-4, steady_current=2e-4, first_resistance=200.0)
    message = str(caught.value)
    assert "steady_current: exceeds the first one" in message
    assert "first_resistance: takes 20 mV of 10 mV" in message
    with pytest.raises(InputError, match="give voltage and currents with the same sign"):
        transference_number(-0.01, first_current=1e-4, steady_current=1e-4)


def test_a_residual_current_is_an_electronic_conductivity() -> None:
    sigma = electronic_conductivity(1.0, 1e-9, thickness=5e-4, area=7.85e-5)
    assert sigma == pytest.approx(5e-13 / 7.85e-5, rel=1e-14)
