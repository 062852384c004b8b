"""The circuit of RC elements is the linearised cell model: its poles, its limits, its error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from percolyte.cell.circuit import Circuit, circuit_error, discharge_circuit, impedance, linearised
from percolyte.cell.kernel import Planar
from percolyte.cell.model import Cell, ParticleClass, PorousElectrode
from percolyte.cell.protocol import Current, Step
from percolyte.cell.run import simulate
from percolyte.errors import InputError
from percolyte.units import FARADAY, GAS_CONSTANT

TEMPERATURE = 298.15
METAL = 10.0


def a_cell(**changes: float) -> Cell:
    """A porous cathode of 100 um on lithium; `changes` in ionic, electronic, diffusivity, exchange."""
    value = {"ionic": 0.03, "electronic": 0.5, "diffusivity": 5e-15, "exchange": 1.0} | changes
    part = ParticleClass(
        "any", 2.5e-6, 0.55, value["diffusivity"], 63104.0, value["exchange"], lambda x: 4.5 - np.asarray(x), 0.27, 0.9084
    )  # fmt: skip
    cathode = PorousElectrode(1e-4, value["ionic"], value["electronic"], (part,))
    metal = Planar(0.0, METAL, 0.0, TEMPERATURE)
    return Cell(cathode, metal, 1.5e-4, 0.0, TEMPERATURE, cathode.capacity, 0.2, 3.0, 4.5)


def transmission_line(cell: Cell, frequency: np.ndarray, x: float) -> np.ndarray:
    """Impedance in closed form: both rails, Butler-Volmer at rest, diffusion in a sphere; U falls by 1 V over x."""
    electrode = cell.cathode
    (part,) = electrode.classes
    s = 1j * frequency
    y = np.sqrt(s * part.radius**2 / part.diffusivity)
    spread = part.radius / (FARADAY * part.site_concentration * part.diffusivity)
    transfer = GAS_CONSTANT * TEMPERATURE / (FARADAY * 2.0 * part.exchange * np.sqrt(x * (1.0 - x)))
    zeta = (transfer + spread * np.tanh(y) / (y - np.tanh(y))) / (3.0 * part.volume_fraction / part.radius)
    ions, electrons = electrode.thickness / electrode.ionic, electrode.thickness / electrode.electronic
    rails = ions + electrons
    z = np.sqrt(electrode.thickness * rails / zeta)
    line = ((ions**2 + electrons**2) / np.tanh(z) / z + 2.0 * ions * electrons / (z * np.sinh(z))) / rails
    metal = GAS_CONSTANT * TEMPERATURE / (FARADAY * METAL)
    return np.asarray(cell.series_resistance + metal + ions * electrons / rails + line)


HALF = 0.5 * (0.27 + 0.9084)


@pytest.mark.parametrize("changes", [{}, {"electronic": 0.03}, {"exchange": 0.1}, {"ionic": 0.01, "electronic": 0.05}])
def test_many_elements_are_the_transmission_line(changes: dict[str, float]) -> None:
    cell, frequency = a_cell(**changes), np.logspace(-6, 1, 40)
    found = impedance(linearised(cell, elements=1000), frequency)
    # 20 harmonics and 60 modes of the sphere; above 10 rad/s faster ones would be wanted
    assert np.abs(found / transmission_line(cell, frequency, HALF) - 1.0).max() < 2e-3


def test_more_elements_are_nearer_to_the_transmission_line() -> None:
    cell, frequency = a_cell(), np.logspace(-6, 1, 40)
    exact = transmission_line(cell, frequency, HALF)
    gaps = [
        np.abs(impedance(linearised(cell, elements=count), frequency) / exact - 1.0).max()
        for count in (1, 3, 10, 30, 100)
    ]
    assert gaps == sorted(gaps, reverse=True)
    # thirty elements: 0.6 % at the worst frequency
    assert gaps[3] < 0.01


def test_the_direct_current_resistance_does_not_depend_on_the_number_of_elements() -> None:
    cell = a_cell()
    (part,) = cell.cathode.classes
    ions, electrons = 1e-4 / 0.03, 1e-4 / 0.5
    transfer = GAS_CONSTANT * TEMPERATURE / (FARADAY * 2.0 * np.sqrt(HALF * (1.0 - HALF)))
    spread = part.radius / (FARADAY * part.site_concentration * part.diffusivity)
    expected = (
        1.5e-4 + GAS_CONSTANT * TEMPERATURE / (FARADAY * METAL) + ions * electrons / (ions + electrons)
        + (ions**2 - ions * electrons + electrons**2) / (3.0 * (ions + electrons))
        + (transfer + spread / 5.0) / (3.0 * 0.55 / 2.5e-6 * 1e-4)
    )  # fmt: skip
    for count in (0, 1, 30, 300):
        assert linearised(cell, elements=count).direct_current_resistance == pytest.approx(expected, rel=1e-9)


def test_the_capacitor_holds_the_sites_over_the_slope() -> None:
    cell = a_cell()
    # dU/dx = 1 V by central differences
    assert linearised(cell).capacitance == pytest.approx(FARADAY * 63104.0 * 0.55 * 1e-4, rel=1e-9)


def test_a_small_pulse_of_the_cell_model_is_that_of_the_circuit() -> None:
    # at half charge, where the circuit was taken: the classes start there, and the pulse moves x by 2e-5
    cell = a_cell()
    (part,) = cell.cathode.classes
    rested = replace(cell, cathode=replace(cell.cathode, classes=(replace(part, charged=HALF),)))
    current = 0.01 * cell.one_c
    run = simulate(rested, [Step("current", Current(current), duration=300.0)], cells=80, shells=40, rtol=1e-6)
    circuit = linearised(cell, elements=1000)
    grown = circuit.resistances * -np.expm1(-run.time[:, None] / circuit.time_constants)
    expected = current * (circuit.resistance + grown.sum(axis=1) + run.time / circuit.capacitance)
    seen = rested.open_circuit_voltage(charged=True) - run.voltage
    late = run.time > 1.0
    # 1 uV of rounding in the potential on 2.7 mV, and the mesh of 80 cells and 40 shells
    assert np.abs(seen / expected - 1.0)[late].max() < 5e-3


def test_the_error_vanishes_at_rest_and_grows_with_the_rate() -> None:
    found = circuit_error(a_cell(), [0.02, 0.2, 1.0, 3.0])
    volts = [item.voltage for item in found]
    assert volts[1:] == sorted(volts[1:])
    # measured 0.6 % of the capacity and 12 mV at 0.02C to 0.2C, where the end of discharge is steep
    assert abs(found[0].capacity) < 0.01
    assert volts[0] < 0.02 < volts[2]
    assert found[3].capacity < -0.3


def test_a_discharge_ends_at_the_cut_off_or_when_the_sites_are_full() -> None:
    cell = a_cell()
    ended = discharge_circuit(cell, linearised(cell), 2.0)
    assert ended.voltage[-1] == pytest.approx(cell.cut_off, abs=1e-9)
    full = discharge_circuit(replace(cell, cut_off=0.0), linearised(cell), 0.1)
    assert full.areal_capacity == pytest.approx(FARADAY * 63104.0 * 0.55 * 1e-4 * (1.0 - 0.27))


def test_both_porous_electrodes_are_in_the_circuit() -> None:
    one = a_cell()
    part = ParticleClass("host", 5e-6, 0.5, 1e-14, 3e4, 1.0, lambda x: 0.3 - 0.2 * np.asarray(x), 0.9, 0.1)
    anode = PorousElectrode(1e-4, 0.05, 10.0, (part,))
    two: Circuit = linearised(replace(one, anode=anode))
    alone = linearised(one)
    host = 0.2 / (FARADAY * 3e4 * 0.5 * 1e-4)
    assert 1.0 / two.capacitance == pytest.approx(1.0 / alone.capacitance + host, rel=1e-6)


def test_what_the_circuit_cannot_do_is_refused() -> None:
    cell = a_cell()
    (part,) = cell.cathode.classes
    blend = replace(cell, cathode=replace(cell.cathode, classes=(part, part)))
    with pytest.raises(InputError, match="one particle class"):
        linearised(blend)
    with pytest.raises(InputError, match="between 0 and 1"):
        linearised(cell, state_of_charge=1.5)
    with pytest.raises(InputError, match="elements"):
        linearised(cell, elements=-1)
    with pytest.raises(InputError, match="positive"):
        discharge_circuit(cell, linearised(cell), 0.0)
