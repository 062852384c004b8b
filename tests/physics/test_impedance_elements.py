"""Elements of circuits: the documented equation in forty digits against the code, limits, slopes."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from percolyte.impedance.branch import Parallel, Repeated, Series
from percolyte.impedance.elements import LAWS, Element, element

OMEGA = 2.0 * np.pi * np.geomspace(1e-5, 1e9, 29)
VALUES = {
    "R": 12.0, "C": 3e-7, "L": 2e-6, "Q": 4e-5, "sigma": 7.0, "tau": 0.6, "a": 0.83,
}  # fmt: skip
ROUNDING = 1e-13
"""Of some ten operations in double precision."""


def equation(law_equation: str, omega: float, values: dict[str, Any]) -> Any:
    """The text of a documented equation, computed in forty digits."""
    names = {"i": mpmath.mpc(0, 1), "w": mpmath.mpf(omega), "sqrt": mpmath.sqrt, "tanh": mpmath.tanh}
    return eval(law_equation, {"__builtins__": {}}, {**names, "coth": mpmath.coth, **values})


def named(symbol: str) -> Element:
    return element(symbol, *(parameter.name for parameter in LAWS[symbol].parameters))


@pytest.mark.parametrize("symbol", LAWS)
def test_the_documented_equation_is_what_the_code_computes(symbol: str) -> None:
    law = LAWS[symbol]
    names = [parameter.name for parameter in law.parameters]
    values = {name: VALUES[name] for name in names}
    impedance, slopes = named(symbol).evaluate(np.array(list(values.values())), OMEGA)
    with mpmath.workdps(40):
        for n, omega in enumerate(OMEGA):
            assert abs(impedance[n] / equation(law.equation, omega, values) - 1) < ROUNDING
            for k, name in enumerate(names):
                exact = mpmath.diff(
                    lambda value, name=name, omega=omega: equation(law.equation, omega, {**values, name: value}),
                    mpmath.mpf(values[name]),
                )
                # the slope of the tangent ratio is right to 1e-13, and enters up to three times
                assert abs(slopes[n, k] / exact - 1) < 1e-12


def at(symbol: str, omega: float, **values: float) -> complex:
    found, _ = named(symbol).evaluate(np.array(list(values.values())), np.array([omega]))
    return complex(found[0])


def test_a_constant_phase_element_of_exponent_one_is_a_capacitor_and_of_zero_a_resistor() -> None:
    assert at("CPE", 3.0, Q=0.2, a=1.0) == pytest.approx(at("C", 3.0, C=0.2), rel=ROUNDING)
    assert at("CPE", 3.0, Q=0.2, a=0.0) == pytest.approx(5.0, rel=ROUNDING)


def test_a_lossy_inductor_of_exponent_one_is_an_inductor() -> None:
    assert at("La", 3.0, L=0.2, a=1.0) == pytest.approx(at("L", 3.0, L=0.2), rel=ROUNDING)


def test_diffusion_ends_in_a_capacitor_with_a_third_of_the_resistance_in_a_slab_and_a_fifth_in_a_sphere() -> None:
    # the next term is u²/45 and u²/175, u² = 1e-6
    slab, ball = at("Wo", 1e-6, R=2.0, tau=1.0), at("Sph", 1e-6, R=2.0, tau=1.0)
    assert slab == pytest.approx(2.0 / 3.0 - 2.0e6j, rel=1e-12)
    assert slab.real == pytest.approx(2.0 / 3.0, rel=1e-6)
    assert ball.imag == pytest.approx(-6.0e6, rel=1e-12)
    # the real part stands behind an imaginary one 1.5e7 times as large
    assert ball.real == pytest.approx(2.0 / 5.0, rel=1e-6)
    assert at("Ws", 1e-6, R=2.0, tau=1.0) == pytest.approx(2.0, rel=1e-6)


def test_all_diffusion_starts_as_a_warburg_element() -> None:
    exact = at("W", 1e12, sigma=3.0 / np.sqrt(2.0 * 0.5))
    for symbol, tolerance in (("Wo", 1e-12), ("Ws", 1e-12), ("Sph", 2e-6)):  # a sphere departs by 1/u, u = 7e5
        assert abs(at(symbol, 1e12, R=3.0, tau=0.5) / exact - 1.0) < tolerance


def test_a_depressed_arc_is_a_resistor_beside_a_constant_phase_element() -> None:
    arc, _ = named("Zarc").evaluate(np.array([12.0, 0.6, 0.83]), OMEGA)
    pair = Parallel((element("R", "R"), element("CPE", "Q", "a")))
    exact, _ = pair.evaluate(np.array([12.0, 0.6**0.83 / 12.0, 0.83]), OMEGA)
    np.testing.assert_allclose(arc, exact, rtol=ROUNDING)


def test_impedances_add_in_series_and_admittances_in_parallel() -> None:
    parts = (element("R", "R1"), element("CPE", "Q", "a"))
    values = np.array([12.0, 4e-5, 0.83])
    first, second = parts[0].evaluate(values[:1], OMEGA)[0], parts[1].evaluate(values[1:], OMEGA)[0]
    np.testing.assert_allclose(Series(parts).evaluate(values, OMEGA)[0], first + second, rtol=ROUNDING)
    np.testing.assert_allclose(
        Parallel(parts).evaluate(values, OMEGA)[0], first * second / (first + second), rtol=ROUNDING
    )


def test_derivatives_of_a_circuit_follow_from_those_of_its_parts() -> None:
    branch = Series(
        (
            element("R", "R0"),
            Parallel((Series((element("R", "R1"), element("Wo", "Rd", "tau"))), element("CPE", "Q", "a"))),
            Repeated(Parallel((element("R", "R2"), element("C", "C2"))), 2),
        )
    )
    values = np.array([5.0, 20.0, 30.0, 2.0, 1e-5, 0.9, 8.0, 1e-8])
    impedance, slopes = branch.evaluate(values, OMEGA)
    for k, value in enumerate(values):
        change = np.zeros_like(values)
        change[k] = 1e-4 * value
        # central differences of fourth order: error (1e-4)^4 and rounding 1e-16/1e-4
        near = branch.evaluate(values + change, OMEGA)[0] - branch.evaluate(values - change, OMEGA)[0]
        far = branch.evaluate(values + 2.0 * change, OMEGA)[0] - branch.evaluate(values - 2.0 * change, OMEGA)[0]
        difference = (8.0 * near - far) / (12.0 * change[k])
        assert np.max(np.abs((difference - slopes[:, k]) * value / impedance)) < 1e-10


def test_a_thousand_spectra_are_computed_as_one_by_one() -> None:
    branch = Parallel((element("R", "R"), element("CPE", "Q", "a")))
    values = np.array([12.0, 4e-5, 0.83]) * np.random.default_rng(1).uniform(0.5, 1.2, (20, 50, 3))
    impedance, slopes = branch.evaluate(values, OMEGA)
    assert impedance.shape == (20, 50, OMEGA.size)
    assert slopes.shape == (20, 50, OMEGA.size, 3)
    one, own = branch.evaluate(values[7, 9], OMEGA)
    np.testing.assert_array_equal(one, impedance[7, 9])
    np.testing.assert_array_equal(own, slopes[7, 9])
