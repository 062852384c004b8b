"""Many designs at once: the same numbers as one by one, targets met, impossibles named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from percolyte.errors import InputError, RunError
from percolyte.evaluation import evaluate
from percolyte.explore.sensitivity import tornado
from percolyte.explore.solve import default_span, solve_for, target_quantity
from percolyte.explore.vary import dimension_of, energies, evaluate_many, paths, value_at, vary
from percolyte.nouns import replace
from percolyte.pouch.energy import pouch_energy
from percolyte.pouch.stack import CellInputs, CompositeInputs, build_stack
from percolyte.resolution import resolve
from percolyte.units import si
from tests.build import BARE_STACK, GRAPHITE_ANODE, NO_ANODE, a_design, inputs_of

QUANTITIES = ("specific_energy", "energy_density", "capacity", "energy", "areal_capacity")


def spread(low: float, high: float, seed: int, count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.default_rng(seed).uniform(low, high, count)


CELLS: dict[str, dict[str, Any]] = {
    "lithium": {},
    "graphite": {"anode": GRAPHITE_ANODE},
    "anode-free": {"anode": NO_ANODE},
    "bipolar": {"pouch": {"stacking": "bipolar", "thickness_state": "charged", "lithium": "reserve"}},
}


@pytest.mark.parametrize(("cell", "count"), [("lithium", 200), ("graphite", 30), ("anode-free", 30), ("bipolar", 30)])
def test_many_designs_are_the_same_as_each_alone(cell: str, count: int) -> None:
    """The one chain serves both: only the order of additions may differ, 1e-9 is far above it."""
    base = a_design(**CELLS[cell])
    changes = {
        "cathode.thickness": spread(30e-6, 200e-6, 1, count),
        "cathode.porosity": spread(0.0, 0.3, 2, count),
        "cathode.recipe.NMC811": spread(0.6, 0.9, 3, count),
        "separator.thickness": spread(10e-6, 100e-6, 4, count),
        "separator.density": spread(1500.0, 2200.0, 5, count),
        "pouch.cathode_sheets": np.floor(spread(2, 80, 6, count)),
    }
    many = evaluate_many(resolve(base).inputs, changes, QUANTITIES)
    for i in range(count):
        thickness, porosity, active, layer, density, sheets = (float(values[i]) for values in changes.values())
        recipe = {"NMC811": active, "Li6PS5Cl": 0.97 - active, "VGCF": 0.02, "PTFE": 0.01}
        design = replace(
            base,
            cathode=replace(base.cathode, thickness=thickness, porosity=porosity, recipe=recipe),
            separator=replace(base.separator, thickness=layer, density=density),
            pouch=replace(base.pouch, cathode_sheets=int(sheets)),
        )
        one = pouch_energy(build_stack(resolve(design).inputs))
        for name in QUANTITIES:
            assert many[name][i] == pytest.approx(float(getattr(one, name)), rel=1e-9)
        if i % 20 == 0:  # the whole chain also prices and checks, so it is slower; its energy is the same
            assert float(evaluate(design).energy.specific_energy) == float(one.specific_energy)


def test_the_shape_of_the_arrays_is_kept_and_numbers_spread_over_it() -> None:
    inputs = inputs_of()
    grid = evaluate_many(
        inputs,
        {"cathode.thickness": np.linspace(3e-5, 9e-5, 4)[:, None], "separator.thickness": np.linspace(1e-5, 5e-5, 3)},
    )
    assert grid["specific_energy"].shape == (4, 3)
    one = energies(inputs, {"cathode.thickness": 9e-5, "separator.thickness": 1e-5})
    assert grid["specific_energy"][-1, 0] == pytest.approx(float(one.specific_energy), rel=1e-12)


def test_more_designs_than_fit_a_chunk_are_no_different() -> None:
    inputs = inputs_of()
    thickness = np.linspace(1e-5, 1e-4, 20_001)
    whole = evaluate_many(inputs, {"separator.thickness": thickness})["specific_energy"]
    part = evaluate_many(inputs, {"separator.thickness": thickness[[0, 8191, 8192, 20_000]]})["specific_energy"]
    np.testing.assert_array_equal(whole[[0, 8191, 8192, 20_000]], part)
    assert np.all(np.diff(whole) < 0.0)


def test_four_hundred_watt_hours_are_found_and_verified() -> None:
    base = a_design()
    inputs = resolve(base).inputs
    path = "separator.thickness"
    solution = solve_for(inputs, path, *target_quantity("400 Wh/kg"), (1e-6, 100e-6))
    assert len(solution.values) == 1
    assert not solution.increases
    layer = replace(base.separator, thickness=solution.values[0])
    found = evaluate(replace(base, separator=layer)).energy.specific_energy
    # the root is refined to 1e-12; the energy's slope there is below one
    assert float(found) == pytest.approx(si(400.0, "Wh/kg"), rel=1e-11)


def test_a_target_out_of_reach_names_the_nearest() -> None:
    with pytest.raises(RunError, match=r"the nearest is \S+ Wh/kg at \S+ um") as caught:
        solve_for(inputs_of(), "separator.thickness", *target_quantity("900 Wh/kg"), (1e-6, 1e-4))
    assert caught.value.outcome == "target not reached"
    assert "at 1 um" in str(caught.value)


def test_a_span_without_any_possible_cell_is_a_named_outcome() -> None:
    with pytest.raises(RunError, match="is possible"):
        solve_for(inputs_of(), "cathode.density", *target_quantity("400 Wh/kg"), (6000.0, 9000.0))


def test_every_solution_of_a_quantity_with_a_maximum_is_found() -> None:
    """Below N/P 1 the anode limits the capacity, above it is dead weight: each energy but the best has two N/P."""
    inputs = inputs_of(anode=GRAPHITE_ANODE)
    target = float(energies(inputs, {"anode.np_ratio": 1.5}).specific_energy)
    solution = solve_for(inputs, "anode.np_ratio", "specific_energy", target, (0.5, 3.0))
    assert len(solution.values) == 2
    assert solution.values[0] < 1.0
    assert solution.values[1] == pytest.approx(1.5, rel=1e-10)
    assert solution.increases


def test_limits_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(InputError, match="not below"):
        solve_for(inputs_of(), "separator.thickness", "specific_energy", 1.0, (1e-4, 1e-6))


@pytest.mark.parametrize(
    ("written", "quantity", "value"),
    [
        ("400 Wh/kg", "specific_energy", 1.44e6),
        ("1000 Wh/L", "energy_density", 3.6e9),
        ("4 mAh/cm2", "areal_capacity", 144000.0),
        ("20 Ah", "capacity", 72000.0),
        ("70 Wh", "energy", 252000.0),
    ],
)
def test_the_unit_of_a_target_tells_the_quantity(written: str, quantity: str, value: float) -> None:
    named, number = target_quantity(written)
    assert named == quantity
    assert number == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize("written", ["400", "400 K", "much", "-5 Wh/kg", "nan Wh/kg", ""])
def test_what_is_no_target_is_refused(written: str) -> None:
    with pytest.raises(InputError):
        target_quantity(written)


def test_vary_replaces_the_field_that_was_given() -> None:
    changed = vary(vary(inputs_of(), "cathode.loading", 0.3), "cathode.density", 3000.0)
    assert (changed.cathode.thickness, changed.cathode.loading) == (None, 0.3)
    assert (changed.cathode.porosity, changed.cathode.density) == (None, 3000.0)
    foil = vary(inputs_of(), "anode.thickness", 40e-6).anode
    assert (foil.thickness, foil.np_ratio) == (40e-6, None)


def fractions(inputs: CellInputs, side: str = "cathode") -> dict[str, float]:
    electrode = getattr(inputs, side)
    assert isinstance(electrode, CompositeInputs)
    return {name: float(part.mass_fraction) for name, part in electrode.recipe.items()}


def test_more_active_material_takes_from_the_electrolyte_alone() -> None:
    changed = fractions(vary(inputs_of(), "cathode.recipe.NMC811", 0.9))
    assert changed == pytest.approx({"NMC811": 0.9, "Li6PS5Cl": 0.07, "VGCF": 0.02, "PTFE": 0.01}, rel=1e-12)


def test_without_electrolyte_the_others_share_in_proportion() -> None:
    inputs = inputs_of(cathode={"recipe": {"NMC811": "90 %", "VGCF": "6 %", "PTFE": "4 %"}})
    changed = fractions(vary(inputs, "cathode.recipe.NMC811", 0.95))
    assert changed == pytest.approx({"NMC811": 0.95, "VGCF": 0.03, "PTFE": 0.02}, rel=1e-12)


def test_a_recipe_of_one_component_cannot_be_varied() -> None:
    with pytest.raises(InputError, match="nothing to exchange"):
        vary(inputs_of(cathode={"recipe": {"NMC811": "100 %"}}), "cathode.recipe.NMC811", 0.9)


def test_the_anodes_recipe_is_rebalanced_too() -> None:
    changed = fractions(vary(inputs_of(anode=GRAPHITE_ANODE), "anode.recipe.graphite", 0.9), "anode")
    assert changed == pytest.approx({"graphite": 0.9, "Li6PS5Cl": 0.1}, rel=1e-12)


@pytest.mark.parametrize("cell", CELLS)
def test_every_offered_path_can_be_read_and_varied(cell: str) -> None:
    inputs = inputs_of(**CELLS[cell])
    for path in paths(inputs):
        now = value_at(inputs, path)
        low, high = default_span(inputs, path)
        assert low < high, path
        changed = vary(inputs, path, np.array([low, high]) if now is None else np.array([now, now]))
        assert dimension_of(path).unit is not None
        for side in ("cathode", "anode"):
            if isinstance(getattr(changed, side), CompositeInputs) and now is not None:
                assert sum(fractions_at(changed, side)) == pytest.approx(1.0, rel=1e-12), path


def fractions_at(inputs: CellInputs, side: str) -> list[float]:
    return [float(np.mean(part.mass_fraction)) for part in getattr(inputs, side).recipe.values()]


def test_no_path_unbalances_a_recipe() -> None:
    inputs = inputs_of()
    for path in paths(inputs):
        if "recipe" in path and dimension_of(path).unit == "%":
            changed = fractions(vary(inputs, path, 0.5))
            assert sum(changed.values()) == pytest.approx(1.0, rel=1e-12), path


@pytest.mark.parametrize(
    "path", ["separator.thicknes", "separator", "separator.electrolyte", "", ".", "cathode.recipe", "__class__"]
)
def test_a_path_to_no_number_is_refused(path: str) -> None:
    with pytest.raises(InputError, match="not a number of this design"):
        vary(inputs_of(), path, 1.0)


def test_a_misspelt_path_gets_a_suggestion() -> None:
    with pytest.raises(InputError, match=r"did you mean 'separator\.thickness'"):
        evaluate_many(inputs_of(), {"separator.thicknes": np.array([1e-5])})


@pytest.mark.parametrize(
    ("cell", "path", "value"),
    [
        ("lithium", "cathode.recipe.NMC811", 1.2),
        ("lithium", "cathode.recipe.NMC811", -0.1),
        ("lithium", "cathode.density", 6000.0),
        ("lithium", "cathode.porosity", 1.5),
        ("lithium", "cathode.thickness", -1e-5),
        ("lithium", "separator.thickness", -1e-5),
        ("lithium", "separator.density", -1.0),
        ("lithium", "anode.np_ratio", -1.0),
        ("graphite", "anode.density", 6000.0),
        ("graphite", "anode.recipe.graphite", 1.5),
        ("graphite", "anode.recipe.graphite", -0.2),
        ("lithium", "separator.thickness", float("nan")),
    ],
)
def test_a_design_that_cannot_be_is_nan_and_its_neighbour_is_not(cell: str, path: str, value: float) -> None:
    inputs = inputs_of(**CELLS[cell])
    fine = value_at(inputs, path) or 3500.0  # g/cm3 of the cathode, where the design states its porosity
    fine = {"anode.density": 1800.0}.get(path, fine)
    found = evaluate_many(inputs, {path: np.array([fine, value])})
    for name, values in found.items():
        assert np.isfinite(values[0]), name
        assert np.isnan(values[1]), name


def test_the_tornado_is_sorted_and_each_bar_is_a_tenth_of_its_input() -> None:
    inputs = inputs_of()
    swings = tornado(inputs)
    widths = [swing.width for swing in swings]
    assert widths == sorted(widths, reverse=True)
    assert all(width > 0.0 for width in widths)
    bar = next(swing for swing in swings if swing.path == "separator.thickness")
    low = energies(inputs, {"separator.thickness": 0.9 * 30e-6}).specific_energy
    assert bar.low == pytest.approx(float(low), rel=1e-12)
    assert bar.low > bar.high


def test_what_has_no_weight_has_no_bar() -> None:
    inputs = inputs_of(pouch={**BARE_STACK, "cathode_sheets": 20})
    swings = {swing.path for swing in tornado(inputs, most=100)}
    assert "separator.conductivity" not in swings
    assert "pouch.other_mass" not in swings
