"""Cycle life, self-discharge and the resistance that a rate allows: exact limits."""

from __future__ import annotations

import math

import pytest

from percolyte.pouch.lifetime import (
    MONTH,
    cycles_compound,
    cycles_linear,
    cycles_reserve,
    resistance_limit,
    self_discharge,
)
from percolyte.pouch.vehicle import driving_range


def test_one_cycle_loses_one_loss() -> None:
    assert cycles_compound(0.99, 0.99) == pytest.approx(1.0, rel=1e-15)
    assert cycles_linear(0.99, 0.99) == pytest.approx(1.0, rel=1e-13)
    assert cycles_compound(0.9, 0.81) == pytest.approx(2.0, rel=1e-14)


def test_without_loss_a_cell_lives_for_ever() -> None:
    assert cycles_compound(1.0) == cycles_linear(1.0) == cycles_reserve(1.0, 2.0) == math.inf


def test_compound_and_linear_loss_differ_by_the_logarithm_for_small_losses() -> None:
    """-ln(0.8)/0.2 = 1.1157, to first order in the loss."""
    ratio = cycles_compound(1.0 - 1e-7) / cycles_linear(1.0 - 1e-7)
    assert ratio == pytest.approx(-math.log(0.8) / 0.2, rel=1e-6)


def test_compound_loss_leaves_the_retention_after_its_cycles() -> None:
    for efficiency in (0.99, 0.999, 0.9999):
        # efficiency**n amplifies the rounding of n by ln(0.8)
        assert efficiency ** cycles_compound(efficiency) == pytest.approx(0.8, rel=1e-10)


def test_a_reserve_covers_its_size_over_the_loss() -> None:
    assert cycles_reserve(0.9995, 2.0) == pytest.approx(2000.0, rel=1e-12)
    assert cycles_reserve(0.9995, 1.0) == 0.0
    assert cycles_reserve(0.9995, 0.9) == 0.0


def test_self_discharge_is_ohm_times_time() -> None:
    # 1 V over 1 m at 1 S/m is 1 A/m2; one month of it moves MONTH coulombs per square metre
    assert self_discharge(1.0, 1.0, 1.0, MONTH) == pytest.approx(1.0, rel=1e-15)
    assert self_discharge(3.7, 1e-7, 20e-6, 144000.0) == pytest.approx(
        2.0 * self_discharge(3.7, 1e-7, 40e-6, 144000.0), rel=1e-14
    )
    # 4 V over 20 um at 1e-9 S/m let 0.2 mA/m2 through, of 40 Ah/m2
    assert self_discharge(4.0, 1e-9, 20e-6, 144000.0) == pytest.approx(2e-4 * MONTH / 144000.0, rel=1e-14)


def test_the_resistance_limit_gives_back_its_efficiency() -> None:
    for efficiency in (0.5, 0.9, 0.99):
        voltage, current = 3.8, 50.0
        drop = resistance_limit(voltage, current, efficiency) * current
        assert (voltage - drop) / (voltage + drop) == pytest.approx(efficiency, rel=1e-14)
    assert resistance_limit(3.8, 50.0, 1.0) == 0.0


def test_the_driving_range_scales_with_every_factor() -> None:
    alone = driving_range(1.0, battery_mass=1.0, pack_factor=1.0, distance_per_energy=1.0)
    assert alone == 1.0
    assert driving_range(2.0, battery_mass=3.0, pack_factor=0.5, distance_per_energy=7.0) == pytest.approx(
        21.0, rel=1e-15
    )
