"""Folders of spectra: tables, pages, and runs that go on where they were interrupted."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from percolyte.cli import app
from percolyte.errors import InputError
from percolyte.impedance import batch
from percolyte.impedance.batch import STORE, FileResult, entries_of, run_batch
from percolyte.impedance.cells import Electrolyte, MeasuredCell
from percolyte.impedance.conditions import Conditions, in_order
from percolyte.impedance.readers.reading import read_spectrum
from percolyte.report.batch_page import courses_of
from percolyte.report.impedance_batch import batch_columns
from percolyte.units import GAS_CONSTANT
from tests.test_measured_composite import write_spectrum

CELL = MeasuredCell(terminals="electron-blocking", area=0.785e-4, thickness=1e-4)
ENERGY = 0.3 * 96485.33
COMMAND = ["--terminals", "electron-blocking", "--thickness", "100 um", "--area", "0.785 cm2"]


def a_folder(folder: Path) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for number in range(3):
        write_spectrum(folder / f"{number}.csv", "electron-blocking", 1e-4, seed=number)
    (folder / "3.txt").write_text("a letter\n")
    return sorted(path for path in folder.iterdir() if path.is_file())


def a_series(folder: Path, kelvins: tuple[float, ...]) -> list[Path]:
    """σT = A exp(-E/RT) with 0.3 eV; the thickness stands for 1/σ, which the files do not know."""
    for number, kelvin in enumerate(kelvins):
        factor = kelvin / 298.15 * np.exp(ENERGY / GAS_CONSTANT * (1.0 / kelvin - 1.0 / 298.15))
        write_spectrum(folder / f"{number}.csv", "electron-blocking", 1e-4 * factor, seed=number)
    return sorted(folder.glob("*.csv"))


def cycles(folder: Path, *thicknesses: float) -> Path:
    """One file of several cycles."""
    lines = ["cycle number,freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm"]
    for number, thickness in enumerate(thicknesses, start=1):
        write_spectrum(folder / "one", "electron-blocking", thickness, seed=number)
        lines += [f"{number},{line}" for line in (folder / "one").read_text().splitlines()[1:]]
    (folder / "one").unlink()
    (folder / "cycles.csv").write_text("\n".join(lines) + "\n")
    return folder / "cycles.csv"


def fitted(files: list[Path], out: Path, conditions: Conditions | None = None) -> list[FileResult]:
    return [one for one, _ in run_batch(files, CELL, out, conditions)]


def run(*arguments: str) -> str:
    return CliRunner().invoke(app, ["eis", "batch", *arguments], catch_exceptions=False).output


def test_every_file_has_a_result_and_a_bad_one_says_why(tmp_path: Path) -> None:
    results = fitted(a_folder(tmp_path), tmp_path / "out")
    assert [bool(one.problem) for one in results] == [False, False, False, True]
    columns = batch_columns(entries_of(results, Conditions()), results)
    assert len(columns["file"]) == 4
    # 0.01 S/m are 0.1 mS/cm
    assert columns["ionic_conductivity / mS/cm"][:3] == pytest.approx([0.1] * 3, rel=0.01)
    assert columns["outcome"] == ["done", "done", "done", "not read"]
    assert "a letter" not in str(columns)


def test_the_largest_peak_of_a_separator_is_its_arc(tmp_path: Path) -> None:
    """Noise at the slow end of the blocking contacts is more than the whole electrolyte."""
    frequency = np.geomspace(10**6.5, 0.1, 61)
    s = 2j * np.pi * frequency
    noise = np.random.default_rng(0).standard_normal((2, 61))
    z = 69.0 / (1.0 + 69.0 * 2e-9 * s**0.93) + 1.0 / (3e-6 * s**0.88)
    z *= 1.0 + 3e-3 * (noise[0] + 1j * noise[1])
    rows = (f"{f:.6g},{one.real:.6g},{-one.imag:.6g}" for f, one in zip(frequency, z, strict=True))
    (tmp_path / "a.csv").write_text("freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm\n" + "\n".join(rows) + "\n")
    cell = MeasuredCell(terminals="separator", area=0.785e-4, electrolyte=Electrolyte(thickness=5e-4))
    results = [one for one, _ in run_batch([tmp_path / "a.csv"], cell, tmp_path / "out")]
    columns = batch_columns(entries_of(results, Conditions()), results)
    assert columns["peak 1, resistance / ohm"] == pytest.approx([69.0], rel=0.2)  # its top is cut by the fast end
    assert all(peak.time_constant < 1e-5 for peak in results[0].spectra[0].peaks)


def test_an_interrupted_run_goes_on_with_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = a_folder(tmp_path)
    first = fitted(files[:2], tmp_path / "out")
    store = tmp_path / "out" / STORE
    store.write_text(store.read_text() + '{"file": "cut o')
    done: list[str] = []
    result = batch._result

    def counted(file: Path, *others: Any) -> FileResult:
        done.append(file.name)
        return result(file, *others)

    monkeypatch.setattr(batch, "_result", counted)
    again = list(run_batch(files, CELL, tmp_path / "out"))
    assert done == ["2.csv", "3.txt"]
    assert [new for _, new in again] == [False, False, True, True]
    assert [one for one, _ in again[:2]] == first
    write_spectrum(files[0], "electron-blocking", 1e-4, seed=9)
    fitted(files, tmp_path / "out")
    assert done == ["2.csv", "3.txt", "0.csv"]


def test_figures_are_drawn_where_they_are_missing_and_where_the_file_changed(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    files = a_folder(folder)
    run(str(folder), *COMMAND, "--out", str(out))
    figures = sorted((out / "figures").glob("[0-9]*.svg"))
    assert [path.name for path in figures] == ["0.csv-1.svg", "1.csv-1.svg", "2.csv-1.svg"]
    for figure in figures:
        assert figure.read_text().count('<g id="axes_') == 6
    before = [path.stat().st_mtime_ns for path in figures]
    figures[1].unlink()
    write_spectrum(files[2], "electron-blocking", 1e-4, seed=9)
    run(str(folder), *COMMAND, "--out", str(out))
    after = [path.stat().st_mtime_ns for path in figures]
    assert after[0] == before[0]
    assert after[1] > before[1]
    assert after[2] > before[2]


def test_temperatures_give_the_activation_energy_that_made_the_spectra(tmp_path: Path) -> None:
    results = fitted(a_series(tmp_path, (298.15, 313.15, 333.15)), tmp_path / "out")
    spectra = [(one.name, 1) for one in results]
    stated = in_order(spectra, [298.15, 313.15, 333.15])
    (course,) = [one for one in courses_of(entries_of(results, stated), CELL) if one.quantity == "ionic_conductivity"]
    slope = course.laws[0].slope
    assert course.laws[0].law == "arrhenius"
    assert slope.low < ENERGY < slope.high
    assert slope.high / slope.low < 1.05
    with pytest.raises(InputError, match="names 2 for 3 spectra"):
        in_order(spectra, [298.15, 313.15])


def test_the_table_of_conditions_stands_above_options_and_files(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    a_folder(folder)
    (folder / "3.txt").unlink()
    table = folder / "conditions.csv"
    rows = ("0.csv,25,50,0.785", "1.csv,60,100,0.785", "2.csv,25,100,1.57")
    table.write_text("\n".join(["file,temperature / degC,thickness / um,area / cm2", *rows]) + "\n")
    run(str(folder), "--terminals", "electron-blocking", "--out", str(out), "--conditions", str(table))
    with (out / "results.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert [float(row["ionic_conductivity / mS/cm"]) for row in read] == pytest.approx([0.05, 0.1, 0.05], rel=0.01)
    assert [float(row["temperature / degC"]) for row in read] == pytest.approx([25.0, 60.0, 25.0])
    assert [float(row["thickness / um"]) for row in read] == pytest.approx([50.0, 100.0, 100.0])


def test_conditions_that_change_no_area_need_no_new_fit(tmp_path: Path) -> None:
    files = a_series(tmp_path, (298.15, 313.15))
    fitted(files, tmp_path / "out")
    warm = in_order([("0.csv", 1), ("1.csv", 1)], [300.0])
    assert [new for _, new in run_batch(files, CELL, tmp_path / "out", warm)] == [False, False]


def test_cycles_of_one_file_are_compared_and_told_apart(tmp_path: Path) -> None:
    file = cycles(tmp_path, 1e-4, 1.1e-4, 1.2e-4)
    (result,) = fitted([file], tmp_path / "out")
    assert result.repeated is not None
    assert result.repeated.verdict == "drifting"
    # rails and interface grow alike, by 20 %, along a line through ln 1, ln 1.1, ln 1.2
    assert result.repeated.change == pytest.approx(0.2, abs=0.01)
    said = run(str(file), *COMMAND, "--out", str(tmp_path / "two"))
    assert "3 spectra of 1 file," in said
    with pytest.raises(InputError, match="eis batch"):
        CliRunner().invoke(app, ["eis", "fit", str(file), *COMMAND], catch_exceptions=False)


def test_points_that_are_left_out_take_no_part_in_any_file_and_fit_anew(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    a_series(folder, (298.15, 313.15, 333.15))
    wild = folder / "0.csv"
    lines = wild.read_text().splitlines()
    lines[20] = lines[20].split(",")[0] + ",99999,1"
    wild.write_text("\n".join(lines) + "\n")
    short = folder / "9.csv"
    short.write_text("\n".join(lines[:18]) + "\n")
    command = (str(folder), *COMMAND, "--out", str(out), "--json", "--no-figures", "--temperatures", "25 degC")
    results = [
        json.loads(said[said.index("{") :])["files"] for said in (run(*command), run(*command, "--exclude", "20"))
    ]
    kept, left = (files[0]["spectra"][0] for files in results)
    assert (kept["points"], left["points"]) == (len(lines) - 1, len(lines) - 2)
    assert left["left_out"] == [20]
    # noise of 0.3 %, and one point of sixty hundred times too large
    assert left["noise"] < 0.005 < kept["noise"]
    assert "no point 20: the spectrum has points 1 to 17" in results[1][3]["problem"]
    assert not results[0][3]["problem"]


def test_the_sign_that_is_stated_holds_for_every_file(tmp_path: Path) -> None:
    a_folder(tmp_path)
    turned = tmp_path / "0.csv"
    turned.write_text(turned.read_text().replace("-Im(Z)", "Im(Z)"))
    for word, verdict in (("minus-im", True), ("im", False)):
        said = run(
            str(tmp_path), *COMMAND, "--out", str(tmp_path / word), "--json", "--no-figures", "--imaginary", word
        )
        first = json.loads(said[said.index("{") :])["files"][0]
        assert bool(first["spectra"] and first["spectra"][0]["noise"] < 0.01) == verdict
    with pytest.raises(InputError, match="--imaginary: 'minus' is not one of im, minus-im; did you mean 'minus-im'"):
        run(str(tmp_path), *COMMAND, "--out", str(tmp_path / "x"), "--imaginary", "minus")


def test_a_drift_between_cycles_is_not_told_where_their_conditions_differ(tmp_path: Path) -> None:
    results = fitted([cycles(tmp_path, 1e-4, 1.2e-4)], tmp_path / "out")
    same = batch_columns(entries_of(results, Conditions()), results)
    assert same["over the cycles"] == ["drifting", "drifting"]
    warmed = entries_of(results, in_order([("cycles.csv", 1), ("cycles.csv", 2)], [300.0, 320.0]))
    assert "over the cycles" not in batch_columns(warmed, results)


def test_the_command_writes_tables_and_a_page(tmp_path: Path) -> None:
    a_folder(tmp_path)
    out = tmp_path / "out"
    said = run(str(tmp_path), *COMMAND, "--out", str(out), "--json", "--no-figures")
    assert json.loads(said[said.index("{") :])["outcome"] == "done"
    with (out / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    from openpyxl import load_workbook

    sheet = load_workbook(out / "results.xlsx")["data"]
    assert sheet.max_row == 5
    assert (out / "results.parquet").stat().st_size > 0
    page = (out / "report.html").read_text()
    assert "3 spectra of 3 files; 1 more file not read" in page
    assert "figures/0.csv-1.svg" not in page


def test_table_page_and_console_say_a_conductivity_in_one_unit(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    a_series(folder, (298.15, 313.15, 333.15))
    said = run(str(folder), *COMMAND, "--out", str(out), "--temperatures", "25 degC, 40 degC, 60 degC", "--no-figures")
    headings = (out / "results.csv").read_text().splitlines()[0].split(",")
    numbers = [one for one in headings if one not in ("file", "cycle", "points", "outcome", "notes", "Kramers-Kronig",
                                                      "points to look at", "peaks of relaxation times")]  # fmt: skip
    # an interval's and a peak's heading hold a comma, so that CSV quotes it: the unit is behind it
    assert all("/" in one for one in numbers if not one.startswith('"'))
    text = (
        (out / "results.csv").read_text() + (out / "series.csv").read_text() + (out / "report.html").read_text() + said
    )
    assert "mS/cm" in text
    assert "S/m" not in text.replace("mS/m", "")
    assert "activation_energy / eV" in (out / "laws.csv").read_text()
    assert "0.3" in said.split("E = ")[1][:6]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no file"):
        run(str(tmp_path / "empty"), *COMMAND, "--out", str(tmp_path / "out"))


def test_a_folder_without_a_spectrum_says_why(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("a letter\n")
    with pytest.raises(InputError, match="holds no spectrum"):
        run(str(tmp_path), *COMMAND, "--out", str(tmp_path / "out"))
    with pytest.raises(InputError, match="name another"):
        run(str(tmp_path), *COMMAND, "--out", str(tmp_path))


def test_a_row_of_a_cycle_that_is_not_there_is_named_before_anything_is_fitted(tmp_path: Path) -> None:
    cycles(tmp_path, 1e-4, 1e-4)
    table = tmp_path / "conditions.csv"
    table.write_text("file,cycle,temperature / degC\ncycles.csv,1,25\ncycles.csv,3,40\n")
    with pytest.raises(InputError, match=r"cycles.csv: there is no cycle 3; the file holds 1, 2"):
        run(str(tmp_path), *COMMAND, "--out", str(tmp_path / "out"), "--conditions", str(table))
    assert not (tmp_path / "out").exists()


def test_a_cell_without_area_is_asked_for_it_or_for_the_column(tmp_path: Path) -> None:
    a_folder(tmp_path)
    with pytest.raises(InputError, match=r"--area.*column area / cm2"):
        run(str(tmp_path), *COMMAND[:4], "--out", str(tmp_path / "out"))


def test_what_was_read_is_counted_without_what_was_not(tmp_path: Path) -> None:
    folder, out = tmp_path / "cells", ("--out", str(tmp_path / "out"), "--no-figures")
    a_folder(folder)
    assert "3 spectra of 3 files; 1 more file not read, in " in run(str(folder), *COMMAND, *out)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "3 spectra of 3 files; 1 more file not read." in page
    assert "1 spectrum of 1 file, in " in run(str(folder / "0.csv"), *COMMAND, *out)


def test_a_cycle_that_a_file_does_not_hold_is_said_in_the_singular(tmp_path: Path) -> None:
    a_folder(tmp_path)
    with pytest.raises(InputError, match=r"holds 1 spectrum \(cycle 1\) and none is cycle 4"):
        read_spectrum(tmp_path / "0.csv", cycle=4)
