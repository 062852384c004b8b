"""Every check of a design: its number, and on which side of the limit it fires."""

from __future__ import annotations

from typing import Any

import pytest

from percolyte.check import Check
from percolyte.design import read_design
from percolyte.evaluation import evaluate
from percolyte.examples import shipped_designs
from percolyte.pouch.stack import FoilAnodeInputs
from tests.build import GRAPHITE_ANODE, NO_ANODE, evaluated

Changes = dict[str, Any]


def checks(**changes: Any) -> dict[str, Check]:
    return {check.name: check for check in evaluated(**changes).checks}


def anode(**changes: Any) -> Changes:
    return {"anode": {**GRAPHITE_ANODE, **changes}}


@pytest.mark.parametrize(
    ("name", "changes", "verdict"),
    [
        ("cathode density", {}, "pass"),
        ("cathode density", {"cathode": {"porosity": "0 %"}}, "pass"),
        ("cathode density", {"cathode": {"porosity": None, "density": "4 g/cm3"}}, "fail"),
        ("anode density", anode(), "pass"),
        ("anode density", anode(porosity=None, density="2.4 g/cm3"), "fail"),
        ("active material in the cathode", {"cathode": {"recipe": {"NMC811": "85 %", "Li6PS5Cl": "15 %"}}}, "pass"),
        ("active material in the cathode", {"cathode": {"recipe": {"NMC811": "90 %", "Li6PS5Cl": "10 %"}}}, "pass"),
        ("active material in the cathode", {"cathode": {"recipe": {"NMC811": "84 %", "Li6PS5Cl": "16 %"}}}, "warn"),
        ("active material in the cathode", {"cathode": {"recipe": {"NMC811": "91 %", "Li6PS5Cl": "9 %"}}}, "warn"),
        ("areal capacity", {"cathode": {"thickness": None, "areal_capacity": "4 mAh/cm2"}}, "pass"),
        ("areal capacity", {"cathode": {"thickness": None, "areal_capacity": "3.9 mAh/cm2"}}, "warn"),
        ("separator thickness", {"separator": {"thickness": "30 um"}}, "pass"),
        ("separator thickness", {"separator": {"thickness": "31 um"}}, "warn"),
        ("separator thickness", {"separator": {"thickness": "14 um"}}, "warn"),
        ("lithium foil thickness", {"anode": {"np_ratio": None, "thickness": "40 um"}}, "pass"),
        ("lithium foil thickness", {"anode": {"np_ratio": None, "thickness": "41 um"}}, "warn"),
        ("lithium foil thickness", {"anode": {"np_ratio": None, "thickness": "19 um"}}, "warn"),
        ("N/P ratio", {"anode": {"np_ratio": 2.5}}, "pass"),
        ("N/P ratio", {"anode": {"np_ratio": 2.6}}, "warn"),
        ("N/P ratio", anode(np_ratio=1.05), "pass"),
        ("N/P ratio", anode(np_ratio=1.04), "warn"),
        ("N/P ratio", anode(np_ratio=0.99), "fail"),
        ("separator resistance", {"separator": {"conductivity": "2 mS/cm"}}, "pass"),
        ("separator resistance", {"separator": {"conductivity": "0.1 mS/cm"}}, "warn"),
        ("separator resistance", {"separator": {"conductivity": "0.01 mS/cm"}}, "fail"),
        (
            "self-discharge through the separator",
            {"materials": {"Li6PS5Cl": {"electronic_conductivity": "1e-9 S/cm"}}},
            "fail",
        ),
        (
            "self-discharge through the separator",
            {"materials": {"Li6PS5Cl": {"electronic_conductivity": "1e-12 S/cm"}}},
            "pass",
        ),
        (
            "cycle life from coulombic efficiency",
            {"targets": {"coulombic_efficiency": "99.99 %", "cycles": 2000}},
            "pass",
        ),
        ("cycle life from coulombic efficiency", {"targets": {"coulombic_efficiency": "99 %"}}, "fail"),
        ("price of the electrolyte", {"materials": {"Li6PS5Cl": {"price": "50 USD/kg"}}}, "pass"),
        ("price of the electrolyte", {"materials": {"Li6PS5Cl": {"price": "60 USD/kg"}}}, "warn"),
        ("price of the electrolyte", {"materials": {"Li6PS5Cl": {"price": "319 USD/kg"}}}, "fail"),
        ("target: specific energy", {"targets": {"specific_energy": "100 Wh/kg"}}, "pass"),
        ("target: specific energy", {"targets": {"specific_energy": "900 Wh/kg"}}, "fail"),
        ("target: energy density", {"targets": {"energy_density": "100 Wh/L"}}, "pass"),
        ("target: energy density", {"targets": {"energy_density": "9000 Wh/L"}}, "fail"),
        ("lithium plated per cycle", {}, "info"),
    ],
)
def test_a_check_falls_on_the_right_side_of_its_limit(name: str, changes: Changes, verdict: str) -> None:
    assert checks(**changes)[name].verdict == verdict


def test_a_target_without_a_price_fails_and_says_why() -> None:
    recipe = {"mine": "80 %", "Li6PS5Cl": "20 %"}
    own = {"mine": {"kind": "cathode", "density": "4.5 g/cm3"}}
    check = checks(cathode={"recipe": recipe}, materials=own, targets={"cost_per_energy": "100 USD/kWh"})[
        "target: materials cost per energy"
    ]
    assert check.verdict == "fail"
    assert "unknown" in check.value


def test_the_set_plan_asks_more_of_lithium_metal() -> None:
    assert checks()["SET plan target, lithium metal"].limit == "above 400 Wh/kg and 1200 Wh/L"
    assert checks(**anode())["SET plan target, lithium ion"].limit == "above 350 Wh/kg and 1000 Wh/L"


def test_an_anode_free_cell_has_no_np_ratio_and_no_foil() -> None:
    found = checks(anode=NO_ANODE)
    assert "N/P ratio" not in found
    assert "lithium foil thickness" not in found


def test_a_host_anode_plates_nothing() -> None:
    assert "lithium plated per cycle" not in checks(**anode())


def test_a_layer_denser_than_matter_is_told_with_what_is_possible() -> None:
    evaluation = evaluated(cathode={"porosity": None, "density": "4 g/cm3"})
    assert evaluation.possible is not None
    assert evaluation.possible.energy_density < evaluation.energy.energy_density
    meaning = next(check.meaning for check in evaluation.checks if check.name == "cathode density")
    assert "denser than its components can be" in meaning
    assert "Wh/L" in meaning


def test_a_possible_layer_has_no_second_answer() -> None:
    assert evaluated().possible is None


@pytest.mark.parametrize("path", [path for path, _ in shipped_designs()], ids=lambda path: path.stem)
def test_every_check_of_a_shipped_design_has_value_limit_source_and_meaning(path: Any) -> None:
    found = evaluate(read_design(path)).checks
    assert len(found) >= 8
    assert len({check.name for check in found}) == len(found)
    for check in found:
        assert check.value
        assert check.limit
        assert check.source
        assert check.meaning
        assert "nan" not in check.value.lower()
        assert check.verdict in ("pass", "warn", "fail", "info")


def test_the_resistance_limit_scales_with_the_rate_of_the_cell() -> None:
    """R = U/(19 i): 3.7 V and 4 mA/cm2 allow 48.7 ohm cm2."""
    check = checks(cathode={"thickness": None, "areal_capacity": "4 mAh/cm2"})["separator resistance"]
    assert "48.7 ohm cm2" in check.limit
    assert check.value == "1.5 ohm cm2"


def test_cycle_life_counts_the_three_ways() -> None:
    check = checks(targets={"coulombic_efficiency": "99.95 %"}, anode={"np_ratio": 2.0})[
        "cycle life from coulombic efficiency"
    ]
    assert "446 by compound loss" in check.value
    assert "400 by linear loss" in check.value


def test_an_alloy_grows_by_its_own_volume_change_and_lithium_by_all_of_its_thickness() -> None:
    lithium = {"kind": "lithium", "thickness": "40 um", "collector": {"material": "Cu", "thickness": "8 um"}}
    metal = evaluated(anode=lithium)
    alloy = evaluated(anode={**lithium, "material": "Li-In"})
    charge = float(metal.stack.cathode.areal_capacity)
    # 4.85 um per mAh/cm2 of lithium; of InLi the density and capacity of the library times 0.5/1.5 of its thickness
    assert float(metal.stack.anode.plated_thickness) == pytest.approx(charge / 36000.0 * 4.85e-6, rel=2e-3)
    foil = alloy.inputs.anode
    assert isinstance(foil, FoilAnodeInputs)
    whole = charge / (float(foil.density) * float(foil.specific_capacity))
    assert float(alloy.stack.anode.plated_thickness) == pytest.approx(whole / 3.0)
    assert not any(check.name == "lithium foil thickness" for check in alloy.checks)
    assert any(check.name == "lithium foil thickness" for check in metal.checks)
