"""X. Yang et al., eTransportation 11 (2022) 100152, Fig. 1A and section 3: thick cathodes.

NMC811 (210 mAh/g, 3.8 V, 85 wt%), 20 um of Li10GeP2S12, lithium at N/P 2, Al 16 um, Cu 8 um.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from percolyte.design import Design, read_design
from percolyte.evaluation import evaluate
from percolyte.examples import find_design
from percolyte.literature import check_literature
from percolyte.nouns import replace
from percolyte.units import si, to
from tests.build import wh_per_kg


def cell(loading: float, separator: float = 20.0) -> Design:
    design = read_design(find_design("yang2022-thick-cathode"))
    return replace(
        design,
        cathode=replace(design.cathode, loading=f"{loading} mg/cm2"),
        separator=replace(design.separator, thickness=f"{separator} um"),
    )


@pytest.mark.parametrize(("loading", "printed"), [(5, 178), (10, 275), (20, 378)])
def test_the_specific_energy_of_figure_1a(loading: float, printed: float) -> None:
    # printed without decimals: half a unit is 0.3 % of 178; the 2.4 % of other mass is inferred
    assert wh_per_kg(evaluate(cell(loading))) == pytest.approx(printed, rel=0.005)


@pytest.mark.parametrize(("loading", "printed"), [(5, 26), (10, 41), (20, 56)])
def test_the_share_of_the_cathode_in_the_mass(loading: float, printed: float) -> None:
    # printed in whole percent: half a unit is 2 % of 26
    share = float(evaluate(cell(loading)).energy.cathode_mass_fraction)
    assert 100.0 * share == pytest.approx(printed, rel=0.02)


def test_the_shipped_design_is_the_thickest_of_the_three() -> None:
    assert evaluate(read_design(find_design("yang2022-thick-cathode"))).energy.specific_energy == pytest.approx(
        evaluate(cell(20)).energy.specific_energy, rel=1e-12
    )


def test_a_separator_below_50_um_is_what_300_watt_hours_need() -> None:
    """Section 3 for 20 mg/cm2: 330 Wh/kg at 50 um, 273 at 100 um, crossing between."""
    # recalculated to three digits
    assert wh_per_kg(evaluate(cell(20, 50))) == pytest.approx(330, rel=0.005)
    assert wh_per_kg(evaluate(cell(20, 100))) == pytest.approx(273, rel=0.005)
    assert wh_per_kg(evaluate(cell(10, 20))) < 300.0


def test_lithium_moves_by_20_um_at_4_mah() -> None:
    """Section 3: "about 20 um"; 4/(3860 x 0.534) is 19.4 um."""
    design = cell(20)
    stack = evaluate(replace(design, cathode=replace(design.cathode, areal_capacity="4 mAh/cm2"))).stack
    assert to(float(stack.anode.plated_thickness), "um") == pytest.approx(19.4, abs=0.05)


TABLE_1 = """\
row_id,cathode_material,electrode_thickness_um,thickness_qualifier,loading_mg_cm2,loading_qualifier,initial_capacity_mAh_g,areal_capacity_stated_mAh_cm2,areal_capacity_qualifier,areal_capacity_calc_mAh_cm2
TE007,NMC811,200,,13.1,,153,2.01,,2
TE017,NMC111,74,,16.3,,149,,,2.43
TE018,NMC622,88,,21,,112,,,2.35
TE020,LiNi0.9Mn0.05Co0.05O2,86,,41,~,146,,,5.99
TE023,NMC111,60,~,9.5,,114,1.5,>,1.08
TE024,LiNi0.8Co0.15Al0.05O2,250,,35,,110,,,3.85
"""
"""Facts of Table 1 and the text on it."""


def test_exactly_the_two_rows_of_table_1_that_contradict_themselves_are_found(tmp_path: Path) -> None:
    table = tmp_path / "table1.csv"
    table.write_text(TABLE_1, encoding="utf-8")
    checked = check_literature(table)
    findings, rows, checkable = checked.findings, checked.rows, checked.checkable
    assert (rows, checkable) == (6, 6)
    found = {finding.row: finding for finding in findings}
    assert len(findings) == 2
    assert set(found) == {"TE020", "TE023"}
    assert found["TE020"].severity == "impossible"
    assert "4.77 g/cm3" in found["TE020"].message  # 41 mg/cm2 in 86 um, denser than the crystal
    assert found["TE023"].severity == "contradiction"
    assert "1.08 mAh/cm2, but > 1.5 mAh/cm2 is stated" in found["TE023"].message


@pytest.mark.parametrize(
    ("loading", "capacity", "printed"), [(13.1, 153, 2.01), (10.5, 145, 1.52), (48.7, 123, 6.0), (8.2, 146, 1.2)]
)
def test_loading_times_capacity_is_the_areal_capacity_of_the_text(
    loading: float, capacity: float, printed: float
) -> None:
    areal = si(loading, "mg/cm2") * si(capacity, "mAh/g")
    assert to(areal, "mAh/cm2") == pytest.approx(printed, abs=0.011)  # one unit of the last printed digit
