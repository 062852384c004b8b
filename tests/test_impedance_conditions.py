"""The table that says under what each spectrum was measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from percolyte.cli import app
from percolyte.errors import InputError
from percolyte.impedance.batch import Curves, Entry, FileResult, Fitted, Number
from percolyte.impedance.cells import Electrolyte, MeasuredCell
from percolyte.impedance.conditions import Condition, Conditions, read_conditions
from percolyte.impedance.trends import courses, series_in
from percolyte.report.impedance_batch import point_columns
from percolyte.units import FARADAY, GAS_CONSTANT
from tests.test_measured_composite import write_spectrum

CELL = MeasuredCell(terminals="separator", area=1e-4, electrolyte=Electrolyte(thickness=5e-4))


def table(folder: Path, text: str) -> Path:
    path = folder / "conditions.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_units_stand_in_headings_or_behind_entries(tmp_path: Path) -> None:
    heading = "file,cycle,temperature / degC,Pressure [MPa],State of charge (%),composition / wt%,thickness_um,area / cm2,sample"
    found = read_conditions(table(tmp_path, f'{heading}\n"a,b.csv",2,25,5,50,12,100,0.785,7\n'))
    assert found.of("a,b.csv", 2) == Condition(temperature=298.15, pressure=5e6, state_of_charge=0.5, composition=0.12,
                                               thickness=1e-4, area=0.785e-4, sample="7")  # fmt: skip
    other = read_conditions(table(tmp_path, "file;temperature\na;25 °C\nb;310 K\n\n"))
    assert [other.of(file, 1).temperature for file in "ab"] == [298.15, 310.0]


@pytest.mark.parametrize("division", [";", "\t"])
def test_commas_are_decimal_where_others_divide(tmp_path: Path, division: str) -> None:
    rows = "file;sample;temperature;area / cm2\n1,5.csv;2,5;25,5 degC;0,785\n".replace(";", division)
    found = read_conditions(table(tmp_path, rows))
    assert found.of("1,5.csv", 1) == Condition(sample="2,5", temperature=298.65, area=0.785e-4)


def test_the_row_of_a_cycle_stands_above_that_of_its_file(tmp_path: Path) -> None:
    found = read_conditions(table(tmp_path, "file,cycle,temperature / degC,pressure / MPa\na,,25,5\na,2,60,\n"))
    assert found.of("a", 1) == Condition(temperature=298.15, pressure=5e6)
    assert found.of("a", 2) == Condition(temperature=333.15, pressure=5e6)
    assert found.of("b", 1) == Condition()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("file,temperature / degC\n", "holds no row"),
        ("name,temperature / degC\na,25\n", "has no column 'file'"),
        ("file,temprature / degC\na,25\n", "did you mean 'temperature'"),
        ("file,temperature / degC,temperature / K\na,25,298\n", "has a column already: 'temperature / degC'"),
        ("file,temperature\na,25\n", "line 2, temperature: 25.0 has no unit; write for example '25 degC'"),
        ("file,temperature / MPa\na,25\n", "is not a temperature"),
        ("file,pressure / bar\na,-5\n", "line 2, pressure: '-5 bar' is too small"),
        ("file,composition\na,1\n", "may mean '1 %' or '100 %'"),
        ("file,state_of_charge / %\na,120\n", "is too large"),
        ('file,area / cm2\na,"0,785"\n', "use a point, not a comma"),
        ("file,area / cm2\na,0,785\n", "has 3 entries below 2 headings"),
        ("file,cycle\na,1.5\n", "'1.5' is no whole number"),
        ("file,temperature / degC\n,25\n", "line 2: names no file"),
        ("file,temperature / degC\na,25\na,40\n", "line 3: a has a row already"),
        ("file,temperature / degC\na,warm\n", "'warm degC' is not a number with a unit"),
    ],
)
def test_a_table_that_is_wrong_says_where(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        read_conditions(table(tmp_path, text))
    assert said in str(error.value)


def test_every_problem_of_a_table_is_in_one_message(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="5 problems"):
        read_conditions(table(tmp_path, "file,temperature / degC,area / cm2\na,x,1\n,25,1\nb,25,-1\nb,25,y\n"))


def test_problems_of_entries_files_and_cycles_are_in_one_message(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "ion-blocking", 1e-4)
    path = table(tmp_path, "file,cycle,temperature / degC\na.csv,7,40\nA.csv,2,25\na.csv,1,warm\n")
    with pytest.raises(InputError) as error:
        read_conditions(path, [tmp_path / "a.csv"])
    for said in (
        "3 problems",
        "line 4, temperature: 'warm degC' is not a number",
        "A.csv: there is no such file; did you mean 'a.csv'?",
        "a.csv: there is no cycle 7; the file holds 1",
    ):
        assert said in str(error.value)


def test_files_without_a_row_and_rows_without_a_file_are_named_together(tmp_path: Path) -> None:
    path = table(tmp_path, "file,temperature / degC\nsampel-1.csv,25\nb.csv,40\nnotes.txt,60\n")
    with pytest.raises(InputError) as error:
        read_conditions(path, [Path("sample-1.csv"), Path("b.csv")])
    assert "2 problems" in str(error.value)
    assert "sampel-1.csv: there is no such file; did you mean 'sample-1.csv'?" in str(error.value)
    assert "notes.txt: there is no such file; without a row are sample-1.csv" in str(error.value)
    found = read_conditions(path)
    assert found.without_row([Path(name) for name in ("sampel-1.csv", "b.csv", "c.csv", "notes.txt")]) == ["c.csv"]


def test_an_area_counts_for_all_only_if_it_is_stated_of_all(tmp_path: Path) -> None:
    found = read_conditions(table(tmp_path, "file,cycle,area / cm2\na,,1\nb,1,1\nb,2,2\nc,,\n"))
    assert found.everywhere("area", [Path("a"), Path("b")]) == pytest.approx(1e-4)
    assert found.everywhere("area", [Path("a"), Path("c")]) is None
    assert found.everywhere("area", [Path("d")]) is None


def test_a_thickness_is_that_of_the_layer_measured() -> None:
    changed = Condition(thickness=1e-4, area=2e-4).of_cell(CELL)
    assert changed.electrolyte is not None
    assert (changed.area, changed.electrolyte.thickness) == (2e-4, 1e-4)
    composite = MeasuredCell(terminals="ion-blocking", area=1e-4, thickness=3e-4)
    assert Condition(thickness=1e-4).of_cell(composite).thickness == 1e-4


def test_both_ways_to_state_temperatures_are_refused_together(tmp_path: Path) -> None:
    path = table(tmp_path, "file,temperature / degC\na.csv,25\n")
    arguments = ["eis", "batch", str(tmp_path), "--terminals", "separator", "--out", str(tmp_path / "out")]
    with pytest.raises(InputError, match="keep the table"):
        CliRunner().invoke(
            app, [*arguments, "--conditions", str(path), "--temperatures", "25 degC"], catch_exceptions=False
        )


def an_entry(number: int, sigma: float, resistances: dict[str, Number] | None = None, **stated: Any) -> Entry:
    empty = Curves(*([()] * 9))
    fitted = Fitted(1, "", None, 40, "done", {"electrolyte_conductivity": Number(sigma, 0.99 * sigma, 1.01 * sigma, "S/m")},
                    resistances or {}, {}, 0.01, None, (), (), empty)  # fmt: skip
    return Entry(FileResult(f"{number}.csv", "", "", (fitted,), None, ""), fitted, Condition(**stated))


def test_a_series_runs_over_one_condition_with_the_others_held() -> None:
    entries = [an_entry(k, 0.1, temperature=298.0 + 20 * k, pressure=p, sample=s)
               for k in range(3) for p in (5e6, 50e6) for s in ("A", "B")]  # fmt: skip
    found = series_in(entries)
    assert [(one.over, one.held, len(one.entries)) for one in found] == [
        ("temperature", "A, 5 MPa", 3), ("temperature", "B, 5 MPa", 3),
        ("temperature", "A, 50 MPa", 3), ("temperature", "B, 50 MPa", 3),
    ]  # fmt: skip


def test_temperatures_within_a_kelvin_are_one_and_compositions_run_through_samples() -> None:
    entries = [an_entry(k, 0.1, temperature=298.15 + 0.1 * k, composition=0.1 * k, sample=f"S{k}") for k in range(4)]
    (series,) = series_in(entries)
    assert (series.over, series.held) == ("composition", "25 degC")
    assert series.places == pytest.approx((0.0, 0.1, 0.2, 0.3))


def test_a_power_of_pressure_is_found() -> None:
    entries = [an_entry(k, 0.1 * p**0.25, pressure=1e6 * p) for k, p in enumerate((1.0, 4.0, 20.0, 100.0))]
    (course,) = courses(series_in(entries)[0], CELL)
    assert course.laws[0].law == "power"
    assert course.laws[0].slope.value == pytest.approx(0.25, rel=1e-9)


@pytest.mark.parametrize("over", ["pressure", "temperature"])
def test_a_resistance_of_an_interface_has_its_own_law(over: str) -> None:
    """R = 2 ohm cm2 p^-0.5 in MPa; over temperature R = A exp(E/RT) with 0.5 eV, no T before it."""
    entries = []
    for number in range(4):
        pressure, kelvin = 10.0**number, 280.0 + 20.0 * number
        r = 2e-4 * (
            pressure**-0.5
            if over == "pressure"
            else np.exp(0.5 * FARADAY / GAS_CONSTANT * (1.0 / kelvin - 1.0 / 300.0))
        )
        stated = {"pressure": 1e6 * pressure} if over == "pressure" else {"temperature": kelvin}
        entries.append(an_entry(number, 0.1, {"lithium_resistance": Number(r, 0.99 * r, 1.01 * r, "ohm m2")}, **stated))
    (found,) = [one for one in courses(series_in(entries)[0], CELL) if one.quantity == "lithium_resistance"]
    (law,) = found.laws
    assert law.law == ("power" if over == "pressure" else "activated")
    assert law.slope.value == pytest.approx(-0.5 if over == "pressure" else 0.5 * FARADAY, rel=1e-6)
    rows = point_columns([found])
    assert rows["value / ohm cm2"][0 if over == "pressure" else 1] == pytest.approx(2.0)
    assert rows[f"{law.law} / ohm cm2"] == pytest.approx(rows["value / ohm cm2"])


def test_a_series_through_zero_pressure_says_that_it_has_no_law() -> None:
    entries = [an_entry(k, 0.1, pressure=1e6 * k) for k in range(4)]
    (course,) = courses(series_in(entries)[0], CELL)
    assert not course.laws
    assert "0 is no place for the power law" in course.problems[0]


def test_values_that_are_not_known_are_left_out_of_a_course() -> None:
    entries = [an_entry(k, 0.1 + k, pressure=1e6 * (1 + k)) for k in range(4)]
    unknown = {"electrolyte_conductivity": Number(None, None, None, "S/m")}
    entries[1] = replace(entries[1], fitted=replace(entries[1].fitted, conductivities=unknown))
    (course,) = courses(series_in(entries)[0], CELL)
    assert [one.label for _, one, _ in course.points] == ["0.csv", "2.csv", "3.csv"]
    assert Conditions().of("a", 1) == Condition()
