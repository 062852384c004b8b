"""Contact resistances: limits, and the exact solution of a disc between two half-spaces."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import j0, j1, jn_zeros

from percolyte.errors import InputError
from percolyte.impedance.contact import (
    cluster_resistance,
    constriction_resistance,
    film_contact_area,
    film_resistance,
    partial_contact_resistance,
    thickness_series,
)


def test_a_film_resists_like_any_layer_and_gives_back_its_area() -> None:
    # 10 nm at 1e-6 S/m over 0.785 cm2
    found = film_resistance(1e-8, 1e-6, 7.85e-5)
    assert found == pytest.approx(127.4, rel=1e-3)
    assert film_contact_area(found, 1e-8, 1e-6) == pytest.approx(7.85e-5, rel=1e-14)


def test_a_spot_resists_as_the_field_of_a_charged_disc_says() -> None:
    """With all current from a disc of potential one: I/σ = 2π ∫ r dr (2/π)/sqrt(a² - r²) on one side, H. Weber's disc."""
    radius, sigma = 2e-6, 0.1
    # r = a sin(t) takes the singularity at the edge away
    current, _ = quad(lambda t: 2.0 * math.pi * radius * math.sin(t) * 2.0 / math.pi * sigma, 0.0, math.pi / 2.0)
    assert constriction_resistance(radius, sigma, math.inf) == pytest.approx(1.0 / current, rel=1e-12)
    assert constriction_resistance(radius, sigma) == pytest.approx(2.0 / current, rel=1e-12)
    assert constriction_resistance(radius, sigma) == pytest.approx(1.0 / (2.0 * radius * sigma), rel=1e-14)


def test_the_sides_of_a_spot_are_in_series() -> None:
    both = constriction_resistance(2e-6, 0.1, 0.3)
    assert both == pytest.approx((constriction_resistance(2e-6, 0.1) + constriction_resistance(2e-6, 0.3)) / 2.0)


def test_many_spots_end_in_the_constriction_of_their_circle() -> None:
    assert cluster_resistance(1e-6, 1e9, 1e-3, 0.1) == pytest.approx(constriction_resistance(1e-3, 0.1), rel=1e-5)
    assert cluster_resistance(1e-6, 1.0, math.inf, 0.1) == pytest.approx(constriction_resistance(1e-6, 0.1))


def test_partial_contact_runs_from_lone_spots_to_none_missing() -> None:
    radius, sigma, fraction = 1e-6, 0.1, 1e-8
    alone = constriction_resistance(radius, sigma) * math.pi * radius**2 / fraction
    # 1.5 sqrt(f) = 1.5e-4
    assert partial_contact_resistance(radius, fraction, sigma) == pytest.approx(alone, rel=2e-4)
    assert partial_contact_resistance(radius, 1.0, sigma) == 0.0


@pytest.mark.parametrize("fraction", [0.01, 0.04, 0.09])
def test_partial_contact_is_near_the_solution_of_a_tube_of_current(fraction: float) -> None:
    """Current of a disc, 1/sqrt(a² - r²), into a tube of radius b: Fourier-Bessel series, mean potential of the spot.

    ψ = 8/(π ε) Σ sin(λ ε) J_1(λ ε)/(λ³ J_0²(λ)), J_1(λ) = 0, ε = a/b, over a lone spot's 1/(4 a σ) each side.
    """
    ratio = math.sqrt(fraction)
    zeros = jn_zeros(1, 2000)
    terms = np.sin(zeros * ratio) * j1(zeros * ratio) / (zeros**3 * j0(zeros) ** 2)
    exact = 8.0 / (math.pi * ratio) * np.sum(terms)
    alone = constriction_resistance(1e-6, 0.1) * math.pi * 1e-12 / fraction
    # what the docstring promises of the closed form
    assert partial_contact_resistance(1e-6, fraction, 0.1) / alone == pytest.approx(exact, rel=0.01)


def test_samples_of_several_thicknesses_tell_the_layer_from_its_contacts() -> None:
    lengths = np.array([2e-4, 4e-4, 7e-4])
    found = thickness_series(lengths, 8.0 + lengths / (0.05 * 7.85e-5), 7.85e-5)
    assert found.conductivity == pytest.approx(0.05, rel=1e-12)
    assert found.contact_resistance == pytest.approx(8.0, rel=1e-10)
    assert found.relative_error == pytest.approx(0.0, abs=1e-12)


def test_errors_of_a_thickness_series_are_those_of_many_repetitions() -> None:
    lengths, random = np.linspace(2e-4, 8e-4, 6), np.random.default_rng(1)
    true = 8.0 + lengths / (0.05 * 7.85e-5)
    runs = [thickness_series(lengths, true + random.normal(0.0, 2.0, 6), 7.85e-5) for _ in range(2000)]
    slopes = np.array([1.0 / run.conductivity for run in runs])
    # the spread of 2000 runs is known to 2 %, the mean of their estimates from four degrees of freedom better
    for spread, errors in (
        (np.std(slopes) / np.mean(slopes), [run.relative_error for run in runs]),
        (np.std([run.contact_resistance for run in runs]), [run.contact_error for run in runs]),
    ):
        assert math.sqrt(np.mean(np.square(np.array(errors, float)))) == pytest.approx(spread, rel=0.06)


def test_two_samples_have_no_error_and_one_no_line() -> None:
    assert thickness_series(np.array([1e-4, 2e-4]), np.array([3.0, 5.0]), 1e-4).contact_error is None
    with pytest.raises(InputError, match="two different ones"):
        thickness_series(np.array([1e-4, 1e-4]), np.array([3.0, 5.0]), 1e-4)
    with pytest.raises(InputError, match="does not grow"):
        thickness_series(np.array([1e-4, 2e-4]), np.array([5.0, 3.0]), 1e-4)
