"""A salt in a polymer: its limits, exact profiles, balances, and an independent code."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from percolyte.cell.electrolyte import Filling, SaltElectrolyte
from percolyte.cell.heat import heat_of
from percolyte.cell.kernel import Planar
from percolyte.cell.model import Cell, ParticleClass, PorousElectrode
from percolyte.cell.polarisation import Polarisation, limiting_current, polarise, sand_time
from percolyte.cell.protocol import Current, Step, discharge, parse_protocol
from percolyte.cell.rate import SALT_DEPLETION, diagnose
from percolyte.cell.run import collect, simulate
from percolyte.cell.runner import runner_of
from percolyte.cell.simulation import LOSSES, SALT_LOSS, Simulation
from percolyte.cell.spectrum import impedance
from percolyte.errors import InputError
from percolyte.units import FARADAY, GAS_CONSTANT

SEPARATOR = 30e-6
THERMAL = 2.0 * GAS_CONSTANT * 298.15 / FARADAY


def a_cell(**changes: Any) -> Cell:
    part = ParticleClass("any", 2e-6, 0.5, 1e-14, 5e4, 1.0, lambda x: 4.3 - np.asarray(x), 0.2, 0.9)
    cathode = PorousElectrode(5e-5, 0.03, 1.0, (part,))
    lithium = Planar(0.0, 10.0, 0.0, 298.15)
    cell = Cell(cathode, lithium, SEPARATOR / 0.1, 0.0, 298.15, cathode.capacity, 0.1, 2.5, 4.5)
    return replace(cell, **changes)


def an_electrolyte(**changes: Any) -> SaltElectrolyte:
    return replace(SaltElectrolyte(0.1, 1e-11, 0.4, 1000.0), **changes)


def salted(electrolyte: SaltElectrolyte, **changes: Any) -> Cell:
    return a_cell(salt=Filling(electrolyte, SEPARATOR, cathode_fraction=0.3), **changes)


def discharged(electrolyte: SaltElectrolyte, c_rate: float = 1.0, **options: Any) -> Simulation:
    """From the charged state, or a charge from the discharged one at a negative rate."""
    cell = salted(electrolyte)
    runner = runner_of(cell, **options)
    runner.reset(charged=c_rate > 0.0)
    limit = cell.cut_off if c_rate > 0.0 else cell.upper_limit
    return collect(runner, [Step("current", Current(c_rate, c_rate=True), until_voltage=limit)])


def end_of(found: Simulation) -> str:
    return found.protocol[-1].end


def at(found: Any, charges: Any) -> Any:
    """Voltage at given charges."""
    from scipy.interpolate import CubicSpline

    return CubicSpline(found.charge, found.voltage)(charges)


# -- the single-ion limit


def test_a_transference_number_of_one_is_the_single_ion_conductor() -> None:
    electrolyte = an_electrolyte(transference_number=1.0, diffusivity=1e-13)
    for rate in (0.2, 3.0):
        found = discharged(electrolyte, rate, cells=80, rtol=1e-6)
        fast = simulate(a_cell(), [discharge(rate, 2.5)], cells=40, rtol=1e-6)
        assert end_of(found) == "lower voltage"
        charges = np.linspace(0.05, 0.8, 50) * fast.areal_capacity
        # finite volumes of second order against points of fourth, 80 of them: 2e-6 V; the steps in time 1e-6 V
        assert at(found, charges) == pytest.approx(at(fast, charges), abs=1e-5)
        assert found.salt is not None
        assert np.abs(found.salt.concentration_end - 1000.0).max() < 1e-9


def test_the_distance_from_a_fine_single_ion_mesh_shrinks_as_the_square_of_the_cells() -> None:
    electrolyte = an_electrolyte(transference_number=1.0)
    fine = simulate(a_cell(), [discharge(3.0, 2.5)], cells=80, rtol=1e-7)
    charges = np.linspace(0.05, 0.8, 50) * fine.areal_capacity
    errors = [
        np.abs(at(discharged(electrolyte, 3.0, cells=n, rtol=1e-7), charges) - at(fine, charges)).max()
        for n in (10, 20, 40)
    ]
    # second order in the cells, less what the steps in time leave (some 1e-6 V)
    assert errors[0] > 3.5 * errors[1] > 11.0 * errors[2]
    assert errors[2] < 5e-5


# -- lithium | electrolyte | lithium, where the steady state is exact

LAYER = 100e-6


def a_polarisation(share: float, electrolyte: SaltElectrolyte, **options: Any) -> Polarisation:
    """At a share of the limiting current, for twenty times L²/D."""
    current = share * limiting_current(electrolyte, LAYER)
    return polarise(electrolyte, LAYER, current, 20.0 * LAYER**2 / 1e-11, **options)


def test_the_limiting_current_of_an_ideal_solution_is_four_times_the_cations_diffusion() -> None:
    """D = 2 D+ D-/(D+ + D-) and t+ = D+/(D+ + D-) make 2 F D c/((1 - t+) L) into 4 F D+ c/L."""
    plus, minus = 3e-12, 7e-12
    electrolyte = an_electrolyte(diffusivity=2 * plus * minus / (plus + minus), transference_number=0.3)
    assert limiting_current(electrolyte, LAYER) == pytest.approx(4 * FARADAY * plus * 1000.0 / LAYER, rel=1e-12)
    assert limiting_current(an_electrolyte(transference_number=1.0), LAYER) == math.inf
    assert sand_time(an_electrolyte(transference_number=1.0), 1.0) == math.inf


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_the_steady_profile_is_linear_and_its_voltage_exact(share: float) -> None:
    electrolyte = an_electrolyte(thermodynamic_factor=1.3)
    found = a_polarisation(share, electrolyte)
    assert found.outcome == "time"
    # the scheme is exact for a straight line; e^(-20 pi²) of the start is left
    assert found.concentration_end == pytest.approx(1000 * (1 + share * (1 - 2 * found.position / LAYER)), rel=1e-9)
    ohmic = share * limiting_current(electrolyte, LAYER) * LAYER / 0.1
    gradient = THERMAL * 0.6 * 1.3 * math.log((1 + share) / (1 - share))
    # Newton stops at 2e-7 V
    assert found.voltage[-1] == pytest.approx(ohmic + gradient, abs=4e-7)
    assert abs(found.salt_error) < 1e-12


def test_the_first_and_the_last_voltage_of_a_small_current_differ_by_newmans_number() -> None:
    electrolyte = an_electrolyte(thermodynamic_factor=1.3)
    current = 1e-3 * limiting_current(electrolyte, LAYER)
    number = 2 * 0.1 * GAS_CONSTANT * 298.15 * 0.6**2 * 1.3 / (FARADAY**2 * 1e-11 * 1000.0)
    found = a_polarisation(1e-3, electrolyte)
    # the next term of the logarithm is of the order of the square of the share
    assert found.voltage[-1] == pytest.approx(current * LAYER / 0.1 * (1 + number), rel=1e-4)


def test_kinetics_of_lithium_follow_the_salt_at_its_surface() -> None:
    electrolyte = an_electrolyte()
    current = 0.5 * limiting_current(electrolyte, LAYER)
    lithium = Planar(0.0, 20.0, 0.01, 298.15)
    slow, free = a_polarisation(0.5, electrolyte, lithium=lithium), a_polarisation(0.5, electrolyte)
    sides = [THERMAL * math.asinh(current / (40.0 * math.sqrt(ratio))) for ratio in (1.5, 0.5)]
    # Newton stops at 2e-7 V
    assert slow.voltage[-1] - free.voltage[-1] == pytest.approx(sum(sides) + 0.02 * current, abs=1e-6)


def test_salt_runs_out_above_the_limiting_current_and_not_below() -> None:
    electrolyte = an_electrolyte()
    assert a_polarisation(0.999, electrolyte).outcome == "time"
    above = a_polarisation(1.01, electrolyte)
    assert above.outcome == "salt depleted"
    assert above.plated_concentration[-1] < 2e-3


def test_it_runs_out_at_sands_time_with_the_order_of_the_mesh() -> None:
    electrolyte = an_electrolyte(diffusivity=1e-12)
    expected = sand_time(electrolyte, 5.0 * limiting_current(electrolyte, LAYER))
    errors = [a_polarisation(5.0, electrolyte, cells=n, rtol=1e-5).time[-1] / expected - 1.0 for n in (20, 40, 80)]
    # second order; at 80 cells half a thousandth, of the order of what the other end matters
    assert errors[0] > 3.0 * errors[1] > 0.0
    assert abs(errors[2]) < 1e-3


def test_factor_and_fraction_scale_transport_and_storage() -> None:
    """s κ and s D as one slower electrolyte, and ε as a longer time, whatever the way it is said."""
    electrolyte = an_electrolyte()
    thin = polarise(electrolyte, LAYER, 5.0, 400.0, factor=0.2, fraction=0.5)
    same = polarise(an_electrolyte(conductivity=0.02, diffusivity=2e-12), LAYER, 5.0, 800.0)
    # the steps in time differ
    assert thin.voltage[-1] == pytest.approx(same.voltage[-1], rel=1e-3)
    assert thin.outcome == same.outcome == "time"


def test_a_transference_number_that_varies_gives_its_exact_profile() -> None:
    """1 - t+ = bc makes the steady profile an exponential, exp(-bIx/FD), with the salt that was there."""
    b, current = 4e-4, 10.0
    table = tuple((float(c), 1.0 - b * c) for c in np.linspace(0.0, 5000.0, 6))
    electrolyte = an_electrolyte(transference_number=table)
    rate = b * current * LAYER / (FARADAY * 1e-11)
    errors = []
    for cells in (20, 40):
        found = polarise(electrolyte, LAYER, current, 20 * LAYER**2 / 1e-11, cells=cells)
        edges = np.linspace(0.0, 1.0, cells + 1)
        means = -np.diff(np.exp(-rate * edges)) * cells / (1.0 - math.exp(-rate)) * 1000.0
        errors.append(np.abs(found.concentration_end / means - 1.0).max())
        assert abs(found.salt_error) < 1e-12
    # second order in the mesh; rate is 4, so that c falls fifty-fold
    assert errors[0] > 3.5 * errors[1]
    assert errors[1] < 5e-3


# -- cells


@pytest.mark.parametrize(
    ("electrolyte", "c_rate"),
    [
        (an_electrolyte(), 0.3),
        (an_electrolyte(), 1.0),
        (an_electrolyte(transference_number=-0.5), 1.0),
        (an_electrolyte(diffusivity=5e-12, exchange_order=0.0), 3.0),
        (an_electrolyte(conductivity=((0.0, 1e-4), (1000.0, 0.1), (3000.0, 0.05))), 1.0),
        (an_electrolyte(transference_number=((100.0, 0.1), (1000.0, 0.4), (2000.0, 0.2))), 1.0),
        (an_electrolyte(diffusivity=5e-12), -1.0),
    ],
)
def test_salt_and_lithium_are_conserved(electrolyte: SaltElectrolyte, c_rate: float) -> None:
    found = discharged(electrolyte, c_rate)
    assert found.steps > 20
    # rounding over some hundred steps
    assert found.salt is not None
    assert abs(found.salt.error) < 1e-10
    assert abs(found.lithium_error) < 1e-10


def test_the_voltage_converges_with_the_square_of_the_cells() -> None:
    electrolyte = an_electrolyte(diffusivity=3e-11)
    fine = discharged(electrolyte, cells=160, rtol=1e-7)
    charges = np.linspace(0.05, 0.8, 50) * fine.areal_capacity
    errors = [
        np.abs(at(discharged(electrolyte, cells=n, rtol=1e-7), charges) - at(fine, charges)).max() for n in (10, 20, 40)
    ]
    assert errors[0] > 3.5 * errors[1] > 11.0 * errors[2]
    # a few tenths of a millivolt at the default of 20 cells
    assert errors[1] < 5e-4


@pytest.mark.parametrize(
    ("electrolyte", "end", "tolerance"),
    [
        (an_electrolyte(diffusivity=3e-11, exchange_order=0.0), 4087.0777, 2e-5),
        (an_electrolyte(thermodynamic_factor=1.5), 3519.799, 5e-5),
        (an_electrolyte(diffusivity=5e-12, transference_number=0.2), 1111.475, 5e-4),
    ],
)
def test_an_independent_code_ends_at_the_same_time(electrolyte: SaltElectrolyte, end: float, tolerance: float) -> None:
    """PyBaMM 26.10, DFN with a lithium-metal electrode, 60 + 100 cells and 100 shells, rtol 1e-7.

    Its own distance between 20 and 60 + 100 cells is 1.3e-5, 4e-5 and 3e-3: the
    last two end with the back of the cathode empty of salt.
    """
    found = discharged(electrolyte, cells=80, shells=40, rtol=1e-5)
    assert end_of(found) == "lower voltage"
    assert found.time[-1] == pytest.approx(end, rel=tolerance)


def test_a_cell_short_of_salt_ends_at_its_voltage_limit_with_less_capacity() -> None:
    capacities = []
    for diffusivity in (1e-10, 1e-11, 5e-12, 2e-12):
        found = discharged(an_electrolyte(diffusivity=diffusivity, transference_number=0.2))
        assert end_of(found) == "lower voltage"
        assert found.salt is not None
        assert found.salt.short == (diffusivity < 1e-10)
        assert found.salt.least_concentration.min() > 0.0
        capacities.append(found.areal_capacity)
    assert capacities == sorted(capacities, reverse=True)


def test_a_charge_too_fast_for_the_salt_ends_for_lack_of_it() -> None:
    found = discharged(an_electrolyte(diffusivity=2e-12), -3.0)
    assert end_of(found) == "salt depleted"
    assert found.salt is not None
    assert found.salt.short
    slow = discharged(an_electrolyte(), -0.2)
    assert end_of(slow) == "upper voltage"
    assert slow.salt is not None
    assert not slow.salt.short
    assert slow.voltage[-1] == pytest.approx(4.5, abs=1e-5)


@pytest.mark.parametrize("c_rate", [100.0, -100.0, 1e3, -1e3])
def test_no_current_is_too_large_to_be_answered(c_rate: float) -> None:
    found = discharged(an_electrolyte(), c_rate)
    assert found.outcome == "done"
    assert end_of(found) in ("limit passed at once", "lower voltage", "upper voltage", "salt depleted")
    assert abs(found.utilisation) < 0.02


def test_tables_of_a_constant_are_the_constant() -> None:
    table = ((0.0, 0.1), (500.0, 0.1), (2500.0, 0.1))
    constant, tabulated = discharged(an_electrolyte()), discharged(an_electrolyte(conductivity=table))
    assert tabulated.voltage == pytest.approx(constant.voltage, abs=1e-6)
    assert tabulated.salt is not None
    assert not tabulated.salt.beyond
    narrow = discharged(an_electrolyte(conductivity=((900.0, 0.1), (1100.0, 0.1)))).salt
    assert narrow is not None
    assert narrow.beyond


def test_particles_in_little_salt_react_more_slowly() -> None:
    """With a lithium of no resistance only the cathode is left, where a discharge thins the salt."""
    lithium = Planar(0.0, 1e9, 0.0, 298.15)
    halves = []
    for order in (0.0, 0.5, 1.0):
        cell = salted(an_electrolyte(exchange_order=order), anode=lithium)
        found = simulate(cell, [discharge(0.3, 2.5)])
        halves.append(float(at(found, 0.5 * found.areal_capacity)))
    assert halves == sorted(halves, reverse=True)
    assert halves[0] - halves[2] > 1e-4


# -- protocols

CYCLES = """discharge at 1C until 3 V
rest for 1 h
charge at 0.5C until 4.3 V
hold at 4.3 V until 0.05C
discharge at 10 mW/cm2 until 3.2 V
rest for 10 min
discharge at 300 ohm cm2 for 10 min
charge at 1C for 1 min
repeat 3 times"""


def test_charge_lithium_and_salt_are_conserved_over_cycles_of_every_mode() -> None:
    found = simulate(salted(an_electrolyte()), parse_protocol(CYCLES))
    assert found.outcome == "done"
    assert found.salt is not None
    # rounding over some thousand steps
    assert abs(found.salt.error) < 1e-10
    assert abs(found.lithium_error) < 1e-10
    assert sum(step.charge for step in found.protocol) == pytest.approx(found.charge[-1], rel=1e-12)


def test_every_mode_with_a_transference_number_of_one_is_the_single_ion_conductor() -> None:
    steps = parse_protocol(CYCLES)
    found = simulate(salted(an_electrolyte(transference_number=1.0)), steps, cells=80, rtol=2e-6)
    fast = simulate(a_cell(), steps, cells=40, rtol=2e-6)
    assert [step.end for step in found.protocol] == [step.end for step in fast.protocol]
    for ours, theirs in zip(found.protocol, fast.protocol, strict=True):
        # volumes against points, and formulas of second order in time against third: 0.8 C/m2 of 1.1e5, where a
        # step starts from; both approach each other to 0.1 C/m2 at a tolerance of 1e-7. U falls by 6e-6 V per C/m2.
        assert ours.end_voltage == pytest.approx(theirs.end_voltage, abs=2e-5)
        assert ours.charge == pytest.approx(theirs.charge, abs=1e-5 * a_cell().areal_capacity)


def test_a_profile_of_constant_current_is_the_constant_current() -> None:
    cell = salted(an_electrolyte())
    current = cell.one_c
    profile = Step("profile", profile=tuple((60.0 * k, current) for k in range(11)))
    followed = simulate(cell, [profile])
    held = simulate(cell, [Step("current", Current(current), duration=600.0)])
    assert followed.voltage[-1] == pytest.approx(held.voltage[-1], abs=1e-5)
    assert followed.charge[-1] == pytest.approx(held.charge[-1], rel=1e-12)


def test_a_capacity_ends_a_step() -> None:
    found = simulate(salted(an_electrolyte()), [replace(discharge(1.0), until_charge=1e4)])
    assert end_of(found) == "capacity"
    assert found.charge[-1] == pytest.approx(1e4, rel=1e-8)


def test_a_rest_returns_the_salt_to_uniform_and_the_voltage_to_the_open_circuit() -> None:
    """U = 4.3 - x of the one particle, so that the mean stoichiometry gives the voltage."""
    found = simulate(salted(an_electrolyte()), parse_protocol("discharge at 1C for 30 min; rest for 300 h"))
    assert found.salt is not None
    assert np.ptp(found.salt.concentration_end) < 1e-6
    filled = 0.2 + 0.7 * found.charge[-1] / a_cell().areal_capacity
    # what is left relaxes through the particles; Newton stops at 2e-7 V
    assert found.voltage[-1] == pytest.approx(4.3 - filled, abs=2e-6)
    assert abs(found.losses[SALT_LOSS][-1]) < 1e-9


def test_the_heat_between_two_rests_is_that_of_the_mean_stoichiometry() -> None:
    """U = 4.3 - x without entropy, and an ideal salt: all heat is ∫ I (U - V) dt, U of the mean."""
    cell = salted(an_electrolyte())
    found = simulate(cell, parse_protocol("discharge at 1C for 30 min; rest for 300 h"))
    rest = 4.1 - 0.7 * found.charge / cell.areal_capacity
    # trapezoids over the time steps
    lost = float(np.trapezoid(found.current * (rest - found.voltage), found.time))
    assert heat_of(cell, found).total == pytest.approx(lost, rel=1e-4)


def test_the_losses_add_up_to_the_distance_from_the_open_circuit_with_the_square_of_the_mesh() -> None:
    """With U linear and fast diffusion in the particles, U of the means, weighted by current, is known cell by cell."""
    errors = []
    for cells in (10, 20, 40):
        runner = runner_of(salted(an_electrolyte(diffusivity=3e-11)), cells=cells)
        found = collect(runner, [replace(discharge(1.0), duration=1200.0)])
        current = runner.state.current[0, :, 0]
        mean = found.after[0].average[:, 0]
        open_circuit = float((4.3 - mean) @ current / current.sum())
        lost = sum(float(volts[-1]) for volts in found.losses.values())
        assert tuple(found.losses) == (*LOSSES, SALT_LOSS)
        errors.append(abs(open_circuit - lost - found.voltage[-1]))
    assert errors[0] > 3.0 * errors[1] > 9.0 * errors[2]
    assert errors[1] < 5e-4


def test_the_voltage_converges_with_the_tolerance_in_time() -> None:
    cell = salted(an_electrolyte(diffusivity=3e-11))
    steps = [discharge(1.0, 3.0)]
    fine = simulate(cell, steps, rtol=1e-8)
    charges = np.linspace(0.05, 0.9, 50) * fine.areal_capacity
    errors = [np.abs(at(simulate(cell, steps, rtol=rtol), charges) - at(fine, charges)).max() for rtol in (1e-4, 1e-6)]
    # second order: steps go with the cube root of the tolerance, and the error with their square, 21 for a hundred
    assert 15.0 < errors[0] / errors[1] < 30.0


def test_a_cell_says_which_equations_were_solved_and_names_lack_of_salt() -> None:
    assert simulate(a_cell(), [discharge(1.0, 2.5)]).model == "single-ion electrolyte"
    assert simulate(salted(an_electrolyte()), [discharge(1.0, 2.5)]).model == "salt in a polymer"
    found = diagnose(salted(an_electrolyte(diffusivity=2e-12, transference_number=0.2)))
    assert found.limiting == SALT_DEPLETION
    assert "salt depletion ends the discharge" in found.sentence
    assert diagnose(salted(an_electrolyte(diffusivity=1e-10)), 0.2).limiting != SALT_DEPLETION


# -- bad input, and what is loaded


def test_bad_input_says_what_to_write() -> None:
    with pytest.raises(InputError, match="transference_number") as caught:
        an_electrolyte(transference_number=1.2, conductivity=-1.0, diffusivity=((2.0, 1e-11), (1.0, 1e-11)))
    assert len(caught.value.problems) == 3
    for wrong in ([(0.0, 1.0)], ((0.0, 1.0), 2.0), "0.1 S/m", None, ()):
        with pytest.raises(InputError, match="neither a number nor a table"):
            an_electrolyte(conductivity=wrong)
    with pytest.raises(InputError, match="concentration"):
        an_electrolyte(concentration=0.0)
    with pytest.raises(InputError, match="two cells"):
        discharged(an_electrolyte(), cells=1)
    with pytest.raises(InputError, match=r"cathode_fraction.*0 and 1"):
        Filling(an_electrolyte(), SEPARATOR, cathode_fraction=1.2)
    with pytest.raises(InputError, match="planar"):
        salted(an_electrolyte(), anode=a_cell().cathode)
    with pytest.raises(InputError, match="one temperature"):
        salted(an_electrolyte()).at(320.0)
    with pytest.raises(InputError, match="single-ion"):
        impedance(salted(an_electrolyte()), np.array([1.0]))
    with pytest.raises(InputError, match="duration"):
        polarise(an_electrolyte(), LAYER, 1.0, math.nan)


def test_nothing_is_compiled_at_import() -> None:
    code = "import percolyte.cell.polarisation, sys; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
