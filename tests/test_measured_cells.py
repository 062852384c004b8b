"""Cells as laboratories build them: which parts are in series, and which conductivity follows."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest

from percolyte.errors import InputError
from percolyte.impedance.cells import (
    TERMINALS,
    MeasuredCell,
    Terminals,
    conversions,
    electrolyte_resistance,
    impedance_model,
)
from percolyte.impedance.circuit import parse_circuit
from percolyte.impedance.measurement import Complexes
from percolyte.nouns import read_noun

OMEGA = 2.0 * np.pi * np.geomspace(1e-2, 1e6, 17)


def a_cell(terminals: str, **changes: Any) -> MeasuredCell:
    own: dict[str, Any] = {"terminals": terminals, "area": "0.785 cm2"}
    if terminals == "separator":
        own["electrolyte"] = {"thickness": "500 um"}
    else:
        own["thickness"] = "100 um"
    return read_noun(MeasuredCell, own | changes)


def impedance(cell: MeasuredCell, **values: float) -> Complexes:
    model = impedance_model(cell)
    assert [parameter.name for parameter in model.parameters] == list(values)
    return model.evaluate(np.array(list(values.values())), OMEGA)[0]


def circuit(text: str, *values: float) -> Complexes:
    return parse_circuit(text).evaluate(np.array(values), OMEGA)[0]


def test_every_cell_has_its_arrangement() -> None:
    assert set(TERMINALS) == set(get_args(Terminals))


@pytest.mark.parametrize(
    ("terminals", "case"),
    [
        ("ion-blocking", "a"),
        ("electron-blocking", "b"),
        ("electrode", "c"),
        ("mixed", "d"),
        ("mixed-ion-blocking", "e"),
        ("mixed-electron-blocking", "f"),
    ],
)
def test_a_cell_with_nothing_around_it_is_its_transmission_line(terminals: str, case: str) -> None:
    found = impedance(
        a_cell(terminals),
        ionic_resistance=60.0,
        electronic_resistance=12.0,
        interface_cpe=2e-3,
        interface_exponent=0.85,
    )
    np.testing.assert_array_equal(found, circuit(f"TLM{case}1(CPE1)", 60.0, 12.0, 2e-3, 0.85))


def test_two_electrodes_about_a_separator_add_twice() -> None:
    cell = a_cell("symmetric-electrodes", electrolyte={"thickness": "400 um"}, interface={"double_layer": "capacitor"})
    found = impedance(
        cell,
        electrolyte_resistance=30.0,
        ionic_resistance=60.0,
        electronic_resistance=12.0,
        interface_capacitance=2e-3,
    )
    np.testing.assert_allclose(found, 30.0 + 2.0 * circuit("TLMc1(C1)", 60.0, 12.0, 2e-3), rtol=1e-14)


def test_free_electrons_in_two_electrodes_give_the_published_form_with_the_factors_of_two() -> None:
    """Eq. 8 of Falco et al., R_bulk + sqrt(R/(iωC)) coth sqrt(iωRC), holds with R = 2 R_1 and C = C_1/2."""
    cell = a_cell(
        "symmetric-electrodes",
        electrolyte={"thickness": "400 um"},
        interface={"double_layer": "capacitor"},
        free_electrons=True,
    )
    found = impedance(cell, electrolyte_resistance=30.0, ionic_resistance=60.0, interface_capacitance=2e-3)
    both, half = 120.0, 1e-3
    u = np.sqrt(1j * OMEGA * both * half)
    np.testing.assert_allclose(found, 30.0 + np.sqrt(both / (1j * OMEGA * half)) / np.tanh(u), rtol=1e-12)


def test_lithium_cells_carry_two_layers_and_two_interfaces() -> None:
    cell = a_cell("lithium-symmetric", electrolyte={"thickness": "400 um"})
    found = impedance(
        cell,
        electrolyte_resistance=30.0,
        lithium_resistance=5.0,
        lithium_cpe=1e-5,
        lithium_exponent=0.9,
        ionic_resistance=60.0,
        electronic_resistance=12.0,
        interface_cpe=2e-3,
        interface_exponent=0.85,
    )
    exact = 60.0 + 2.0 * circuit("p(R1,CPE1)", 5.0, 1e-5, 0.9) + circuit("TLMb1(CPE1)", 60.0, 12.0, 2e-3, 0.85)
    np.testing.assert_allclose(found, exact, rtol=1e-14)


def test_everything_around_an_electrode_is_in_series() -> None:
    cell = a_cell(
        "electrode",
        electrolyte={"thickness": "400 um", "arc": True, "grain_boundary": True},
        interface={"charge_transfer": True, "diffusion": "spherical"},
        contact="arc",
        inductance=True,
    )
    values = {
        "inductance": 1e-6,
        "contact_resistance": 2.0, "contact_cpe": 1e-6, "contact_exponent": 0.9,
        "electrolyte_resistance": 30.0, "electrolyte_cpe": 1e-10, "electrolyte_exponent": 0.95,
        "grain_boundary_resistance": 15.0, "grain_boundary_cpe": 1e-8, "grain_boundary_exponent": 0.9,
        "ionic_resistance": 60.0, "electronic_resistance": 12.0,
        "charge_transfer_resistance": 40.0, "diffusion_resistance": 9.0, "diffusion_time": 300.0,
        "interface_cpe": 2e-5, "interface_exponent": 0.85,
    }  # fmt: skip
    text = "L1-p(R1,CPE1)-p(R2,CPE2)-p(R3,CPE3)-TLMc1(p(R4-Sph4,CPE4))"
    np.testing.assert_allclose(impedance(cell, **values), circuit(text, *values.values()), rtol=1e-14)


def test_a_separator_between_steel_ends_in_its_blocking_contacts() -> None:
    cell = a_cell("separator", electrolyte={"thickness": "500 um", "arc": True})
    values = {
        "electrolyte_resistance": 300.0, "electrolyte_cpe": 1e-10, "electrolyte_exponent": 0.95,
        "electrode_cpe": 1e-6, "electrode_exponent": 0.9,
    }  # fmt: skip
    np.testing.assert_array_equal(impedance(cell, **values), circuit("p(R1,CPE1)-CPE2", *values.values()))


def test_steel_behind_electrolytes_ends_the_spectrum_in_its_own_capacitance() -> None:
    cell = a_cell("steel-electron-blocking", electrolyte={"thickness": "400 um"})
    values = {
        "electrolyte_resistance": 30.0, "ionic_resistance": 60.0, "electronic_resistance": 12.0,
        "interface_cpe": 2e-3, "interface_exponent": 0.85, "electrode_cpe": 1e-6, "electrode_exponent": 0.9,
    }  # fmt: skip
    exact = circuit("R1-TLMb1(CPE1)-CPE2", 60.0, *list(values.values())[1:])
    np.testing.assert_allclose(impedance(cell, **values), exact, rtol=1e-14)


def test_conductivities_follow_from_resistances_and_geometry() -> None:
    """The resistances and conductivities of an NCM622 composite of 470 um and 0.785 cm2.

    P. Minnmann et al., J. Electrochem. Soc. 168 (2021) 040537: 107 and 360 ohm are 0.56 and 0.166 mS/cm.
    """
    cell = a_cell("ion-blocking", thickness="470 um")
    ionic, electronic = conversions(cell)
    assert (ionic.name, electronic.name) == ("ionic_conductivity", "electronic_conductivity")
    # printed to two and three digits
    assert electronic.of({"electronic_resistance": 107.0}) == pytest.approx(0.056, rel=0.01)
    assert ionic.of({"ionic_resistance": 360.0}) == pytest.approx(0.0166, rel=0.01)


def test_grain_boundaries_and_bulk_add_to_the_total_conductivity() -> None:
    cell = a_cell("separator", electrolyte={"thickness": "500 um", "grain_boundary": True})
    values = {"electrolyte_resistance": 30.0, "grain_boundary_resistance": 10.0}
    found = {conversion.name: conversion.of(values) for conversion in conversions(cell)}
    scale = 5e-4 / 7.85e-5
    assert found == pytest.approx(
        {
            "electrolyte_conductivity": scale / 30.0,
            "grain_boundary_conductivity": scale / 10.0,
            "total_electrolyte_conductivity": scale / 40.0,
        }
    )
    assert electrolyte_resistance(cell, scale / 30.0) == pytest.approx(30.0)


@pytest.mark.parametrize(
    ("terminals", "changes", "message"),
    [
        ("ion-blocking", {"electrolyte": {"thickness": "1 um"}}, "holds no electrolyte layer; leave electrolyte out"),
        ("ion-blocking", {"thickness": None}, "needs the thickness of the composite"),
        ("separator", {"thickness": "100 um"}, "holds no composite"),
        ("separator", {"electrolyte": None}, "needs its layer"),
        ("ion-blocking", {"free_electrons": True}, "short-circuited by free electrons"),
        ("ion blocking", {}, "did you mean 'ion-blocking'"),
        ("electrode", {"area": "0.785 cm"}, "is not an area"),
        ("electrode", {"contacts": "arc"}, "did you mean 'contact'"),
    ],
)
def test_a_cell_that_cannot_be_is_refused_with_what_to_write(
    terminals: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        a_cell(terminals, **changes)
