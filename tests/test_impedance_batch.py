"""Folders of spectra: tables, pages, and runs that go on where they were interrupted."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from percolyte.cli import app
from percolyte.errors import InputError
from percolyte.impedance import batch
from percolyte.impedance.batch import STORE, run_batch
from percolyte.impedance.cells import MeasuredCell
from percolyte.report.impedance_batch import at_temperatures, batch_columns, batch_page, entries_of, trends
from percolyte.units import GAS_CONSTANT
from tests.test_measured_composite import write_spectrum

CELL = MeasuredCell(terminals="electron-blocking", area=0.785e-4, thickness=1e-4)


def a_folder(folder: Path) -> list[Path]:
    for number in range(3):
        write_spectrum(folder / f"{number}.csv", "electron-blocking", 1e-4, seed=number)
    (folder / "3.txt").write_text("a letter\n")
    return sorted(folder.iterdir())


def test_every_file_has_a_result_and_a_bad_one_says_why(tmp_path: Path) -> None:
    files = a_folder(tmp_path)
    results = run_batch(files, CELL, tmp_path / "out")
    assert [bool(one.problem) for one in results] == [False, False, False, True]
    columns = batch_columns(results)
    assert len(columns["file"]) == 4
    assert columns["ionic_conductivity / S/m"][:3] == pytest.approx([0.01] * 3, rel=0.01)
    assert columns["outcome"] == ["done", "done", "done", "not read"]
    assert "a letter" not in batch_page(results, "x")


def test_an_interrupted_run_goes_on_with_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = a_folder(tmp_path)
    run_batch(files[:2], CELL, tmp_path / "out")
    store = tmp_path / "out" / STORE
    store.write_text(store.read_text() + '{"file": "cut o')
    fitted: list[str] = []
    result = batch._result

    def counted(file: Path, state: str, cell: MeasuredCell) -> batch.FileResult:
        fitted.append(file.name)
        return result(file, state, cell)

    monkeypatch.setattr(batch, "_result", counted)
    assert len(run_batch(files, CELL, tmp_path / "out")) == 4
    assert fitted == ["2.csv", "3.txt"]
    write_spectrum(files[0], "electron-blocking", 1e-4, seed=9)
    run_batch(files, CELL, tmp_path / "out")
    assert fitted == ["2.csv", "3.txt", "0.csv"]


def test_temperatures_give_the_activation_energy_that_made_the_spectra(tmp_path: Path) -> None:
    """σT = A exp(-E/RT) with 0.3 eV; thickness stands for 1/σ, which the files do not know."""
    energy, kelvins = 0.3 * 96485.33, (298.15, 313.15, 333.15)
    for number, kelvin in enumerate(kelvins):
        factor = kelvin / 298.15 * np.exp(energy / GAS_CONSTANT * (1.0 / kelvin - 1.0 / 298.15))
        write_spectrum(tmp_path / f"{number}.csv", "electron-blocking", 1e-4 * factor, seed=number)
    results = run_batch(sorted(tmp_path.glob("*.csv")), CELL, tmp_path / "out")
    with_them = at_temperatures(results, "25 degC, 40 degC, 60 degC")
    found = trends(entries_of(with_them))["ionic_conductivity"].slope
    assert found.low < energy < found.high
    assert found.high / found.low < 1.05
    with pytest.raises(InputError, match="names 2 for 3 spectra"):
        at_temperatures(results, "25 degC, 40 degC")


def test_the_command_writes_tables_and_a_page(tmp_path: Path) -> None:
    a_folder(tmp_path)
    out = tmp_path / "out"
    arguments = ["eis", "batch", str(tmp_path), "--terminals", "electron-blocking", "--thickness", "100 um"]
    said = CliRunner().invoke(app, [*arguments, "--area", "0.785 cm2", "--out", str(out), "--json"])
    assert json.loads(said.stdout)["outcome"] == "done"
    with (out / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    from openpyxl import load_workbook

    sheet = load_workbook(out / "results.xlsx")["data"]
    assert sheet.max_row == 5
    assert (out / "results.parquet").stat().st_size > 0
    assert "3 spectra of 3 files; 1 files were not read" in (out / "report.html").read_text()


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    arguments = ["eis", "batch", str(tmp_path / "empty"), "--terminals", "ion-blocking", "--thickness", "100 um"]
    with pytest.raises(InputError, match="holds no file"):
        CliRunner().invoke(app, [*arguments, "--area", "1 cm2", "--out", str(tmp_path / "out")], catch_exceptions=False)
