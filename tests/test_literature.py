"""Tables of published cells: each of the four rules fires where it must, and only there."""

from __future__ import annotations

from pathlib import Path

import pytest

from percolyte.errors import InputError
from percolyte.literature import Finding, check_literature

CHARGE = "loading × capacity = areal capacity"
DENSITY = "density below pore-free"
MASS = "Wh/kg and implied mass"
MEAN = "Wh/L ÷ Wh/kg = density"


def findings(tmp_path: Path, header: str, *rows: str) -> list[Finding]:
    path = tmp_path / "cells.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    checked = check_literature(path)
    assert checked.rows == len(rows)
    assert len({finding.row for finding in checked.findings}) <= checked.checkable <= checked.rows
    return list(checked.findings)


def rules(tmp_path: Path, header: str, row: str) -> list[tuple[str, str]]:
    return [(finding.rule, finding.severity) for finding in findings(tmp_path, header, row)]


CELL = "row_id,loading_mg_cm2,initial_capacity_mAh_g,areal_capacity_stated_mAh_cm2,areal_capacity_qualifier"


@pytest.mark.parametrize(
    ("row", "fires"),
    [
        ("a,20,200,4.0,", False),
        ("a,20,200,4.15,", False),  # within the 5 % that rounding in print may cause
        ("a,20,200,4.3,", True),
        ("a,20,200,3.85,", False),
        ("a,20,200,3.7,", True),
        ("a,20,200,3.7,>", False),  # 4.0 is more than 3.7
        ("a,20,200,4.3,>", True),
        ("a,20,200,,", False),
        ("a,,200,4.3,", False),
        ("a,20,,4.3,", False),
    ],
)
def test_charge_is_conserved(tmp_path: Path, row: str, fires: bool) -> None:
    assert rules(tmp_path, CELL, row) == ([(CHARGE, "contradiction")] if fires else [])


def test_a_range_of_loadings_may_hold_the_stated_capacity(tmp_path: Path) -> None:
    header = "loading_mg_cm2,loading_max_mg_cm2,capacity_mAh_g,areal_capacity_mAh_cm2"
    assert rules(tmp_path, header, "15,25,200,4") == []
    assert rules(tmp_path, header, "21.5,25,200,4") == [(CHARGE, "contradiction")]


LAYER = "row_id,cathode_material,loading_mg_cm2,electrode_thickness_um"


@pytest.mark.parametrize(
    ("row", "fires"),
    [
        ("a,NMC811,20,70", []),  # 2.9 g/cm3
        ("a,NMC811,41,86", [(DENSITY, "impossible")]),  # 4.77 g/cm3
        ("a,NCM811,41,86", [(DENSITY, "impossible")]),  # the same by its alias
        ("a,SC-NMC811 (coated),41,86", [(DENSITY, "impossible")]),
        ("a,S,41,86", [(DENSITY, "impossible")]),
        ("a,unobtainium,41,86", []),
        ("a,,41,86", []),
        ("a,NMC811,15.7,1000", [(DENSITY, "doubtful")]),  # 0.16 g/cm3
        ("a,NMC811,41,", []),
    ],
)
def test_matter_has_its_density(tmp_path: Path, row: str, fires: list[tuple[str, str]]) -> None:
    assert rules(tmp_path, LAYER, row) == fires


ENERGY = "row_id,loading_mg_cm2,capacity_mAh_g,cell_voltage_V,energy_Wh_kg"


@pytest.mark.parametrize(
    ("row", "fires"),
    [
        ("a,20,200,3.7,400", False),  # 37 mg/cm2 of cell
        ("a,20,200,3.7,700", False),  # 21 mg/cm2: hardly anything but active material
        ("a,20,200,3.7,800", True),  # 18.5 mg/cm2, less than the active material
        ("a,20,200,,790", False),  # without voltage four volts are granted
        ("a,20,200,,810", True),
        ("a,,200,3.7,800", False),
    ],
)
def test_a_cell_weighs_more_than_its_active_material(tmp_path: Path, row: str, fires: bool) -> None:
    assert rules(tmp_path, ENERGY, row) == ([(MASS, "impossible")] if fires else [])


@pytest.mark.parametrize(
    ("row", "fires"),
    [
        ("a,400,900", False),
        ("a,400,330", False),
        ("a,400,310", True),  # 0.78 g/cm3 would float
        ("a,250,990", False),
        ("a,250,1010", True),  # 4.04 g/cm3
        ("a,400,", False),
        ("a,,900", False),
    ],
)
def test_a_cell_has_the_density_of_a_cell(tmp_path: Path, row: str, fires: bool) -> None:
    assert rules(tmp_path, "row_id,energy_Wh_kg,energy_Wh_L", row) == ([(MEAN, "impossible")] if fires else [])


def test_a_finding_names_row_numbers_and_units(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, CELL, "ok,20,200,4,", "bad,20,200,5,")
    assert finding.row == "bad"
    assert "20 mg/cm2 × 200 mAh/g is 4 mAh/cm2, but 5 mAh/cm2 is stated" in finding.message


def test_rows_with_too_few_numbers_are_counted_as_not_checked(tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    path.write_text(f"{CELL}\na,20,200,4,\nb,20,200,,\nc,,,4,\nd,,,,\n")
    checked = check_literature(path)
    assert (checked.findings, checked.rows, checked.checkable) == ((), 4, 1)


def test_a_row_without_name_goes_by_its_line(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, "loading_mg_cm2,capacity_mAh_g,areal_capacity_mAh_cm2", "20,200,4", "20,200,5")
    assert finding.row == "line 3"


def test_units_are_read_from_the_head(tmp_path: Path) -> None:
    header = "loading_g_m2,capacity_Ah_kg,areal_capacity_Ah_m2"
    assert rules(tmp_path, header, "200,200,40") == []
    assert rules(tmp_path, header, "200,200,50") == [(CHARGE, "contradiction")]


def test_derived_columns_are_left_alone(tmp_path: Path) -> None:
    header = "loading_mg_cm2,capacity_mAh_g,areal_capacity_calc_mAh_cm2"
    assert rules(tmp_path, header, "20,200,9") == []


@pytest.mark.parametrize("cell", ["n/a", "-", "nan", "inf", "-5", "0", "1e99", " ", "20±1"])
def test_a_cell_that_is_no_number_counts_as_empty(tmp_path: Path, cell: str) -> None:
    assert rules(tmp_path, CELL, f"a,{cell},200,9,") == []


def test_every_row_gets_all_its_findings(tmp_path: Path) -> None:
    header = (
        "row_id,material,loading_mg_cm2,capacity_mAh_g,areal_capacity_mAh_cm2,thickness_um,energy_Wh_kg,energy_Wh_L"
    )
    assert [rule for rule, _ in rules(tmp_path, header, "a,NMC811,41,200,4,86,900,100")] == [
        CHARGE,
        DENSITY,
        MASS,
        MEAN,
    ]


@pytest.mark.parametrize("content", ["", "\n", "a,b\n1,2\n", "material\nNMC811\n", 'loading_mg_cm2\n"unclosed\n'])
def test_what_is_no_such_table_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=r"a\.csv"):
        check_literature(path)


def test_rows_of_odd_length_are_read(tmp_path: Path) -> None:
    assert findings(tmp_path, CELL, "a", "b,20,200,5,,,,,", "c,20,200,5") != []


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"PK\x03\x04\x00\x00")
    with pytest.raises(InputError, match="binary"):
        check_literature(path)
