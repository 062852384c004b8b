"""Closed forms for composites: exact limits, and the order that the bounds demand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from percolyte.transport.closures import bruggeman, effective_medium, maxwell, percolation, tortuosity_factor
from percolyte.transport.effective import (
    BruggemanLaw,
    ClosureTransport,
    EffectiveMediumLaw,
    GivenTransport,
    MaxwellLaw,
    PercolationLaw,
    Phase,
    apply_law,
    resolve_transport,
)
from tests.build import evaluated

sigmas = st.floats(1e-6, 1e6)
fractions = st.floats(0.0, 1.0)


@pytest.mark.parametrize(
    "law", [bruggeman, maxwell, lambda s, f: percolation(s, f, 0.2), lambda s, f: effective_medium((s,), (f,))]
)
def test_the_pure_phase_keeps_its_conductivity_and_nothing_conducts_not(law: Callable[[float, float], float]) -> None:
    assert law(3.0, 1.0) == pytest.approx(3.0, rel=1e-14)
    assert law(3.0, 0.0) == pytest.approx(0.0, abs=1e-14)


def test_dilute_spheres_cost_three_halves_of_their_volume() -> None:
    """d(σ_eff/σ)/dc = -3/2 at c = 0 in Maxwell's, Bruggeman's and the symmetric form."""
    c = 1e-6
    forms = {
        "maxwell": maxwell(1.0, 1.0 - c),
        "bruggeman": bruggeman(1.0, 1.0 - c),
        "effective medium": effective_medium((1.0,), (1.0 - c,)),
    }
    for name, value in forms.items():
        # the next term is of order c, and the difference has lost ten digits
        assert (1.0 - value) / c == pytest.approx(1.5, rel=1e-5), name


def test_bruggeman_is_a_power() -> None:
    assert bruggeman(2.0, 0.25) == pytest.approx(2.0 * 0.125, rel=1e-15)
    assert bruggeman(2.0, 0.5, 3.0) == pytest.approx(0.25, rel=1e-15)


def test_percolation_begins_at_its_threshold_with_its_exponent() -> None:
    assert percolation(1.0, 0.2, 0.2) == 0.0
    assert percolation(1.0, 0.1, 0.2) == 0.0
    assert percolation(1.0, 0.6, 0.2) == pytest.approx(0.25, rel=1e-14)
    near, nearer = percolation(1.0, 0.2 + 1e-4, 0.2), percolation(1.0, 0.2 + 5e-5, 0.2)
    # the differences to the threshold have lost four of sixteen digits
    assert math.log2(near / nearer) == pytest.approx(2.0, rel=1e-9)


@given(sigmas, sigmas, fractions)
def test_two_phases_follow_the_root_of_the_quadratic(first: float, second: float, fraction: float) -> None:
    """Landauer: 4σ = β + sqrt(β² + 8 σ1 σ2) with β = (3φ1 - 1)σ1 + (3φ2 - 1)σ2."""
    other = 1.0 - fraction
    beta = (3.0 * fraction - 1.0) * first + (3.0 * other - 1.0) * second
    root = math.sqrt(beta**2 + 8.0 * first * second)
    # the stable form of the root where β is negative
    expected = (beta + root) / 4.0 if beta > 0.0 else 2.0 * first * second / (root - beta)
    # bisection ends at neighbouring floats; the balance of the two flows has lost digits for unlike phases
    assert effective_medium((first, second), (fraction, other)) == pytest.approx(expected, rel=1e-8)


def test_one_conducting_phase_percolates_at_a_third() -> None:
    """σ_eff = σ (3φ - 1)/2 above one third, zero below."""
    for fraction in (0.4, 0.5, 0.8):
        assert effective_medium((2.0,), (fraction,)) == pytest.approx(3.0 * fraction - 1.0, rel=1e-12)
    for fraction in (0.1, 0.3, 0.333):
        assert effective_medium((2.0,), (fraction,)) == pytest.approx(0.0, abs=1e-12)


@given(sigmas, st.lists(st.floats(0.01, 1.0), min_size=2, max_size=5))
def test_phases_of_equal_conductivity_are_one(sigma: float, parts: list[float]) -> None:
    whole = sum(parts)
    found = effective_medium((sigma,) * len(parts), tuple(part / whole for part in parts))
    assert found == pytest.approx(sigma, rel=1e-12)


@given(st.lists(st.tuples(sigmas, st.floats(0.01, 1.0)), min_size=1, max_size=4), st.floats(0.1, 1.0))
def test_the_effective_medium_lies_between_series_and_parallel(
    phases: list[tuple[float, float]], filled: float
) -> None:
    whole = sum(part for _, part in phases) / filled
    conducting = tuple(sigma for sigma, _ in phases)
    shares = tuple(part / whole for _, part in phases)
    found = effective_medium(conducting, shares)
    assert 0.0 <= found <= sum(s * f for s, f in zip(conducting, shares, strict=True)) * (1 + 1e-12)


@given(sigmas, fractions)
def test_no_form_exceeds_the_upper_bound_of_hashin_and_shtrikman(sigma: float, fraction: float) -> None:
    bound = maxwell(sigma, fraction) * (1 + 1e-12)  # rounding
    assert bruggeman(sigma, fraction) <= bound
    assert effective_medium((sigma,), (fraction,)) <= bound + 1e-50
    assert maxwell(sigma, fraction) <= sigma * fraction * (1 + 1e-12)  # Wiener: straight channels conduct best


def test_the_symmetric_form_lies_below_the_differential_one() -> None:
    for fraction in np.linspace(0.01, 0.99, 99):
        assert effective_medium((1.0,), (float(fraction),)) < bruggeman(1.0, float(fraction))


def test_straight_channels_have_a_tortuosity_factor_of_one() -> None:
    assert tortuosity_factor(2.0, 2.0 * 0.4, 0.4) == pytest.approx(1.0, rel=1e-15)
    assert tortuosity_factor(1.0, bruggeman(1.0, 0.25), 0.25) == pytest.approx(2.0, rel=1e-15)  # φ^-1/2


def test_arrays_give_what_each_number_gives() -> None:
    fraction = np.linspace(0.0, 1.0, 11)
    laws: list[Callable[[Any], Any]] = [
        lambda f: bruggeman(2.0, f),
        lambda f: maxwell(2.0, f),
        lambda f: percolation(2.0, f, 0.3),
        lambda f: effective_medium((2.0 + 0.0 * f, 0.5 + 0.0 * f), (f, 0.5 * (1.0 - f))),
    ]
    for law in laws:
        np.testing.assert_allclose(law(fraction), [law(float(f)) for f in fraction], rtol=1e-14)


def test_laws_of_one_phase_take_the_carriers_together() -> None:
    phases = (Phase("a", 0.2, 1.0), Phase("b", 0.3, 1.0))
    assert apply_law(BruggemanLaw(), phases) == pytest.approx(0.5**1.5, rel=1e-14)
    assert apply_law(MaxwellLaw(), phases) == pytest.approx(1.0 / 2.5, rel=1e-14)
    assert apply_law(PercolationLaw(threshold=0.3), phases) == pytest.approx((0.2 / 0.7) ** 2, rel=1e-14)
    assert apply_law(EffectiveMediumLaw(), phases) == pytest.approx(0.25, rel=1e-12)
    assert apply_law(BruggemanLaw(), ()) == 0.0


def test_a_given_transport_is_taken_as_it_is_and_says_so() -> None:
    found = resolve_transport(GivenTransport(ionic=0.03, electronic=0.5), (Phase("SE", 0.4, 0.2),), ())
    assert (found.kind, found.ionic, found.electronic) == ("given", 0.03, 0.5)
    assert found.ionic_tortuosity_factor == pytest.approx(0.4 * 0.2 / 0.03, rel=1e-15)


def test_without_a_choice_the_closed_forms_serve_and_say_so() -> None:
    phases = (Phase("SE", 0.4, 0.2),)
    found = resolve_transport(None, phases, ())
    assert found.kind == "closure"
    assert found.ionic == pytest.approx(0.2 * 0.4**1.5, rel=1e-14)
    assert found.electronic is None
    assert "the default" in found.statement
    assert "the default" not in resolve_transport(ClosureTransport(), phases, ()).statement


def test_a_network_of_carbon_of_unknown_conductivity_leaves_the_electrons_unknown() -> None:
    """LiFePO4 alone has a value, but would stand for the carbon that really carries them."""
    recipe = {"LFP": "72 %", "Li6PS5Cl": "20 %", "carbon black": "8 %"}
    found = evaluated(cathode={"recipe": recipe}).transport
    assert found.electronic is None
    bare = evaluated(cathode={"recipe": {"LFP": "75 %", "Li6PS5Cl": "25 %"}}).transport
    assert bare.electronic is not None
