"""A stack of layers: exact limits of its energy, mass and thickness."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from percolyte.pouch.energy import PouchEnergy, pouch_energy
from percolyte.pouch.stack import build_stack
from percolyte.units import si, to
from tests.build import BARE_STACK, GRAPHITE_ANODE, NO_ANODE, inputs_of

EXACT = 1e-12
"""A chain of some hundred roundings."""


def energy(**changes: Any) -> PouchEnergy:
    return pouch_energy(build_stack(inputs_of(**changes)))


def stack(sheets: int, **pouch: Any) -> PouchEnergy:
    return energy(pouch={**BARE_STACK, "cathode_sheets": sheets, **pouch})


def half_foil_cell() -> PouchEnergy:
    return energy(pouch={"convention": "unit-cell", "collectors": "half"})


@pytest.mark.parametrize("ends", ["bare", "coated"])
@pytest.mark.parametrize("quantity", ["specific_energy", "energy_density"])
def test_many_sheets_tend_to_the_unit_cell_with_half_foils_to_first_order(ends: str, quantity: str) -> None:
    """1/e(n) = 1/e(∞) + c/n exactly: the end sheet is shared by n."""
    limit = 1.0 / float(getattr(half_foil_cell(), quantity))
    errors = [1.0 / float(getattr(stack(n, end_anodes=ends), quantity)) - limit for n in (10, 20, 40, 80)]
    assert errors[0] > 0.0
    for coarse, fine in itertools.pairwise(errors):
        # the errors are 1e-3 of the values and less, so rounding leaves nine digits of them
        assert coarse / fine == pytest.approx(2.0, rel=1e-8)
    assert float(getattr(stack(10_000, end_anodes=ends), quantity)) == pytest.approx(1.0 / limit, rel=1e-4)


def test_a_stack_has_one_anode_sheet_more_and_its_outer_faces_may_be_coated() -> None:
    bare, coated = stack(10), stack(10, end_anodes="coated")
    assert bare.thicknesses["cathode collector"] == pytest.approx(10 * 15e-6, rel=EXACT)
    assert bare.thicknesses["anode collector"] == pytest.approx(11 * 8e-6, rel=EXACT)
    assert bare.thicknesses["separator"] == pytest.approx(20 * 30e-6, rel=EXACT)
    assert coated.masses["anode"] == pytest.approx(bare.masses["anode"] * 22 / 20, rel=EXACT)
    assert coated.mass - bare.mass == pytest.approx(coated.masses["anode"] - bare.masses["anode"], rel=1e-9)


def test_whole_foils_weigh_twice_the_half_ones() -> None:
    whole, half = energy(pouch={"convention": "unit-cell"}), half_foil_cell()
    for name in ("cathode collector", "anode collector"):
        assert whole.masses[name] == pytest.approx(2.0 * half.masses[name], rel=EXACT)
        assert whole.thicknesses[name] == pytest.approx(2.0 * half.thicknesses[name], rel=EXACT)


def test_a_unit_cell_is_the_sum_of_its_layers_by_hand() -> None:
    cell = energy(pouch={"convention": "unit-cell"})
    solid = 1.0 / (0.8 / 4780.0 + 0.17 / density("Li6PS5Cl") + 0.02 / density("VGCF") + 0.01 / density("PTFE"))
    loading = 0.8 * 0.9 * solid * 70e-6
    areal = loading * si(200.0, "mAh/g")
    lithium = 2.0 * areal / (si(3860.0, "mAh/g"))
    mass = loading / 0.8 + 30e-6 * 1640.0 + lithium + 15e-6 * 2700.0 + 8e-6 * 8960.0
    thickness = 70e-6 + 30e-6 + lithium / 534.0 + 15e-6 + 8e-6
    assert cell.areal_capacity == pytest.approx(areal, rel=EXACT)
    assert cell.specific_energy == pytest.approx(areal * 3.7 / mass, rel=EXACT)
    assert cell.energy_density == pytest.approx(areal * 3.7 / thickness, rel=EXACT)
    assert cell.voltage == pytest.approx(3.7, rel=EXACT)


def density(name: str) -> float:
    return float(inputs_of().cathode.recipe[name].density)


def test_the_size_of_bare_sheets_does_not_matter() -> None:
    small, large = stack(20), stack(20, width="1 m", height="2 m")
    assert large.specific_energy == pytest.approx(small.specific_energy, rel=EXACT)
    assert large.energy_density == pytest.approx(small.energy_density, rel=EXACT)
    assert large.capacity == pytest.approx(small.capacity * 2.0 / (0.102 * 0.052), rel=EXACT)


def test_a_package_rim_and_other_mass_only_cost() -> None:
    bare = stack(20)
    package = {"thickness": "115 um", "density": "1.576 g/cm3", "rim": "3.5 mm"}
    wrapped = stack(20, package=package)
    area = (0.102 + 0.007) * (0.052 + 0.007)
    assert wrapped.mass - bare.mass == pytest.approx(2.0 * area * 115e-6 * 1576.0, rel=1e-9)
    assert wrapped.energy == pytest.approx(bare.energy, rel=EXACT)
    thickness = sum(bare.thicknesses.values()) + 230e-6
    assert wrapped.volume == pytest.approx(area * thickness, rel=EXACT)
    assert stack(20, other_mass="5 %").mass == pytest.approx(1.05 * bare.mass, rel=EXACT)
    assert stack(20, other_mass="5 %").volume == pytest.approx(bare.volume, rel=EXACT)


def test_an_overhang_widens_all_but_the_cathode() -> None:
    bare, wide = stack(20), stack(20, overhang="1 mm")
    ratio = (0.104 * 0.054) / (0.102 * 0.052)
    for name, mass in bare.masses.items():
        expected = mass if name.startswith("cathode") else mass * ratio
        assert wide.masses[name] == pytest.approx(expected, rel=EXACT), name
    assert wide.capacity == pytest.approx(bare.capacity, rel=EXACT)


def test_a_bipolar_stack_adds_voltages_and_keeps_the_energy_of_its_layers() -> None:
    parallel, bipolar = stack(10), stack(20, stacking="bipolar")  # both hold twenty unit cells
    assert bipolar.voltage == pytest.approx(20.0 * 3.7, rel=EXACT)
    assert parallel.voltage == pytest.approx(3.7, rel=EXACT)
    assert bipolar.energy == pytest.approx(parallel.energy, rel=EXACT)
    assert bipolar.capacity == pytest.approx(parallel.capacity / 20.0, rel=EXACT)
    for name in ("cathode", "separator"):
        assert bipolar.masses[name] == pytest.approx(parallel.masses[name], rel=EXACT)


def test_a_bipolar_plate_replaces_the_foils_between_the_cells() -> None:
    plate = {"material": "stainless steel", "thickness": "10 um"}
    cell = stack(20, stacking="bipolar", bipolar_plate=plate)
    assert cell.thicknesses["bipolar plate"] == pytest.approx(19.0 * 10e-6, rel=EXACT)
    assert cell.thicknesses["cathode collector"] == pytest.approx(15e-6, rel=EXACT)
    assert cell.thicknesses["anode collector"] == pytest.approx(8e-6, rel=EXACT)
    assert cell.energy == pytest.approx(stack(20, stacking="bipolar").energy, rel=EXACT)


@pytest.mark.parametrize(
    "anode", [NO_ANODE, {"kind": "lithium", "thickness": "20 um", "collector": {"material": "Cu", "thickness": "8 um"}}]
)
def test_a_charged_cell_is_thicker_by_the_lithium_that_moved(anode: dict[str, Any]) -> None:
    """1/(3860 mAh/g x 0.534 g/cm3) = 4.85 um per mAh/cm2 and unit cell."""
    assembled = energy(anode=anode, pouch={"convention": "unit-cell"})
    charged = energy(anode=anode, pouch={"convention": "unit-cell", "thickness_state": "charged"})
    grown = sum(charged.thicknesses.values()) - sum(assembled.thicknesses.values())
    per_capacity = to(grown, "um") / to(float(charged.areal_capacity), "mAh/cm2")
    assert per_capacity == pytest.approx(1e4 / (3860.0 * 0.534), rel=1e-10)  # difference of thicknesses
    assert per_capacity == pytest.approx(4.85, abs=0.005)  # as printed, to its last digit
    assert charged.mass == pytest.approx(assembled.mass, rel=EXACT)


def test_a_host_does_not_grow_by_plating() -> None:
    for state in ("assembled", "charged"):
        cell = energy(anode=GRAPHITE_ANODE, pouch={"convention": "unit-cell", "thickness_state": state})
        assert cell.thicknesses.get("plated lithium", 0.0) == 0.0


def test_n_to_p_of_a_foil_counts_the_foil_alone_or_with_the_cathode() -> None:
    for share, kind in ((2.0, "total"), (1.0, "reserve")):
        cell = energy(pouch={"convention": "unit-cell", "lithium": kind})
        assert cell.np_ratio == pytest.approx(2.0, rel=EXACT)
        expected = share * float(cell.areal_capacity) / (si(3860.0, "mAh/g") * 534.0)
        foil = next(cell.thicknesses[name] for name in ("anode", "Li") if name in cell.thicknesses)
        assert foil == pytest.approx(expected, rel=EXACT)


@pytest.mark.parametrize(("basis", "factor"), [("reversible", 1.0), ("first charge", 0.94 / 0.90)])
def test_n_to_p_of_a_host_is_met_on_its_basis(basis: str, factor: float) -> None:
    inputs = inputs_of(anode=GRAPHITE_ANODE, pouch={"convention": "unit-cell", "np_basis": basis})
    layers = build_stack(inputs)
    assert pouch_energy(layers).np_ratio == pytest.approx(1.1, rel=EXACT)
    ratio = float(layers.anode.areal_capacity / layers.cathode.areal_capacity)
    assert ratio == pytest.approx(1.1 * factor, rel=EXACT)


def test_a_cell_without_anode_has_no_n_to_p() -> None:
    cell = energy(anode=NO_ANODE, pouch={"convention": "unit-cell"})
    assert cell.np_ratio is None
    assert cell.masses.get("anode", cell.masses.get("Li", 0.0)) == 0.0


def test_the_first_cycle_of_the_anode_limits_the_capacity_where_it_loses_more_than_the_cathode() -> None:
    """What returns is the least of cathode, lithium left after the first charge, and host."""

    def counted(efficiency: str, np_ratio: float) -> float:
        anode = {
            **GRAPHITE_ANODE,
            "np_ratio": np_ratio,
            "active": {**GRAPHITE_ANODE["active"], "initial_efficiency": efficiency},
        }
        cell = energy(anode=anode, pouch={"convention": "unit-cell"})
        return float(cell.areal_capacity) / float(energy(pouch={"convention": "unit-cell"}).areal_capacity)

    assert counted("94 %", 1.1) == pytest.approx(1.0, rel=EXACT)  # the cathode loses 10 %, the anode 6 %
    assert counted("90 %", 1.1) == pytest.approx(1.0, rel=EXACT)
    assert counted("80 %", 1.3) == pytest.approx(0.8 / 0.9, rel=EXACT)
    assert counted("94 %", 0.7) == pytest.approx(0.7, rel=EXACT)


def test_the_capacity_is_counted_on_the_basis_of_the_convention() -> None:
    def counted(basis: str) -> float:
        return float(energy(pouch={"convention": "unit-cell", "capacity_basis": basis}).areal_capacity)

    reversible = counted("reversible")
    assert counted("first charge") == pytest.approx(reversible / 0.9, rel=EXACT)
    assert counted("delivered") == pytest.approx(reversible * 0.9, rel=EXACT)


@pytest.mark.parametrize("anode", [{"kind": "none", **NO_ANODE}, GRAPHITE_ANODE])
@pytest.mark.parametrize("convention", ["unit-cell", "pouch", "wang2021", "song2023", "yang2022"])
def test_parts_add_up_to_the_whole(anode: dict[str, Any], convention: str) -> None:
    size = {"width": "102 mm", "height": "52 mm"}
    sheets = {} if convention in ("unit-cell", "song2023", "yang2022") else {"cathode_sheets": 12}
    cell = energy(anode=anode, pouch={"convention": convention, **size, **sheets})
    assert sum(cell.masses.values()) == pytest.approx(cell.mass, rel=EXACT)
    assert sum(cell.volumes.values()) == pytest.approx(cell.volume, rel=EXACT)
    assert cell.energy == pytest.approx(cell.capacity * cell.voltage, rel=EXACT)


def test_the_mean_voltage_of_the_design_stands_above_the_materials() -> None:
    assert energy(pouch={"convention": "unit-cell", "mean_voltage": "3.5 V"}).voltage == pytest.approx(3.5, rel=EXACT)
    host = energy(anode=GRAPHITE_ANODE, pouch={"convention": "unit-cell"})
    assert host.voltage == pytest.approx(3.7 - 0.1, rel=EXACT)
