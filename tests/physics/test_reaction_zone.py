"""Sharp reaction fronts: limits of the closed forms, and the full cell model in that limit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from percolyte.cell.kernel import Planar
from percolyte.cell.model import Cell, ParticleClass, PorousElectrode
from percolyte.cell.protocol import Current, Step
from percolyte.cell.run import simulate
from percolyte.cell.simulation import Simulation
from percolyte.errors import InputError
from percolyte.transport.reaction_zone import (
    FlatElectrode,
    critical_thickness,
    delivered_capacity,
    front_positions,
    voltage_drop,
    zone_width,
)
from percolyte.units import FARADAY

EMPTY, FULL = 0.01, 0.999
"""Stoichiometries clear of the walls of the kernel at 0 and 1."""
TILT = 1e-4
"""V over all stoichiometries: the potential is flat but not degenerate."""
CELLS = 400


def flat(volts: float, *, zone: FlatElectrode, anode: bool = False) -> PorousElectrode:
    """The electrode of the closed form for the cell model: quick particles at one potential."""
    sites = float(zone.capacity_density) / (FARADAY * 0.5 * (FULL - EMPTY))
    charged, discharged = (FULL, EMPTY) if anode else (EMPTY, FULL)
    # A sphere of 1 um with 1e-9 m2/s levels out in a millisecond; 1e4 A/m2 over 1.5e6 m2/m3 react at less than 1 mV
    part = ParticleClass(
        "flat", 1e-6, 0.5, 1e-9, sites, 1e4, lambda x: volts - TILT * (np.asarray(x) - charged), charged, discharged
    )
    electronic = float(zone.electronic)
    return PorousElectrode(
        float(zone.thickness), float(zone.ionic), 1e6 if math.isinf(electronic) else electronic, (part,)
    )


def discharged(
    cathode: FlatElectrode, current: float, drop: float, *, anode: FlatElectrode | None = None, series: float = 0.0
) -> Simulation:
    """The cell model at constant current, from 4.1 V (less 0.1 V of the anode) until the potential fell by `drop`."""
    positive = flat(4.1, zone=cathode)
    negative = Planar(0.1, 1e9, 0.0, 298.15) if anode is None else flat(0.1, zone=anode, anode=True)
    cut_off = 4.0 - drop
    cell = Cell(positive, negative, series, 0.0, 298.15, positive.capacity, 1.0, cut_off, 5.0)
    return simulate(cell, [Step("current", Current(current), until_voltage=cut_off)], cells=CELLS, shells=6)


def test_without_a_limit_the_whole_electrode_is_used() -> None:
    part = FlatElectrode(1e9, ionic=1e12, electronic=1e12, thickness=2e-4)
    assert delivered_capacity(100.0, 0.1, [part]) == part.areal_capacity


def test_free_electrons_leave_one_front_and_equation_19() -> None:
    part = FlatElectrode(1e9, ionic=0.05, thickness=1.0)
    depth, other = front_positions(100.0, 600.0, part)
    assert depth == pytest.approx(6e-5)
    assert other == 0.0
    assert delivered_capacity(100.0, 0.3, [part], 1e-3) == pytest.approx(1e9 * 0.05 * (0.3 - 0.1) / 100.0, rel=1e-14)


def test_two_fronts_become_one_as_electrons_get_free() -> None:
    one = delivered_capacity(100.0, 0.25, [FlatElectrode(1e9, 0.05, thickness=2e-4)])
    gaps: list[float] = []
    for electronic in (1e2, 1e3, 1e4):
        two = delivered_capacity(100.0, 0.25, [FlatElectrode(1e9, 0.05, electronic, 2e-4)])
        gaps.append(abs(float(two) / float(one) - 1.0))
    # first order in σ_i/σ_e; the third ratio is still 0.2 % away from it
    assert gaps[0] / gaps[1] == pytest.approx(10.0, rel=0.01)
    assert gaps[2] < 1e-5


def test_equal_rails_use_the_electrode_from_both_ends_alike() -> None:
    part = FlatElectrode(1e9, 0.05, 0.05, 2e-4)
    left, right = front_positions(100.0, 2000.0, part)
    assert left == right == pytest.approx(part.thickness / 2.0)  # they meet as the capacity is used up
    assert voltage_drop(100.0, 0.0, [part]) == pytest.approx(100.0 * 2e-4 * 10.0)


def test_swapping_the_rails_changes_nothing_but_the_ends() -> None:
    here, there = FlatElectrode(1e9, 0.05, 0.2, 2e-4), FlatElectrode(1e9, 0.2, 0.05, 2e-4)
    assert voltage_drop(80.0, 1e5, [here]) == pytest.approx(voltage_drop(80.0, 1e5, [there]), rel=1e-14)
    assert front_positions(80.0, 500.0, here) == pytest.approx(front_positions(80.0, 500.0, there)[::-1])


@pytest.mark.parametrize(
    ("electronic", "expected"),
    [(0.1, (0.12, 0.15, 0.18)), (0.2, (0.0867, 0.1167, 0.1467)), (math.inf, (0.04, 0.1, 0.16))],
)
def test_the_drop_grows_linearly_with_the_charge(electronic: float, expected: tuple[float, ...]) -> None:
    """By hand for i = 100 A/m2, L = 200 um, σ_i = 0.1 S/m, at 20, 50 and 80 % of the capacity.

    Resistivities of 10 and 10 ohm m: start 20 x 5 = 100 mV, growth 100 mV. Of 10 and 5: start
    20 x 50/15 = 66.7 mV, growth 20 x 75/15 = 100 mV. Of 10 and 0: growth 200 mV.
    """
    part = FlatElectrode(1e9, 0.1, electronic, 2e-4)
    charges = np.array([0.2, 0.5, 0.8]) * float(part.areal_capacity)
    # hand values are rounded to 0.1 mV
    assert voltage_drop(100.0, charges, [part]) == pytest.approx(expected, abs=1e-4)


def test_the_capacity_never_exceeds_the_smaller_electrode_nor_falls_below_zero() -> None:
    cathode, anode = FlatElectrode(9e8, 0.07, thickness=1e-4), FlatElectrode(1.3e9, 0.02, thickness=5e-5)
    found = delivered_capacity(np.array([1e-3, 1e4]), 1.5, [cathode, anode], 1e-3)
    assert np.asarray(found).tolist() == [pytest.approx(6.5e4), 0.0]


def test_the_critical_thickness_just_delivers_what_is_asked() -> None:
    for electronic, share in ((math.inf, 1.0), (0.1, 1.0), (0.1, 0.8)):
        cathode = FlatElectrode(9e8, 0.07, electronic)
        anode = FlatElectrode(1.3e9, 0.02)
        thickness = critical_thickness(
            80.0, 1.2, cathode, counter=anode, capacity_ratio=1.1, utilisation=share, series=1e-3
        )
        sized = FlatElectrode(9e8, 0.07, electronic, thickness)
        facing = FlatElectrode(1.3e9, 0.02, math.inf, 1.1 * thickness * 9e8 / 1.3e9)
        assert delivered_capacity(80.0, 1.2, [sized, facing], 1e-3) == pytest.approx(
            share * sized.areal_capacity, rel=1e-9
        )


def test_the_critical_thickness_of_one_electrode_does_not_depend_on_its_capacity() -> None:
    thin, dense = (critical_thickness(100.0, 0.5, FlatElectrode(q, 0.1)) for q in (5e8, 2e9))
    assert thin == dense == pytest.approx(0.5 / 100.0 * 0.1)
    assert critical_thickness(100.0, 0.5, FlatElectrode(1e9, 0.1), series=0.1) == 0.0


def test_the_zone_is_thin_where_the_interface_is_good() -> None:
    part = FlatElectrode(1e9, 0.05, thickness=2e-4)
    assert zone_width(part, 8e-9) == pytest.approx(math.sqrt(8e-9 * 0.05))
    assert zone_width(part, 8e-10) < 0.1 * float(part.thickness)


def test_a_current_that_is_not_positive_and_no_electrode_are_refused() -> None:
    with pytest.raises(InputError, match="must be positive"):
        delivered_capacity(0.0, 1.0, [FlatElectrode(1e9, 0.1, thickness=1e-4)])
    with pytest.raises(InputError, match="one at least"):
        delivered_capacity(1.0, 1.0, [])


@pytest.mark.parametrize("current", [50.0, 100.0, 120.0])
def test_the_cell_model_agrees_with_equation_19(current: float) -> None:
    part = FlatElectrode(1e9, 0.05, thickness=2e-4)
    found = discharged(part, current, 0.25).areal_capacity
    # the front moves point by point: half of 400 intervals is 0.125 % of the capacity, 0.24 % of what 120 A/m2 delivers
    assert found == pytest.approx(delivered_capacity(current, 0.25, [part]), rel=0.003)


@pytest.mark.parametrize(("ionic", "electronic"), [(0.05, 0.05), (0.05, 0.2), (0.2, 0.05)])
def test_the_cell_model_agrees_with_two_fronts(ionic: float, electronic: float) -> None:
    part = FlatElectrode(1e9, ionic, electronic, 2e-4)
    found = discharged(part, 100.0, 0.25).areal_capacity
    # two fronts, each moving point by point; with equal rails a quarter is used, so that half an interval is 0.5 % each
    assert found == pytest.approx(delivered_capacity(100.0, 0.25, [part]), rel=0.01)


def test_the_cell_model_agrees_with_equation_19_for_two_electrodes() -> None:
    cathode, anode = FlatElectrode(9e8, 0.07, thickness=3e-4), FlatElectrode(1.3e9, 0.04, thickness=2.5e-4)
    found = discharged(cathode, 100.0, 0.5, anode=anode, series=1e-3).areal_capacity
    # half of 400 intervals in each electrode is 338 + 406 C/m2: 0.65 % of the 1.14e5 C/m2 delivered
    assert found == pytest.approx(delivered_capacity(100.0, 0.5, [cathode, anode], 1e-3), rel=0.0065)


def test_the_drop_of_the_cell_model_follows_the_fronts() -> None:
    part = FlatElectrode(1e9, 0.05, 0.2, 2e-4)
    run = discharged(part, 100.0, 0.25)
    middle = (run.charge > 1e4) & (run.charge < 1.2e5)
    drop = voltage_drop(100.0, run.charge, [part])
    # half an interval of the mesh is 0.25 um: i h/2σ_i = 0.5 mV of staircase in the drop
    assert np.abs(4.0 - run.voltage - drop)[middle].max() < 5e-4
