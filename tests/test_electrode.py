"""From a recipe by weight to a layer: exact limits, and contradictions refused with their reason."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from percolyte.electrode import Electrode, build_electrode, mass_fractions, pore_free_density, volume_fractions
from percolyte.errors import InputError
from percolyte.materials.library import Library
from percolyte.recipe_calculator import calculate
from percolyte.units import Number, si, to

RECIPE: dict[str, Number] = {"NMC": 0.8, "SE": 0.17, "C": 0.03}
DENSITIES: dict[str, Number] = {"NMC": 4780.0, "SE": 1640.0, "C": 2000.0}
CAPACITY = si(200.0, "mAh/g")


def a_layer(**given: float) -> Electrode:
    return build_electrode(RECIPE, DENSITIES, active={"NMC": CAPACITY}, **given)


def reason(**given: float) -> str:
    with pytest.raises(InputError) as caught:
        a_layer(**given)
    return str(caught.value)


@st.composite
def recipes(draw: st.DrawFn) -> tuple[dict[str, float], dict[str, float]]:
    parts = draw(st.lists(st.floats(1e-3, 1.0), min_size=1, max_size=6))
    whole = sum(parts)
    weights = {f"component {i}": part / whole for i, part in enumerate(parts)}
    return weights, {name: draw(st.floats(500.0, 20000.0)) for name in weights}


@given(recipes(), st.floats(0.0, 0.99))
def test_weight_to_volume_and_back_is_the_same_recipe(
    recipe: tuple[dict[str, float], dict[str, float]], porosity: float
) -> None:
    weights, densities = recipe
    volumes = volume_fractions(weights, densities, porosity)
    # a dozen roundings of double arithmetic
    assert sum(volumes.values()) == pytest.approx(1.0 - porosity, rel=1e-13)
    assert mass_fractions(volumes, densities) == pytest.approx(weights, rel=1e-13)


@given(recipes())
def test_the_pore_free_density_lies_between_those_of_the_components(
    recipe: tuple[dict[str, float], dict[str, float]],
) -> None:
    weights, densities = recipe
    density = pore_free_density(weights, densities)
    assert min(densities.values()) * (1 - 1e-13) <= density <= max(densities.values()) * (1 + 1e-13)


def test_one_component_has_its_own_density_and_fills_what_pores_leave() -> None:
    assert pore_free_density({"a": 1.0}, {"a": 1234.0}) == pytest.approx(1234.0, rel=1e-15)
    assert volume_fractions({"a": 1.0}, {"a": 1234.0}, 0.25) == pytest.approx({"a": 0.75}, rel=1e-15)


def test_equal_densities_make_weight_equal_to_volume() -> None:
    assert volume_fractions(RECIPE, dict.fromkeys(RECIPE, 3000.0)) == pytest.approx(RECIPE, rel=1e-15)


def test_two_halves_by_weight_have_the_harmonic_mean_density() -> None:
    assert pore_free_density({"a": 0.5, "b": 0.5}, {"a": 1000.0, "b": 3000.0}) == pytest.approx(1500.0, rel=1e-15)


def test_a_layer_of_known_thickness_and_porosity_is_the_hand_calculation() -> None:
    layer = a_layer(thickness=70e-6, porosity=0.1)
    solid = 1.0 / (0.8 / 4780.0 + 0.17 / 1640.0 + 0.03 / 2000.0)
    assert layer.density == pytest.approx(0.9 * solid, rel=1e-14)
    assert layer.areal_mass == pytest.approx(0.9 * solid * 70e-6, rel=1e-14)
    assert layer.loading == pytest.approx(0.8 * 0.9 * solid * 70e-6, rel=1e-14)
    assert to(layer.areal_capacity, "mAh/cm2") == pytest.approx(0.8 * 0.9 * solid * 70e-6 * 20.0, rel=1e-13)
    assert layer.porosity == pytest.approx(0.1, rel=1e-13)
    assert layer.densification == pytest.approx(0.9, rel=1e-14)


CONSISTENT = ("thickness", "loading", "areal_capacity")


@pytest.mark.parametrize("amount", CONSISTENT)
@pytest.mark.parametrize("dense", ["porosity", "density"])
def test_every_pair_of_amount_and_density_gives_the_same_layer(amount: str, dense: str) -> None:
    layer = a_layer(thickness=70e-6, porosity=0.1)
    again = a_layer(**{amount: getattr(layer, amount), dense: getattr(layer, dense)})
    for name in (*CONSISTENT, "porosity", "density"):
        assert getattr(again, name) == pytest.approx(getattr(layer, name), rel=1e-12)


@pytest.mark.parametrize("amount", ["loading", "areal_capacity"])
def test_thickness_and_an_amount_fix_the_density(amount: str) -> None:
    layer = a_layer(thickness=70e-6, porosity=0.1)
    again = a_layer(thickness=70e-6, **{amount: getattr(layer, amount)})
    assert again.porosity == pytest.approx(0.1, rel=1e-12)


def test_a_consistent_set_of_everything_is_accepted() -> None:
    layer = a_layer(thickness=70e-6, porosity=0.1)
    everything = {name: getattr(layer, name) for name in (*CONSISTENT, "porosity", "density")}
    assert a_layer(**everything).loading == pytest.approx(layer.loading, rel=1e-12)


def test_a_set_that_differs_by_rounding_in_print_is_accepted() -> None:
    layer = a_layer(thickness=70e-6, porosity=0.1)
    assert a_layer(thickness=70e-6, porosity=0.1, loading=float(layer.loading) * 1.0009)


def test_contradictions_name_both_values_and_where_each_comes_from() -> None:
    layer = a_layer(thickness=70e-6, porosity=0.1)
    told = reason(thickness=70e-6, porosity=0.1, loading=float(layer.loading) * 1.01)
    assert "densities contradict" in told
    assert "from porosity" in told
    assert "from thickness and loading" in told
    told = reason(loading=0.2, areal_capacity=si(5.0, "mAh/cm2"), porosity=0.1)
    assert "amounts of active material contradict" in told
    assert "20 mg/cm2 from loading" in told
    assert "25 mg/cm2 from areal capacity" in told
    assert "densities contradict" in reason(thickness=70e-6, porosity=0.1, density=3600.0)


@pytest.mark.parametrize(
    "given", [{}, {"thickness": 70e-6}, {"porosity": 0.1}, {"loading": 0.2}, {"porosity": 0.1, "density": 3000.0}]
)
def test_too_little_is_refused_with_what_is_missing(given: dict[str, float]) -> None:
    told = reason(**given)
    assert "give one of thickness, loading or areal capacity" in told or "contradict" in told


def test_densification_above_one_means_negative_porosity() -> None:
    solid = float(a_layer(thickness=70e-6, porosity=0.0).density)
    layer = a_layer(thickness=70e-6, density=1.04 * solid)
    assert layer.densification == pytest.approx(1.04, rel=1e-14)
    assert layer.porosity == pytest.approx(-0.04, rel=1e-12)


def test_the_equivalent_specific_capacity_counts_the_whole_layer() -> None:
    layer = a_layer(thickness=70e-6, porosity=0.1)
    assert layer.equivalent_specific_capacity == pytest.approx(0.8 * CAPACITY, rel=1e-15)
    alone = build_electrode({"NMC": 1.0}, DENSITIES, active={"NMC": CAPACITY}, thickness=70e-6, porosity=0.0)
    assert alone.equivalent_specific_capacity == pytest.approx(CAPACITY, rel=1e-15)


def test_a_blend_has_the_capacity_of_its_parts() -> None:
    blend = build_electrode(
        {"S": 0.3, "Mo6S8": 0.6, "SE": 0.1},
        {"S": 2070.0, "Mo6S8": 5000.0, "SE": 1640.0},
        active={"S": 1672.0, "Mo6S8": 129.0},
        thickness=70e-6,
        porosity=0.1,
    )
    assert blend.active_fraction == pytest.approx(0.9)
    assert blend.equivalent_specific_capacity == pytest.approx(0.3 * 1672.0 + 0.6 * 129.0, rel=1e-15)


def test_the_first_charge_is_larger_by_the_first_loss() -> None:
    layer = build_electrode(
        RECIPE, DENSITIES, active={"NMC": CAPACITY}, initial_efficiency=0.9, thickness=70e-6, porosity=0.1
    )
    assert layer.first_charge_capacity == pytest.approx(layer.areal_capacity / 0.9, rel=1e-15)


def test_arrays_give_what_each_number_gives() -> None:
    porosity = np.linspace(0.0, 0.5, 11)
    many = build_electrode(RECIPE, DENSITIES, active={"NMC": CAPACITY}, thickness=70e-6, porosity=porosity)
    one = [float(a_layer(thickness=70e-6, porosity=float(p)).areal_capacity) for p in porosity]
    np.testing.assert_allclose(many.areal_capacity, one, rtol=1e-14)


def test_the_calculator_reads_shares_by_weight_and_by_volume() -> None:
    by_weight = calculate(
        ["NMC811=80 %", "Li6PS5Cl=20 %"], Library(), by_volume=False, given={"loading": "20 mg/cm2", "porosity": "10 %"}
    )
    volumes = volume_fractions(by_weight.mass_fractions, by_weight.densities)
    parts = [f"{name}={float(share)!r}" for name, share in volumes.items()]
    by_volume = calculate(parts, Library(), by_volume=True, given={"loading": "20 mg/cm2", "porosity": "10 %"})
    assert by_volume.mass_fractions == pytest.approx(by_weight.mass_fractions, rel=1e-12)
    assert to(by_volume.loading, "mg/cm2") == pytest.approx(20.0, rel=1e-12)


def test_the_calculator_names_all_problems_at_once() -> None:
    with pytest.raises(InputError) as caught:
        calculate(["NMC81=80 %", "Li6PS5Cl=x", "VGCF"], Library(), by_volume=False, given={"loading": "5 mS"})
    assert len(caught.value.problems) == 4


@pytest.mark.parametrize(
    "parts", [["NMC811=80 %", "Li6PS5Cl=10 %"], ["Li6PS5Cl=100 %"], ["NMC811=0 %", "Li6PS5Cl=100 %"], []]
)
def test_a_recipe_that_is_none_is_refused(parts: list[str]) -> None:
    with pytest.raises(InputError):
        calculate(parts, Library(), by_volume=False, given={"loading": "20 mg/cm2", "porosity": "10 %"})


def test_a_component_named_twice_is_refused_or_added() -> None:
    """Never may a later share silently replace an earlier one."""
    parts = ["NMC811=50 %", "NCM811=80 %", "Li6PS5Cl=20 %"]
    with pytest.raises(InputError):
        calculate(parts, Library(), by_volume=False, given={"loading": "20 mg/cm2", "porosity": "10 %"})
