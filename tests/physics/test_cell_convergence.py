"""The cell model converges at the order of its schemes, and conserves charge and lithium."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from percolyte.cell.kernel import Planar
from percolyte.cell.model import Cell, ParticleClass, PorousElectrode
from percolyte.cell.protocol import Current, Step, discharge
from percolyte.cell.run import simulate
from percolyte.cell.runner import Runner

TIGHT = 1e-7
"""rtol at which the steps in time no longer show against the meshes below."""


def sloping(x: Any) -> Any:
    """A smooth potential without plateaus, so that the order shows on coarse meshes."""
    return 4.3 - 0.9 * np.asarray(x) - 0.2 * np.asarray(x) ** 2


def cathode() -> PorousElectrode:
    """Thick and poorly conducting, so that ions, electrons and diffusion all have gradients."""
    part = ParticleClass("any", 2.5e-6, 0.55, 5e-15, 6e4, 1.0, sloping, 0.27, 0.9)
    return PorousElectrode(100e-6, 0.03, 0.5, (part,))


def cell(anode: PorousElectrode | None = None) -> Cell:
    one = cathode()
    other = anode or Planar(0.0, 10.0, 0.0, 298.15)
    return Cell(one, other, 1.5e-4, 0.0, 298.15, one.capacity, 0.1, 2.0, 4.6)


def graphite() -> PorousElectrode:
    part = ParticleClass("any", 5e-6, 0.6, 1e-14, 3e4, 2.0, lambda x: 0.5 - 0.4 * np.asarray(x), 0.85, 0.03)
    return PorousElectrode(120e-6, 0.1, 50.0, (part,))


def voltage_after(seconds: float, one: Cell | None = None, **mesh: Any) -> float:
    """At 1C, reached by the last step itself, so that nothing is interpolated."""
    found = simulate(one or cell(), [Step("current", Current(1.0, c_rate=True), duration=seconds)], **mesh)
    assert found.time[-1] == pytest.approx(seconds, rel=1e-12)
    return float(found.voltage[-1])


def order(values: list[float]) -> float:
    """Observed order from three values, each mesh twice as fine as the one before."""
    (first, second), (_, third) = pairwise(values)
    return float(np.log2((first - second) / (second - third)))


def test_fourth_order_in_cells() -> None:
    values = [voltage_after(1200.0, cells=cells, rtol=1e-9) for cells in (8, 16, 32)]
    # Numerov's method, the ends included; the next term of the error leaves a tenth on these meshes
    assert order(values) == pytest.approx(4.0, abs=0.2)


def test_nearly_second_order_in_the_shells_of_a_varying_diffusivity() -> None:
    varying = replace(cathode().classes[0], diffusivity_ratio=lambda x: 1.5 - np.asarray(x))
    one = replace(cell(), cathode=replace(cathode(), classes=(varying,)))
    values = [voltage_after(1200.0, one, cells=10, shells=shells, rtol=TIGHT) for shells in (10, 20, 40)]
    # central differences; shells that change size cost up to a third of an order where the error is small already
    assert 1.5 < order(values) < 3.0


def test_the_shells_tend_to_the_relaxations() -> None:
    """A diffusivity that varies by nothing is solved on shells, and means the same."""
    even = replace(cathode().classes[0], diffusivity_ratio=np.ones_like)
    one = replace(cell(), cathode=replace(cathode(), classes=(even,)))
    modes = voltage_after(1200.0, cells=10, rtol=TIGHT)
    off = [voltage_after(1200.0, one, cells=10, shells=shells, rtol=TIGHT) - modes for shells in (15, 60)]
    # second order from 15 to 60 shells: a sixteenth; where the steps in time end differs by 2e-8
    assert abs(off[1]) < abs(off[0]) / 16.0 + 2e-8


def test_error_in_time_falls_with_the_tolerance() -> None:
    """A formula of third order has an error of rtol to the power 3/4, were the steps free of their limits."""
    tolerances = [1e-4, 1e-5, 1e-6, 1e-7]
    best = voltage_after(1200.0, cells=10, rtol=1e-9)
    off = [abs(voltage_after(1200.0, cells=10, rtol=rtol) - best) for rtol in tolerances]
    assert all(finer < coarser for coarser, finer in pairwise(off))
    # 0.5 to 0.6 over times from 600 s to 2400 s: at 1e-4 the longest step allowed holds the error down already
    assert 0.4 < np.polyfit(np.log(tolerances), np.log(off), 1)[0] < 0.9


def test_meshes_converge_to_one_voltage() -> None:
    fine = voltage_after(1200.0, cells=40, rtol=TIGHT)
    finer = voltage_after(1200.0, cells=80, rtol=TIGHT)
    # fourth order: 1/15 of what 40 cells leave
    assert finer == pytest.approx(fine, abs=2e-6)


@pytest.mark.parametrize("rate", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("anode", [None, graphite()])
def test_charge_and_lithium_are_conserved(rate: float, anode: PorousElectrode | None) -> None:
    found = simulate(cell(anode), [discharge(rate, 2.5)])
    assert found.outcome == "done"
    # rounding over some hundred steps, each of some 1e-16 of the inventory
    assert abs(found.lithium_error) < 1e-10
    np.testing.assert_allclose(found.charge, found.current[0] * found.time, rtol=1e-10)


@pytest.mark.parametrize("rate", [0.1, 1.0, 5.0])
def test_local_currents_add_up_to_the_current(rate: float) -> None:
    runner = Runner(cell())
    rows, _ = runner.run(discharge(rate, 2.5))
    mesh, state = runner.cathode, runner.state
    total = float((mesh.parts.area * state.current[0] * mesh.volumes[:, None]).sum())
    # the balance is linear in the unknowns, so that Newton's method leaves only rounding
    assert total == pytest.approx(float(rows[-1, 2]), rel=1e-10)


def test_fast_diffusion_in_small_particles_loses_no_lithium() -> None:
    """D/R2 = 100/s, where a particle is uniform after a hundredth of a second."""
    fast = replace(cathode().classes[0], diffusivity=1e-12, radius=1e-7)
    one = replace(cathode(), classes=(fast,))
    found = simulate(replace(cell(), cathode=one), [discharge(0.05, 2.5)])
    # a step of 1000 s is 1e5 R2/D, by which an elimination multiplies rounding that it does not avoid
    assert abs(found.lithium_error) < 1e-10
