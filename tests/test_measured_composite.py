"""A composite measured in several cells: fitted together, and taken as the transport of a design."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from percolyte.cli import app
from percolyte.design import Design, design_from, write_design
from percolyte.errors import InputError
from percolyte.evaluation import evaluate
from percolyte.impedance.cells import MeasuredCell, impedance_model
from percolyte.impedance.composite import CompositeFit, MeasurementFile, fit_composite
from percolyte.impedance.polarisation import StepResponse
from percolyte.nouns import read_noun
from percolyte.report.html import render_report
from tests.build import a_design_data

AREA, IONIC, ELECTRONIC = 0.785e-4, 0.01, 0.2
"""m2, S/m"""
NOISE = 0.005


def values_of(thickness: float, contact: float) -> dict[str, float]:
    """Resistances of the whole cell in ohm, an interface of 0.2 F s^(a-1) over 100 um."""
    return {
        "ionic_resistance": thickness / (IONIC * AREA),
        "electronic_resistance": thickness / (ELECTRONIC * AREA),
        "interface_cpe": 2e-4 * thickness / 1e-4,
        "interface_exponent": 0.9,
        "contact_resistance": contact,
    }


def write_spectrum(path: Path, terminals: Any, thickness: float, *, contact: float = 0.0, seed: int = 1) -> None:
    cell = MeasuredCell(
        terminals=terminals, area=AREA, thickness=thickness, contact="resistance" if contact else "none"
    )
    model = impedance_model(cell)
    frequency = np.logspace(6, -2, 60)
    values = values_of(thickness, contact)
    z, _ = model.evaluate(np.array([values[p.name] for p in model.parameters]), 2.0 * np.pi * frequency)
    random = np.random.default_rng(seed)
    z = z + NOISE * np.abs(z) * (random.standard_normal(60) + 1j * random.standard_normal(60)) / np.sqrt(2.0)
    rows = [f"{f:.9g},{x.real:.9g},{-x.imag:.9g}" for f, x in zip(frequency, z, strict=True)]
    path.write_text("\n".join(["freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm", *rows]) + "\n")


def write_run(path: Path, seconds: float) -> None:
    """1 mA between ion-blocking contacts, 100 um, with a capacitance of 5 mF."""
    values = values_of(1e-4, 0.0)
    model = StepResponse("galvanostatic", "ions")
    time = np.linspace(seconds / 400, seconds, 400)
    response, _ = model.evaluate(np.array([values["ionic_resistance"], values["electronic_resistance"], 5e-3]), time)
    response = response * (1.0 + 0.001 * np.random.default_rng(2).standard_normal(400))
    rows = [f"{t:.9g},{1e-3 * v:.9g},1.0" for t, v in zip(time, response, strict=True)]
    path.write_text("\n".join(["time/s,Ewe/V,I/mA", *rows]) + "\n")


def a_file(file: str, terminals: str, thickness: str = "100 um", **more: Any) -> MeasurementFile:
    return read_noun(
        MeasurementFile, {"file": file, "terminals": terminals, "area": "0.785 cm2", "thickness": thickness, **more}
    )


def fitted(folder: Path, *files: MeasurementFile) -> CompositeFit:
    return fit_composite(files, folder)


def test_two_cells_of_different_thickness_give_both_conductivities(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "ion-blocking", 1e-4)
    write_spectrum(tmp_path / "b.csv", "electron-blocking", 2e-4, seed=2)
    found = fitted(tmp_path, a_file("a.csv", "ion-blocking"), a_file("b.csv", "electron-blocking", "200 um"))
    for name, true in (("ionic_conductivity", IONIC), ("electronic_conductivity", ELECTRONIC)):
        estimate = found.conductivities[name]
        # four standard errors: the interval is two on each side
        assert estimate.value == pytest.approx(true, rel=2.0 * (estimate.high / estimate.low - 1.0))
        assert estimate.high / estimate.low < 1.01
    assert found.warnings == ()


def test_a_contact_resistance_that_is_not_known_leaves_the_ions_unknown(tmp_path: Path) -> None:
    """Exactly degenerate: rails and series resistance can be traded without any change of the spectrum."""
    write_spectrum(tmp_path / "a.csv", "ion-blocking", 1e-4, contact=2.0)
    found = fitted(tmp_path, a_file("a.csv", "ion-blocking", contact="resistance"))
    assert found.conductivities["ionic_conductivity"].value is None
    assert found.conductivities["ionic_conductivity"].why
    assert any("cannot be told apart" in warning for warning in found.warnings)


def test_a_contact_resistance_that_is_stated_makes_them_known(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "ion-blocking", 1e-4, contact=2.0)
    stated = a_file("a.csv", "ion-blocking", contact="resistance", contact_resistance="1.57 ohm cm2")
    found = fitted(tmp_path, stated).conductivities
    assert found["electronic_conductivity"].value == pytest.approx(ELECTRONIC, rel=0.01)
    ionic = found["ionic_conductivity"]
    assert ionic.low < IONIC < ionic.high


def test_one_blocking_cell_says_what_a_contact_would_do(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "ion-blocking", 1e-4)
    assert any(
        "without contact resistance" in said for said in fitted(tmp_path, a_file("a.csv", "ion-blocking")).warnings
    )


def test_direct_current_joins_the_spectra(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "b.csv", "electron-blocking", 2e-4)
    write_run(tmp_path / "dc.csv", seconds=3.0)
    found = fitted(
        tmp_path,
        a_file("b.csv", "electron-blocking", "200 um"),
        a_file("dc.csv", "ion-blocking", method="polarisation"),
    )
    # the steady value of 400 points at 0.1 %
    assert found.conductivities["electronic_conductivity"].value == pytest.approx(ELECTRONIC, rel=1e-3)
    assert found.conductivities["ionic_conductivity"].value == pytest.approx(IONIC, rel=5e-3)


def test_a_run_that_is_too_short_is_said_to_be(tmp_path: Path) -> None:
    """T = (R_i + R_e) C = 0.67 s; half of it is needed."""
    write_run(tmp_path / "dc.csv", seconds=0.15)
    found = fitted(tmp_path, a_file("dc.csv", "ion-blocking", method="polarisation"))
    assert any("measure longer" in warning for warning in found.warnings)


def measured_design(folder: Path, *measurements: dict[str, Any], **changes: Any) -> Design:
    transport = {"kind": "impedance", "measurements": list(measurements)}
    return design_from(a_design_data(cathode={"transport": transport, **changes}), folder=folder)


def a_table(file: str, terminals: str, **more: Any) -> dict[str, Any]:
    return {"file": file, "terminals": terminals, "area": "0.785 cm2", "thickness": "100 um", **more}


def test_a_design_takes_its_transport_from_measured_files(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "ion-blocking", 1e-4)
    write_spectrum(tmp_path / "b.csv", "electron-blocking", 1e-4, seed=2)
    design = measured_design(tmp_path, a_table("a.csv", "ion-blocking"), a_table("b.csv", "electron-blocking"))
    found = evaluate(design, rates=[1.0])
    assert found.transport.kind == "impedance"
    assert found.transport.ionic == pytest.approx(IONIC, rel=0.01)
    assert found.transport.ionic_error is not None
    assert 0.0 < found.transport.ionic_error < 0.01
    assert "a.csv" in found.transport.statement
    entry = next(entry for entry in found.ledger.entries if entry.where == "cathode.transport.ionic")
    assert entry.origin == "measured"
    assert "95 %" in entry.note
    assert found.rate is not None, found.rate_missing
    assert found.rate.cell.cathode.ionic == found.transport.ionic
    page = render_report(found)
    assert "<h2>Measured impedance</h2>" in page
    assert "Bruggeman with exponent 1.5" in page
    assert design_from_text(write_design(design), tmp_path) == design


def design_from_text(text: str, folder: Path) -> Design:
    import tomllib

    return design_from(tomllib.loads(text), folder=folder)


def test_a_composite_that_conducts_better_than_its_electrolyte_could_fails_a_check(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "b.csv", "electron-blocking", 1e-4)
    thick = a_table("b.csv", "electron-blocking") | {"thickness": "4 mm"}
    found = evaluate(measured_design(tmp_path, thick))
    verdicts = {check.name: check.verdict for check in found.checks}
    assert verdicts["tortuosity factor of the ions in the cathode"] == "fail"


def the_temperature_check(folder: Path, *tables: dict[str, Any]) -> Any:
    found = evaluate(measured_design(folder, *tables))
    return next(check for check in found.checks if check.name == "temperature of the cathode's measured impedance")


def test_a_measurement_at_another_temperature_than_the_designs_is_a_warning(tmp_path: Path) -> None:
    """Stated by the file, or by the entry, which stands above it."""
    write_spectrum(tmp_path / "b.csv", "electron-blocking", 1e-4)
    (tmp_path / "hot.csv").write_text("# temperature: 60 degC\n" + (tmp_path / "b.csv").read_text())
    hot = the_temperature_check(tmp_path, a_table("hot.csv", "electron-blocking"))
    assert hot.verdict == "warn"
    assert hot.value == (
        "measured at: hot.csv 60 degC; the design runs at 25 degC; its conductivities are used as measured, uncorrected"
    )
    assert hot.limit == "within 2 K of the design; measure there, or write temperature = '60 degC' in the design"
    assert 'kind = "given"' in hot.meaning
    overruled = the_temperature_check(tmp_path, a_table("hot.csv", "electron-blocking", temperature="26 degC"))
    assert overruled.verdict == "pass"
    silent = the_temperature_check(tmp_path, a_table("b.csv", "electron-blocking"))
    assert silent.verdict == "info"
    assert "write temperature = '25 degC' into the measurement" in silent.limit
    both = the_temperature_check(
        tmp_path, a_table("b.csv", "electron-blocking"), a_table("b.csv", "electron-blocking", temperature="0 degC")
    )
    assert both.verdict == "warn"


def test_every_problem_of_the_measurements_is_named_at_once(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "ion-blocking", 1e-4)
    with pytest.raises(InputError) as raised:
        measured_design(
            tmp_path,
            a_table("absent.csv", "ion-blocking"),
            a_table("a.csv", "ion-blokcing"),
            a_table("a.csv", "electrode", method="polarisation"),
            a_table("a.csv", "ion-blocking", contact_resistance="2 ohm cm2"),
            a_table("a.csv", "ion-blocking") | {"area": "1 mm"},
        )
    said = str(raised.value)
    assert "absent.csv" in said
    assert "'ion-blocking'" in said
    assert "direct current is read between" in said
    assert "write contact = 'resistance' too" in said
    assert "'1 mm' is not an area" in said


def test_a_file_that_holds_no_spectrum_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("this is a letter\n")
    with pytest.raises(InputError) as raised:
        evaluate(measured_design(tmp_path, a_table("a.csv", "ion-blocking")))
    assert "cathode.transport.measurements.1.file" in str(raised.value)


@pytest.mark.parametrize("terminals", ["ion-blocking", "electron-blocking", "electrode"])
def test_the_command_gives_intervals_or_the_reason_why_not(tmp_path: Path, terminals: str) -> None:
    write_spectrum(tmp_path / "a.csv", terminals, 1e-4)
    arguments = ["eis", "fit", str(tmp_path / "a.csv"), "--terminals", terminals, "--thickness", "100 um"]
    said = CliRunner().invoke(app, [*arguments, "--area", "0.785 cm2", "--json"])
    found = json.loads(said.stdout)
    assert found["outcome"] == "done"
    for name in ("ionic_conductivity_S_per_m", "electronic_conductivity_S_per_m"):
        if found[name] is None:
            # an electrode does not tell which rail is which
            assert terminals == "electrode"
            assert "exchanged" in found["why"][name]
        else:
            assert found[name]["low"] < found[name]["value"] < found[name]["high"]
    assert isinstance(found["warnings"], list)


def test_the_command_fits_a_circuit_and_draws_it(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "electron-blocking", 1e-4)
    figure = tmp_path / "fit.svg"
    arguments = ["eis", "fit", str(tmp_path / "a.csv"), "--circuit", "R0-p(R1,CPE1)", "--figure", str(figure), "--json"]
    found = json.loads(CliRunner().invoke(app, arguments).stdout)
    assert {"R0", "R1"} <= found["parameters"].keys()
    assert found["ionic_conductivity_S_per_m"] is None
    assert "<svg" in figure.read_text()


def test_a_file_of_another_cell_than_stated_is_named_and_fails_a_check(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "ion-blocking", 1e-4)
    write_spectrum(tmp_path / "b.csv", "electron-blocking", 1e-4, seed=2)
    both = [a_table(name, "ion-blocking") for name in ("a.csv", "b.csv")]
    found = evaluate(measured_design(tmp_path, *both))
    assert found.transport.measured is not None
    assert any("check its terminals" in warning for warning in found.transport.measured.warnings)
    assert {check.name: check.verdict for check in found.checks}["fit of the cathode's measured impedance"] == "fail"


def test_options_that_are_missing_are_named_as_they_are_written(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "ion-blocking", 1e-4)
    with pytest.raises(InputError, match=r"--thickness: is missing; write for example --thickness '100 um'"):
        CliRunner().invoke(
            app, ["eis", "fit", str(tmp_path / "a.csv"), "--terminals", "ion-blocking"], catch_exceptions=False
        )
