"""Commands that check a spectrum before it is fitted, and find its relaxation times."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import percolyte
from percolyte.cli import app
from percolyte.errors import InputError
from tests.test_measured_composite import write_spectrum


def said(*arguments: Any) -> Any:
    found = CliRunner().invoke(app, ["eis", *(str(word) for word in arguments), "--json"])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return json.loads(found.stdout)


def with_a_wild_point(path: Path) -> None:
    """Point 20 is doubled."""
    write_spectrum(path, "electron-blocking", 1e-4)
    lines = path.read_text().splitlines()
    frequency, real, imaginary = lines[20].split(",")
    lines[20] = f"{frequency},{2.0 * float(real):.9g},{2.0 * float(imaginary):.9g}"
    path.write_text("\n".join(lines) + "\n")


def test_a_clean_spectrum_is_consistent(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "electron-blocking", 1e-4)
    (found,) = said("check", tmp_path / "a.csv")["spectra"]
    assert found["verdict"] == "consistent"
    assert found["outliers"] == {}
    # the noise put in is 0.5 % of |Z|, its real and imaginary parts each that over sqrt(2)
    assert found["noise_relative"] == pytest.approx(0.005 / 2**0.5, rel=0.25)


def test_a_wild_point_is_named_and_can_be_left_out(tmp_path: Path) -> None:
    with_a_wild_point(tmp_path / "a.csv")
    (found,) = said("check", tmp_path / "a.csv")["spectra"]
    assert list(found["outliers"]) == ["20"]
    cell = ("--terminals", "electron-blocking", "--thickness", "100 um", "--area", "0.785 cm2")
    kept, left = said("fit", tmp_path / "a.csv", *cell), said("fit", tmp_path / "a.csv", *cell, "--exclude", "20")
    assert left["residual_rms_relative"][0] < 0.01 < kept["residual_rms_relative"][0]


def test_a_point_that_is_not_there_cannot_be_left_out(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "electron-blocking", 1e-4)
    cell = ("--terminals", "electron-blocking", "--thickness", "100 um", "--area", "0.785 cm2")
    with pytest.raises(InputError, match="99"):
        said("fit", tmp_path / "a.csv", *cell, "--exclude", "99")
    with pytest.raises(InputError, match="write their numbers"):
        said("fit", tmp_path / "a.csv", *cell, "--exclude", "x")


def test_the_relaxation_times_add_up_to_the_polarisation(tmp_path: Path) -> None:
    """Of SE|CE|SE: from R_p = R_i R_e/R to R_i, 1.27e2 ohm here."""
    write_spectrum(tmp_path / "a.csv", "electron-blocking", 1e-4)
    figure, table = tmp_path / "drt.svg", tmp_path / "drt.csv"
    (found,) = said("drt", tmp_path / "a.csv", "--area", "0.785 cm2", "--figure", figure, "--out", table)["spectra"]
    total = 1e-4 / (0.01 * 0.785e-4)
    assert found["polarisation_resistance_ohm"]["value"] + found["series_resistance_ohm"] == pytest.approx(
        total, rel=0.01
    )
    assert figure.exists()
    assert table.read_text().startswith("Time Constant / s")


def test_the_lobes_of_a_transmission_line_are_one_peak() -> None:
    """The spectrum that is shipped: what the page of relaxation times says of it."""
    shipped = Path(percolyte.__file__).parent / "designs/measured-nmc811-li.electron-blocking.csv"
    (found,) = said("drt", shipped)["spectra"]
    (peak,) = found["peaks"]
    assert peak["resistance_ohm"]["value"] == pytest.approx(276.0, abs=0.5)  # to the digits of the page


def test_what_a_suggestion_of_processes_needs_is_said_once(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "electron-blocking", 1e-4)
    found = CliRunner().invoke(app, ["eis", "drt", str(tmp_path / "a.csv")])
    assert found.output.count("--area") == 1
    whole = ["eis", "drt", str(tmp_path / "a.csv"), "--area", "0.785 cm2", "--thickness", "100 um"]
    assert "suggests" not in CliRunner().invoke(app, whole).output


def test_a_spectrum_in_ohm_cm2_is_checked_with_its_area(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "electron-blocking", 1e-4)
    lines = (tmp_path / "a.csv").read_text().splitlines()
    (tmp_path / "b.csv").write_text("\n".join(["freq/Hz,Re(Z) [Ohm cm2],-Im(Z) [Ohm cm2]", *lines[1:]]) + "\n")
    (plain,), (found,) = (said("check", tmp_path / name, "--area", "1 cm2")["spectra"] for name in ("a.csv", "b.csv"))
    assert (found["verdict"], found["noise_relative"]) == (plain["verdict"], pytest.approx(plain["noise_relative"]))
    with pytest.raises(InputError, match=r"--area '0\.785 cm2'"):
        said("check", tmp_path / "b.csv")
