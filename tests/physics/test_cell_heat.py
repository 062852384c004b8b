"""Heat and temperature coefficients of the cell model agree with each other as thermodynamics demands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from percolyte.cell.build import build_cell
from percolyte.cell.heat import Heat, heat_of
from percolyte.cell.kernel import Planar
from percolyte.cell.model import Cell, ParticleClass, PorousElectrode
from percolyte.cell.protocol import parse_protocol
from percolyte.cell.run import simulate
from percolyte.cell.thermal import ThermalModel, simulate_thermal
from percolyte.layer_transport import cell_transport
from percolyte.materials.library import material
from percolyte.pouch.stack import build_stack
from percolyte.resolution import resolve
from percolyte.units import FARADAY
from tests.build import GRAPHITE_ANODE, a_design

ROOM = 298.15


def sloping(x: Any) -> Any:
    return 4.3 - 0.9 * np.asarray(x) - 0.2 * np.asarray(x) ** 2


def straight(x: Any) -> Any:
    return 4.3 - 0.8 * np.asarray(x)


def entropic(x: Any) -> Any:
    """Changes its sign within the window."""
    return 2e-4 * (1.0 - 2.0 * np.asarray(x))


def part(**changes: Any) -> ParticleClass:
    return replace(ParticleClass("any", 2.5e-6, 0.55, 5e-15, 6e4, 1.0, sloping, 0.27, 0.9, entropy=entropic), **changes)


def cell(*parts: ParticleClass, anode: Any = None, thickness: float = 100e-6, **changes: Any) -> Cell:
    cathode = PorousElectrode(thickness, 0.03, 0.5, parts or (part(),))
    metal = anode or Planar(0.0, 10.0, 0.0, ROOM)
    one = Cell(cathode, metal, 1.5e-4, 0.0, ROOM, cathode.capacity, 0.1, 1.0, 6.0)
    return replace(one, **changes)


def graphite() -> PorousElectrode:
    own = ParticleClass(
        "graphite", 5e-6, 0.6, 1e-14, 3e4, 2.0, lambda x: 0.5 - 0.4 * np.asarray(x), 0.85, 0.03,
        entropy=lambda x: -1e-4 + 3e-4 * np.asarray(x) ** 2,
    )  # fmt: skip
    return PorousElectrode(120e-6, 0.1, 50.0, (own,))


def heat(one: Cell, protocol: str, **mesh: Any) -> Heat:
    found = simulate(one, parse_protocol(protocol), **mesh)
    assert found.outcome == "done"
    return heat_of(one, found)


def enthalpy_released(side: PorousElectrode, inserted: float) -> float:
    """∫ (U - T dU/dT) dq along the mean stoichiometry, J/m2, on a grid fine enough for rounding to remain."""
    (own,) = side.classes
    x = own.charged + np.linspace(0.0, 1.0, 20001) * inserted * (own.discharged - own.charged) / (
        side.capacity * np.sign(own.discharged - own.charged)
    )
    values = np.asarray(own.potential(x)) - (ROOM * np.asarray(own.entropy(x)) if own.entropy else 0.0)
    return float(np.trapezoid(values, x)) * inserted / float(x[-1] - x[0])


# --- the energy balance ---


@pytest.mark.parametrize("rate", ["0.2C", "1C", "3C"])
@pytest.mark.parametrize("anode", [Planar(0.6, 10.0, 0.0, ROOM), graphite()], ids=["foil", "porous anode"])
def test_work_and_heat_are_the_change_of_enthalpy_of_the_rested_cell(rate: str, anode: Any) -> None:
    """Discharge and a rest until all gradients are gone: only the mean stoichiometries count."""
    one = cell(anode=anode, anode_entropy=-2e-4)
    found = simulate(one, parse_protocol(f"discharge at {rate} for 4 mAh/cm2; rest for 300 h"))
    passed = float(found.charge[-1])
    released = enthalpy_released(one.cathode, passed)
    if isinstance(anode, PorousElectrode):
        released += enthalpy_released(anode, -passed)
    else:
        released -= (0.6 + ROOM * 2e-4) * passed
    work = float(found.energy[-1])
    # what is left of the gradients after 300 h, and rounding
    assert heat_of(one, found).total == pytest.approx(released - work, rel=1e-8)
    assert abs(found.lithium_error) < 1e-10


def test_without_gradients_the_dissipation_of_the_kernel_is_the_heat() -> None:
    """Losses in ohmic layers and kinetics alone: the kernel's account agrees with that of the energy."""
    fast = part(potential=straight, diffusivity=1e-9, entropy=None, exchange=0.2)
    one = cell(fast, thickness=10e-6)
    one = replace(one, cathode=replace(one.cathode, ionic=100.0, electronic=100.0), separator_resistance=5e-3)
    found = heat(one, "discharge at 5C for 0.3 mAh/cm2")
    assert found.reversible_total == 0.0
    # of a straight potential the trapezoidal rule is exact; gradients that are left hold some 1e-9
    assert abs(found.mixing) < 1e-7 * found.total


def test_heat_converges_with_the_tolerance_in_time() -> None:
    best = heat(cell(anode=graphite()), "discharge at 1C for 4 mAh/cm2", cells=10, rtol=1e-8).total
    off = [
        abs(heat(cell(anode=graphite()), "discharge at 1C for 4 mAh/cm2", cells=10, rtol=rtol).total / best - 1)
        for rtol in (1e-4, 1e-5, 1e-6)
    ]
    assert off[2] < off[1] < off[0] < 1e-3


def test_relaxing_particles_give_off_the_heat_of_mixing() -> None:
    """A sphere under constant flux has the profile A (ρ²/2 - 3/10), A = J R/(F c D), of variance 3 A²/175.

    With U falling by k over all sites, levelling it out gives off k/2 times the
    variance per charge of sites: the second-order term of ∫ U dx.
    """
    own = part(potential=straight, entropy=None, exchange=100.0)
    one = cell(own, thickness=10e-6)
    one = replace(one, cathode=replace(one.cathode, ionic=100.0, electronic=100.0))
    mesh = {"rtol": 1e-6}
    # five times R²/D, a thousandth of the first decaying mode's exponent of 20
    loaded = heat(one, "discharge at 0.2C for 6250 s", **mesh)
    rested = heat(one, "discharge at 0.2C for 6250 s; rest for 6250 s", **mesh)
    flux = 0.2 * one.one_c / (3.0 * own.volume_fraction / own.radius * 10e-6)
    steepness = flux * own.radius / (FARADAY * own.site_concentration * own.diffusivity)
    sites = FARADAY * own.site_concentration * own.volume_fraction * 10e-6
    expected = 0.5 * 0.8 * sites * 3.0 / 175.0 * steepness**2
    # the decaying mode, and the steps in time
    assert rested.total - loaded.total == pytest.approx(expected, rel=1e-3)


# --- cycles ---


def test_a_slow_cycle_gives_off_no_heat() -> None:
    """Reversible heat of the charge is that of the discharge with the other sign; the rest falls with the rate."""
    one = cell(anode=graphite())
    totals = []
    for rate in (0.02, 0.01):
        half = heat(one, f"discharge at {rate}C for 3 mAh/cm2")
        cycle = heat(one, f"discharge at {rate}C for 3 mAh/cm2; charge at {rate}C for 3 mAh/cm2; rest for 300 h")
        # comparable with the irreversible heat of this cell at these rates
        assert abs(half.reversible_total) > 3e2
        # the trapezoidal rule on the steps of discharge and of charge, which are not the same
        assert abs(cycle.reversible_total) < 1e-3 * abs(half.reversible_total)
        totals.append(cycle.total)
    # all losses are linear at these currents, so that the heat of a cycle is halved with the rate
    assert totals[0] / totals[1] == pytest.approx(2.0, rel=0.02)
    assert 0.0 < totals[1] < 0.02 * one.areal_capacity


def test_a_cell_whose_voltage_rises_with_temperature_cools_on_discharge_and_warms_on_charge() -> None:
    one = cell(part(entropy=lambda x: np.full(np.shape(x), 1e-4)))
    found = simulate(one, parse_protocol("discharge at 0.1C for 3 mAh/cm2; charge at 0.1C for 2 mAh/cm2"))
    reversible = heat_of(one, found).reversible
    assert (np.sign(reversible) == -np.sign(found.current)).all()
    # -I T dU/dT
    assert reversible[10] == pytest.approx(-found.current[10] * ROOM * 1e-4, rel=1e-12)


def test_the_reversible_heat_is_that_of_an_independent_solution() -> None:
    """PyBaMM 26.10.1.1 (doi:10.5334/jors.309), its half-cell written by our export, 40 volumes: heat at 1C in W/m2.

    It takes dU/dT at the surface of the particles, so that diffusion is made fast: what the surface is ahead of the
    mean, J R/(5 F c D) = 7e-5, makes 5e-4 W/m2.
    """
    one = cell(part(diffusivity=1e-12), anode_entropy=-1e-4)
    found = simulate(one, parse_protocol("discharge at 1C until 2.8 V"), rtol=1e-6)
    at = np.interp([1000.0, 2000.0, 3000.0], found.time, heat_of(one, found).reversible)
    # also its output times, between which both are read linearly, and the distribution over the thickness
    assert at == pytest.approx([-2.0269, -0.8649, 0.2979], abs=2e-3)


# --- temperature coefficients ---


def built(kelvin: float, **changes: Any) -> Cell:
    design = a_design(temperature=f"{kelvin} K", **changes)
    resolved = resolve(design)
    stack = build_stack(resolved.inputs)
    return build_cell(resolved, stack, *cell_transport(resolved, stack))


def test_the_rested_voltage_moves_with_temperature_as_the_library_says() -> None:
    """Of an NMC811/graphite cell, by a difference over 20 K, at the stoichiometries where it rests."""
    cells = [built(kelvin, anode=GRAPHITE_ANODE) for kelvin in (300.15, 310.15, 320.15)]
    low, middle, high = (
        # lithium moves slowly along the anode, where the potential of graphite hardly slopes
        simulate(one, parse_protocol("discharge at C/20 for 0.3 mAh/cm2; rest for 2000 h"))
        for one in cells
    )
    cathode, anode = material("NMC811").entropy, material("graphite").entropy
    assert cathode is not None
    assert anode is not None
    expected = float(cathode(middle.after[0].x.mean()) - anode(middle.after[1].x.mean()))
    assert expected > 5e-5
    # voltages are solved to 2e-7 V, of which 20 K make 1e-8 V/K
    assert (high.voltage[-1] - low.voltage[-1]) / 20.0 == pytest.approx(expected, abs=3e-8)


def test_a_potential_that_its_coefficient_makes_rise_is_said() -> None:
    """Below 25 degC the coefficient of graphite outweighs the slope of its potential: lithium would gather, not spread."""
    said = {}
    for kelvin in (288.15, 308.15):
        resolved = resolve(a_design(temperature=f"{kelvin} K", anode=GRAPHITE_ANODE))
        stack = build_stack(resolved.inputs)
        build_cell(resolved, stack, *cell_transport(resolved, stack))
        said[kelvin] = [entry.where for entry in resolved.ledger.entries if "rises" in entry.shown]
    assert said == {288.15: ["anode.active.open_circuit_potential at 15 degC"], 308.15: []}


def test_a_foil_has_the_coefficient_that_the_design_states() -> None:
    anode = {"kind": "lithium", "material": "Li", "np_ratio": 2.0, "collector": {"material": "Cu", "thickness": "8 um"}}
    plain, own = (
        built(318.15, anode=anode | more).open_circuit_voltage(charged=True)
        for more in ({}, {"entropy_coefficient": "0.5 mV/K"})
    )
    assert plain - own == pytest.approx(20.0 * 0.5e-3, rel=1e-9)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_blend_at_rest_has_the_coefficient_of_its_potential_at_constant_lithium(share: float) -> None:
    """The rate of the reversible heat is the derivative of the blend's own rest potential, a second way to it."""
    flat = part(name="other", potential=lambda x: 3.9 - 0.3 * np.asarray(x), volume_fraction=0.2,
                entropy=lambda x: np.full(np.shape(x), -3e-4))  # fmt: skip
    one = cell(part(volume_fraction=0.35), flat)
    whole = sum(own.site_concentration * own.volume_fraction for own in one.cathode.classes)

    def rest_potential(kelvin: float) -> float:
        x = np.linspace(0.0, 1.0, 200001)
        curves = [np.asarray(own.warmed(kelvin - ROOM).potential(x)) for own in one.cathode.classes]
        low, high = 2.0, 5.0
        for _ in range(60):
            middle = 0.5 * (low + high)
            held = sum(
                own.site_concentration * own.volume_fraction * np.interp(-middle, -volts, x)
                for own, volts in zip(one.cathode.classes, curves, strict=True)
            )
            low, high = (middle, high) if held > share * whole else (low, middle)
        return 0.5 * (low + high)

    expected = (rest_potential(ROOM + 2.0) - rest_potential(ROOM - 2.0)) / 4.0
    found = simulate(one, parse_protocol("discharge at C/20 for 0.2 mAh/cm2"))
    start = sum(
        own.site_concentration * own.volume_fraction * own.charged for own in one.cathode.classes
    )  # before the charge of the rows
    wanted = (share * whole - start) * FARADAY * one.cathode.thickness
    rows = replace(found, charge=np.array([wanted]), current=np.array([1.0]), time=np.zeros(1),
                   voltage=np.zeros(1), losses={})  # fmt: skip
    reversible = heat_of(one, replace(rows, losses={"none": np.zeros(1)})).reversible[0]
    # the table of the kernel and a central difference over 4 K
    assert -reversible / ROOM == pytest.approx(expected, abs=1e-8)


def test_a_flat_potential_has_the_coefficient_of_its_stoichiometry() -> None:
    one = cell(part(potential=lambda x: np.full(np.shape(x), 3.4)))
    found = simulate(one, parse_protocol("discharge at C/20 for 4 mAh/cm2"))
    x = 0.27 + 0.63 * found.charge / one.areal_capacity
    assert heat_of(one, found).reversible == pytest.approx(-found.current * ROOM * entropic(x), abs=1e-6)


# --- a cell that warms itself ---


def test_an_adiabatic_cell_without_losses_follows_its_entropy_alone() -> None:
    """C dT = -T (dU/dT) dq gives T = T0 exp(-q (dU/dT)/C): at a slow rate, where losses vanish."""
    change = -4e-4
    one = cell(part(entropy=lambda x: np.full(np.shape(x), change), exchange=50.0), thickness=30e-6)
    thermal = ThermalModel(heat_capacity=100.0, cooling=0.0, ambient=ROOM)
    found = simulate_thermal(one, parse_protocol("discharge at 0.005C for 1 mAh/cm2; rest for 10 min"), thermal)
    expected = ROOM * np.expm1(-3.6e4 * change / 100.0)
    # ohms and kinetics at 0.005C, and slices of first order that each take T at their start
    assert found.temperature[-1] - ROOM == pytest.approx(expected, rel=5e-3)


def test_an_adiabatic_cell_keeps_all_its_heat() -> None:
    one = cell(anode=graphite())
    thermal = ThermalModel(heat_capacity=500.0, cooling=0.0, ambient=ROOM)
    found = simulate_thermal(one, parse_protocol("discharge at 1C for 4 mAh/cm2; rest for 1 h"), thermal)
    given = heat_of(one, found.simulation, found.temperature)
    # the last row still has the temperature of its slice, in which the resting cell gave off next to nothing
    assert found.temperature[-1] - ROOM == pytest.approx(given.total / 500.0, rel=1e-3)
    assert abs(found.simulation.lithium_error) < 1e-10


def test_the_potential_follows_the_changing_temperature() -> None:
    """A resting cell that has warmed itself is at the open-circuit voltage of its new temperature."""
    one = cell()
    thermal = ThermalModel(heat_capacity=300.0, cooling=0.0, ambient=ROOM)
    found = simulate_thermal(one, parse_protocol("discharge at 2C for 4 mAh/cm2; rest for 40 h"), thermal)
    (own,) = one.cathode.classes
    x = found.simulation.after[0].x.mean()
    warmer = float(found.temperature[-1]) - ROOM
    assert warmer > 10.0
    # 2e-7 V of Newton's method, and the charge that the lithium of the profile misses
    assert found.simulation.voltage[-1] == pytest.approx(sloping(x) + warmer * entropic(x), abs=1e-5)
    assert abs(warmer * entropic(x)) > 1e-3
    at_rest = one.at(ROOM + warmer).cathode.classes[0].potential(np.array([x]))[0]
    assert own.potential(np.array([x]))[0] + warmer * entropic(x) == pytest.approx(at_rest, abs=1e-12)
