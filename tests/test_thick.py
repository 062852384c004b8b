"""Sweeps of the cathode: energy against loading and rate, critical thickness, Ragone, published electrodes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from percolyte.cell.protocol import Current
from percolyte.cell.thick import (
    ThickCell,
    compare_published,
    critical_thickness,
    design_with,
    discharged,
    loading_sweep,
    optimum,
    published,
    ragone,
)
from percolyte.errors import InputError
from percolyte.materials.library import material
from percolyte.resolution import Resolved, resolve
from tests.build import a_design, evaluated

LOADINGS = [0.1, 0.2, 0.3, 0.45, 0.6, 0.9]


@cache
def resolved() -> Resolved:
    return resolve(a_design())


def test_at_a_slow_rate_the_pouch_delivers_the_energy_of_its_design() -> None:
    design = evaluated()
    point = discharged(design_with(resolved(), "cathode.thickness", 70e-6), Current(0.01, c_rate=True))
    assert point.reversible == pytest.approx(float(design.stack.cathode.areal_capacity))
    # beyond the window the potential falls by 100 V per site fraction: the last volt is 0.01 of 0.638
    assert point.utilisation == pytest.approx(1.0 + 0.01 / 0.638, abs=0.002)
    area = float(design.stack.area * design.stack.unit_cells)
    assert point.specific_energy == pytest.approx(point.areal_energy * area / float(design.energy.mass))
    curve = material("NMC811").potential
    assert curve is not None
    mean = float(np.mean(curve(np.linspace(0.27, 0.9084, 2001))))
    # the last 1.5 % of the charge, beyond the window, come at 0.9 V less: 0.35 % of the mean; C/100 costs some 10 mV
    assert point.areal_energy / point.delivered == pytest.approx(mean, rel=0.01)


def test_thicker_is_better_slowly_and_worse_fast() -> None:
    sweep = loading_sweep(resolved(), LOADINGS, [0.05, 2.0])
    slow = [row[0].specific_energy for row in sweep.points]
    fast = [row[1].utilisation for row in sweep.points]
    assert slow == sorted(slow)
    assert fast == sorted(fast, reverse=True)
    low, high = optimum(sweep)
    assert low.at_edge
    assert low.amount == LOADINGS[-1]
    assert not high.at_edge
    assert LOADINGS[0] < high.amount < LOADINGS[-2]


def test_the_optimum_lies_at_the_vertex_between_the_amounts() -> None:
    sweep = loading_sweep(resolved(), [0.1, 0.2, 0.3], [1.0])
    values = (1.0, 3.0, 2.0)
    shaped = replace(
        sweep,
        points=tuple(
            (replace(row[0], specific_energy=value),) for row, value in zip(sweep.points, values, strict=True)
        ),
    )
    (found,) = optimum(shaped)
    # parabola through (-1, 1), (0, 3), (1, 2): vertex at 1/6 with 3 + 1/24
    assert found.amount == pytest.approx(0.2 + 0.1 / 6.0)
    assert found.value == pytest.approx(3.0 + 1.0 / 24.0)


def test_a_current_density_is_not_a_c_rate() -> None:
    sweep = loading_sweep(resolved(), [0.1, 0.4], [Current(20.0), 0.5])
    (thin, thin_c), (thick, thick_c) = sweep.points
    assert thin.current == thick.current == 20.0
    assert thin.c_rate == pytest.approx(4.0 * thick.c_rate)
    assert thin_c.c_rate == pytest.approx(0.5)
    assert thick_c.current == pytest.approx(4.0 * thin_c.current)


def test_thickness_and_loading_are_the_same_sweep() -> None:
    by_loading = loading_sweep(resolved(), [0.2], [1.0]).points[0][0]
    by_thickness = loading_sweep(resolved(), [by_loading.thickness], [1.0], path="cathode.thickness").points[0][0]
    assert by_thickness.delivered == pytest.approx(by_loading.delivered, rel=1e-9)


def test_a_sweep_leaves_the_design_and_its_ledger_alone() -> None:
    own = resolve(a_design())
    before = own.ledger.entries
    count = len(before)
    loading_sweep(own, [0.2], [1.0])
    assert len(own.ledger.entries) == count


def test_the_critical_thickness_delivers_four_fifths_and_no_thicker_one_does() -> None:
    found = critical_thickness(resolved(), 1.0)
    assert found.outcome == "found"
    at = discharged(design_with(resolved(), "cathode.thickness", found.thickness), Current(1.0, c_rate=True))
    above = discharged(design_with(resolved(), "cathode.thickness", 1.01 * found.thickness), Current(1.0, c_rate=True))
    assert above.utilisation < 0.8 <= at.utilisation
    assert found.areal_capacity == pytest.approx(at.reversible)


def test_a_faster_rate_has_a_smaller_critical_thickness() -> None:
    found = [critical_thickness(resolved(), rate).thickness for rate in (0.2, 0.5, 1.0)]
    assert found == sorted(found, reverse=True)


def test_rates_beyond_either_end_say_so() -> None:
    assert critical_thickness(resolved(), 1e-4).outcome == "thicker than sought"
    assert critical_thickness(resolved(), 1e3).outcome == "never"


def test_energy_falls_with_power() -> None:
    design: ThickCell = design_with(resolved(), "cathode.loading", 0.2)
    points = ragone(design.cell, design.mass_per_area)
    energies = [point.specific_energy for point in points]
    assert energies == sorted(energies, reverse=True)
    slow = discharged(design, Current(0.1, c_rate=True))
    # C/10 at constant power against constant current: the same cell, the voltage weighted differently
    assert energies[0] == pytest.approx(slow.specific_energy, rel=0.01)


def test_more_power_than_the_cell_can_give_delivers_nothing() -> None:
    design = design_with(resolved(), "cathode.loading", 0.2)
    (point,) = ragone(design.cell, design.mass_per_area, [1e7])
    assert point.areal_energy == 0.0


def test_published_electrodes_have_sources_and_add_up() -> None:
    rows = published()
    assert len(rows) > 20
    for row in rows:
        assert row.source
        assert "as reported in" in row.source
        assert row.areal_capacity == pytest.approx(row.loading * row.specific_capacity)
        if row.thickness:
            # denser than 5.2 g/cm3 is no cathode; the row that comes near says so
            assert row.loading / row.thickness < 5200.0
            assert row.loading / row.thickness < 4000.0 or row.doubt


def test_published_materials_of_the_library_go_by_its_names() -> None:
    for name in {row.material for row in published()} - {"LiNi0.9Mn0.05Co0.05O2", "LiNi0.8Co0.15Al0.05O2"}:
        assert material(name).kind == "cathode"


def test_the_design_stands_beside_published_electrodes_at_their_loading() -> None:
    pairs = compare_published(resolved(), materials=["NMC622", "NMC811"])
    assert {pair.published.material for pair in pairs} == {"NMC622", "NMC811"}
    for pair in pairs:
        assert pair.computed.loading == pytest.approx(pair.published.loading)


def test_what_cannot_be_swept_is_refused() -> None:
    with pytest.raises(InputError, match="no amount of cathode"):
        loading_sweep(resolved(), [1.0], [1.0], path="separator.thickness")
    with pytest.raises(InputError, match="at least one amount"):
        loading_sweep(resolved(), [], [1.0])
    with pytest.raises(InputError, match="rates are positive"):
        loading_sweep(resolved(), [0.1], [0.0])
    with pytest.raises(InputError, match="not between zero"):
        loading_sweep(resolved(), [-0.1], [1.0])
    with pytest.raises(InputError, match="between 0 and 1"):
        critical_thickness(resolved(), 1.0, delivered=1.0)
    cell = design_with(resolved(), "cathode.loading", 0.2).cell
    with pytest.raises(InputError, match="mass per area"):
        ragone(cell, 0.0)
    with pytest.raises(InputError, match="powers"):
        ragone(cell, 1.0, [0.0])
