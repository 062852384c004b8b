"""Transport and capacity of composites: the relations of two reviews.

M. Falco et al., Mol. Syst. Des. Eng. 4 (2019) 850, 10.1039/C9ME00050J, sections 2.4 and 5;
N. Sun et al., Mater. Futures 1 (2022) 012101, section 4.3.2.
"""

from __future__ import annotations

import pytest

from percolyte.electrode import build_electrode
from percolyte.transport.closures import bruggeman, tortuosity_factor
from percolyte.units import si, to
from tests.build import GRAPHITE_ANODE, evaluated


def test_five_millisiemens_at_40_volume_percent_need_a_tortuosity_factor_of_3_3() -> None:
    """Kaiser et al. in section 2.4: an effective 0.6 mS/cm from an electrolyte of 5 mS/cm."""
    effective = si(0.6, "mS/cm")
    assert tortuosity_factor(si(5.0, "mS/cm"), effective, 0.4) == pytest.approx(3.33, abs=0.005)


def test_bruggeman_would_ask_for_half_of_that_conductivity() -> None:
    """Its factor at 40 vol% is 0.4^-1/2 = 1.58, so 2.4 mS/cm would do."""
    per_unit = float(bruggeman(1.0, 0.4))
    assert 0.6 / per_unit == pytest.approx(2.4, abs=0.05)
    assert tortuosity_factor(1.0, per_unit, 0.4) == pytest.approx(1.58, abs=0.005)


@pytest.mark.parametrize(
    ("micrometres", "loading", "areal", "specific", "volumetric"),
    [(75, 14.5, 2.0, 138, 267), (600, 115.4, 15.7, 136, 262)],
)
def test_the_thick_cathodes_of_kato_agree_with_themselves(
    micrometres: float, loading: float, areal: float, specific: float, volumetric: float
) -> None:
    """Section 2.4: loading, areal capacity and thickness give one capacity per mass and volume, to the printed digits."""
    layer = build_electrode(
        {"LCO": 1.0},
        {"LCO": 5050.0},
        active={"LCO": si(specific, "mAh/g")},
        thickness=si(micrometres, "um"),
        loading=si(loading, "mg/cm2"),
    )
    assert to(float(layer.areal_capacity), "mAh/cm2") == pytest.approx(areal, rel=0.005)
    per_volume = to(float(layer.areal_capacity), "mAh/cm2") / (micrometres * 1e-4)
    assert per_volume == pytest.approx(volumetric, rel=0.005)
    assert layer.densification < 1.0


def test_the_targets_of_the_set_plan_are_checked() -> None:
    """Section 5: above 350 Wh/kg and 1000 Wh/L for lithium ion, 400 and 1200 with lithium metal."""
    metal = {check.name: check for check in evaluated().checks}
    host = {check.name: check for check in evaluated(anode=GRAPHITE_ANODE).checks}
    assert "400 Wh/kg and 1200 Wh/L" in metal["SET plan target, lithium metal"].limit
    assert "350 Wh/kg and 1000 Wh/L" in host["SET plan target, lithium ion"].limit


def test_an_all_active_electrode_has_the_capacity_of_its_material() -> None:
    """Section 4.3.2: TiS2 alone keeps its 213 mAh/g per electrode; with 80 wt% of it, 170 would be left."""
    capacity = si(213.0, "mAh/g")
    alone = build_electrode({"TiS2": 1.0}, {"TiS2": 3240.0}, active={"TiS2": capacity}, thickness=1e-4, porosity=0.1)
    mixed = build_electrode(
        {"TiS2": 0.8, "SE": 0.2},
        {"TiS2": 3240.0, "SE": 1860.0},
        active={"TiS2": capacity},
        thickness=1e-4,
        porosity=0.1,
    )
    assert to(float(alone.equivalent_specific_capacity), "mAh/g") == pytest.approx(213.0, rel=1e-12)
    assert to(float(mixed.equivalent_specific_capacity), "mAh/g") == pytest.approx(170.4, rel=1e-12)


def test_the_energies_of_the_hybrid_cathode_agree_in_density() -> None:
    """S8-Mo6S8: 905.5 Wh/kg and 2778 Wh/L are one layer of 3.07 g/cm3, below the 5.0 g/cm3 of its densest part."""
    density = si(2778.0, "Wh/L") / si(905.5, "Wh/kg")
    assert to(density, "g/cm3") == pytest.approx(3.07, abs=0.005)
