"""Measured discharges: read with a design, and beside the model's."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from percolyte.cell.heat import heat_of
from percolyte.cell.measured import Comparison, Discharge, compare, simulated
from percolyte.cell.model import Cell
from percolyte.cell.rate import Diagnosis, RateCapability, RatePoint
from percolyte.cell.thick import design_with
from percolyte.cli import main
from percolyte.design import Measured, design_from, read_design, write_design
from percolyte.errors import InputError
from percolyte.interchange.cycler import measured_discharges, read_cycler
from percolyte.interchange.table import write_table
from percolyte.report.cell_figures import measured_figure
from percolyte.resolution import resolve
from tests.build import a_design, a_design_data, problems_with, write_toml


@cache
def a_cell() -> Cell:
    return design_with(resolve(a_design()), "cathode.thickness", 70e-6).cell


@cache
def own(c_rate: float = 1.0) -> Discharge:
    """A discharge of the model itself down to 2.8 V."""
    current = c_rate * a_cell().one_c
    run = simulated(a_cell(), Discharge(current, [0.0, 1.0], [4.0, 2.8]))
    return Discharge(current, run.charge, run.voltage)


def write_curve(path: Path, curve: Discharge, columns: dict[str, Any] | None = None) -> Path:
    columns = columns or {
        "Test Time / s": curve.charge / curve.current,
        "Voltage / V": curve.voltage,
        "Current / mA cm-2": np.full(curve.charge.size, curve.current / 10.0),
    }
    write_table(path, columns, {})
    return path


def test_data_of_the_model_itself_show_no_error() -> None:
    (found,) = compare(a_cell(), [own()])
    assert found.c_rate == pytest.approx(1.0)
    # the voltage limit is met to a millionth of a volt, at some point of it
    assert found.charge_error == pytest.approx(0.0, abs=1e-8)
    # straight lines between the points of the data against a smooth curve between those of the model
    assert found.voltage_error < 1e-3


def test_a_tenth_more_charge_is_an_error_of_capacity_and_not_of_voltage() -> None:
    (same,) = compare(a_cell(), [own()])
    (found,) = compare(a_cell(), [replace(own(), charge=1.1 * own().charge)])
    assert found.charge_error == pytest.approx(1.0 / 1.1 - 1.0, rel=1e-7)
    assert found.voltage_error == pytest.approx(same.voltage_error, rel=1e-6)


def test_a_shift_of_the_voltage_is_its_root_mean_square() -> None:
    (found,) = compare(a_cell(), [replace(own(), voltage=own().voltage - 0.05)])
    # below 2.8 V the potential falls by 100 V per site fraction, so that 50 mV at the end are 0.1 % of the charge
    assert found.voltage_error == pytest.approx(0.05, rel=0.05)
    assert found.charge_error == pytest.approx(0.0, abs=2e-3)


def test_data_without_charge_are_refused() -> None:
    with pytest.raises(InputError, match="charge must rise"):
        compare(a_cell(), [replace(own(), charge=0.0 * own().charge)])


def test_parquet_and_csv_of_a_discharge_are_the_same_data(tmp_path: Path) -> None:
    first, second = (read_cycler(write_curve(tmp_path / name, own())) for name in ("a.csv", "a.parquet"))
    # nine digits of the CSV
    np.testing.assert_allclose(first.charge, second.charge, rtol=1e-8, atol=1e-6)
    np.testing.assert_allclose(second.voltage, own().voltage, rtol=1e-15)


def test_a_published_curve_in_capacity_per_mass_at_a_stated_rate_is_the_same_discharge(tmp_path: Path) -> None:
    curve, cell = own(), a_cell()
    specific = curve.charge / cell.loading / 3600.0
    write_curve(tmp_path / "a.csv", curve, {"Capacity (mAh/g)": specific, "Voltage (V)": curve.voltage})
    for stated in ({"c_rate": 1.0}, {"current": cell.one_c}):
        (found,), notes = measured_discharges([(tmp_path, Measured(file="a.csv", **stated))], cell)
        assert found.current == pytest.approx(curve.current)
        np.testing.assert_allclose(found.charge, curve.charge, rtol=1e-7, atol=1e-3)
        assert str(found) == "a.csv"
        assert any("capacity column" in note for note in notes)


def test_every_file_that_cannot_be_used_is_named_at_once(tmp_path: Path) -> None:
    volts = np.linspace(4.2, 3.0, 9)
    write_curve(tmp_path / "no-current.csv", own(), {"Time / s": 1e3 * volts, "Voltage / V": volts})
    write_curve(
        tmp_path / "no-area.csv", own(), {"Time / s": -volts, "Voltage / V": volts, "Current / A": 0 * volts + 1}
    )
    (tmp_path / "no-table.csv").write_text("nothing")
    names = ("no-current.csv", "no-area.csv", "no-table.csv", "../out.csv")
    with pytest.raises(InputError) as caught:
        measured_discharges([(tmp_path, Measured(file=name)) for name in names], a_cell(), source="cell.toml")
    said = {problem.where: problem.what for problem in caught.value.problems}
    assert said.keys() == set(names)
    assert "no column for current" in said["no-current.csv"]
    assert "may be stated" in said["no-current.csv"]
    assert "give the area" in said["no-area.csv"]
    assert "no line of headings" in said["no-table.csv"]
    assert "leads out of" in said["../out.csv"]


@pytest.mark.parametrize(
    ("measured", "where", "said"),
    [
        ([{"file": "none.csv"}], "measured.1.file", "no file 'none.csv' beside the design"),
        ([{"file": "../a.csv"}], "measured.1.file", "leads out of"),
        ([{"area": "1 cm2"}], "measured.1.file", "is missing"),
        ([{"file": "a.csv", "c_rate": 1, "current": "1 mA/cm2"}], "measured.1", "exclude each other"),
        ([{"file": "a.csv", "area": "1 cm"}], "measured.1.area", "not an area"),
        ({"file": "a.csv"}, "measured", "double brackets"),
    ],
)
def test_a_design_that_names_data_wrongly_is_told_where(tmp_path: Path, measured: Any, where: str, said: str) -> None:
    (tmp_path / "a.csv").write_text("")
    assert said in problems_with(a_design_data(measured=measured), tmp_path)[where]


def test_a_design_without_data_keeps_its_fingerprint_and_one_with_data_is_written_back(tmp_path: Path) -> None:
    write_curve(tmp_path / "a.csv", own())
    design = design_from(a_design_data(measured=[{"file": "a.csv", "area": "1.13 cm2"}]), folder=tmp_path)
    assert "[[measured]]" in write_design(design, tmp_path / "cell.toml")
    assert read_design(tmp_path / "cell.toml") == design
    assert "measured" not in a_design().model_dump(mode="json", exclude_none=True)


def test_run_lays_measured_discharges_beside_the_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_curve(tmp_path / "one.csv", own())
    write_curve(tmp_path / "more.parquet", replace(own(2.0), charge=1.25 * own(2.0).charge))
    data = a_design_data(measured=[{"file": "one.csv"}, {"file": "more.parquet"}])
    path = write_toml(tmp_path / "cell.toml", data)
    monkeypatch.setattr("sys.argv", ["percolyte", "run", str(path), "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    assert "one.csv" in shown
    record = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    first, second = record["measured"]["discharges"]
    assert (first["c_rate"], second["c_rate"]) == pytest.approx((1.0, 2.0))
    assert first["capacity_error"] == pytest.approx(0.0, abs=1e-6)
    # the time of the second file is a quarter longer than the model's: 1/1.25 - 1
    assert second["capacity_error"] == pytest.approx(-0.2, abs=1e-6)
    page = (tmp_path / "out" / "report.html").read_text()
    for title in ("Measured discharge curves", "Nyquist plot"):
        assert f'alt="{title}' in page


def test_the_figure_marks_each_measured_discharge_once() -> None:
    found: tuple[Comparison, ...] = compare(a_cell(), [own(), own(2.0)])
    points = tuple(
        RatePoint(one.c_rate, one.simulation, 0.0, 0.0, 0.0, heat_of(a_cell(), one.simulation)) for one in found
    )
    rate = RateCapability(a_cell(), points, Diagnosis(1.0, {}, (), "", ""))
    curves, capability = measured_figure(rate, found).axes
    circles = [line for line in curves.lines if line.get_marker() == "o" and len(line.get_xdata()) > 1]  # type: ignore[arg-type]
    assert len(circles) == 2
    ends = sorted(float(np.max(line.get_xdata())) for line in circles)
    # mAh/cm2, and every mark is a row of the data, the last one among them
    assert ends == pytest.approx(sorted(one.discharge.charge[-1] / 3.6e4 for one in found))
    measured = [line for line in capability.lines if line.get_marker() == "o" and len(line.get_xdata()) == 1]  # type: ignore[arg-type]
    assert len(measured) == 2
