"""Runs of direct current on a composite, from the file to what each run is worth."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from percolyte.cli import app
from percolyte.errors import InputError
from percolyte.impedance.composite import MeasurementFile
from percolyte.impedance.measurement import Polarisation
from percolyte.impedance.polarisation import Blocked, Mode, StepResponse
from percolyte.impedance.transient import Polarised, polarised
from percolyte.nouns import read_noun

AREA, LENGTH = 0.785e-4, 1e-4
RAILS = [60.0, 12.0, 2e-3]
"""R_i, R_e in ohm and C in F of 100 um."""
T = 72.0 * 2e-3
CELL = ("--thickness", "100 um", "--area", "0.785 cm2")


def a_file(terminals: str, thickness: str = "100 um", file: str = "a.csv", **more: Any) -> MeasurementFile:
    table = {"file": file, "terminals": terminals, "area": "0.785 cm2", "thickness": thickness}
    return read_noun(MeasurementFile, {**table, "method": "polarisation", **more})


def a_run(mode: Mode, blocked: Blocked, values: list[float], lasted: float, noise: float = 0.0) -> Polarisation:
    """From a thousandth of T on, `lasted` times T; 0.1 mA or 10 mV."""
    time = np.geomspace(1e-3, lasted, 150) * (values[0] + values[1]) * values[2]
    response, _ = StepResponse(mode, blocked, contact=len(values) == 4).evaluate(np.array(values), time)
    response = response + noise * response.max() * np.random.default_rng(3).standard_normal(150)
    applied = 1e-4 if mode == "galvanostatic" else 1e-2
    return Polarisation(mode, time, applied * response, applied)


def write(path: Path, run: Polarisation) -> Path:
    constant = np.full_like(run.time, run.applied)
    pair = (run.response, constant) if run.mode == "galvanostatic" else (constant, run.response)
    rows = [f"{t:.10g},{v:.10g},{i:.10g}" for t, v, i in zip(run.time, *pair, strict=True)]
    path.write_text("\n".join(["time/s,Ewe/V,I/A", *rows]) + "\n")
    return path


def value(found: Polarised, name: str) -> float | None:
    return found.composite.conductivities[name].value


@pytest.mark.parametrize("mode", ["galvanostatic", "potentiostatic"])
@pytest.mark.parametrize("terminals", ["ion-blocking", "electron-blocking"])
def test_a_run_of_the_model_gives_back_rails_and_diffusion(mode: Mode, terminals: str) -> None:
    blocked: Blocked = "ions" if terminals == "ion-blocking" else "electrons"
    found = polarised([a_file(terminals)], [a_run(mode, blocked, RAILS, 1.0)])
    # what the solver leaves
    assert value(found, "ionic_conductivity") == pytest.approx(LENGTH / AREA / 60.0, rel=1e-6)
    assert value(found, "electronic_conductivity") == pytest.approx(LENGTH / AREA / 12.0, rel=1e-6)
    assert found.diffusion.value == pytest.approx(LENGTH**2 / T, rel=1e-6)
    (run,) = found.runs
    assert run.duration.sufficient
    passing = 12.0 if blocked == "ions" else 60.0
    assert run.final == pytest.approx(passing, rel=1e-6)
    # exp(-pi^2) of the largest mode is still to come
    assert run.last == pytest.approx(LENGTH / AREA / passing, rel=1e-4)


def test_a_series_resistance_that_is_not_known_hides_the_rails_and_not_the_relaxation() -> None:
    """V/I has three numbers, R_0, G and T, for four unknowns; T is one of the three."""
    run = a_run("galvanostatic", "electrons", [*RAILS, 5.0], 1.0, noise=1e-3)
    found = polarised([a_file("electron-blocking", contact="resistance")], [run])
    assert value(found, "ionic_conductivity") is None
    assert value(found, "electronic_conductivity") is None
    assert found.diffusion.low < LENGTH**2 / T < found.diffusion.high
    assert found.diffusion.high / found.diffusion.low < 1.1
    assert found.runs[0].final == pytest.approx(65.0, rel=1e-3)
    known = a_file("electron-blocking", contact="resistance", contact_resistance="3.925 ohm cm2")
    assert value(polarised([known], [run]), "ionic_conductivity") == pytest.approx(LENGTH / AREA / 60.0, rel=2e-3)


def test_layers_of_known_conductivity_count_as_a_known_series_resistance() -> None:
    """Two layers of 500 um at 2 mS/cm are 63.7 ohm."""
    layers = 2.0 * 5e-4 / (0.2 * AREA)
    run = a_run("galvanostatic", "electrons", [*RAILS, layers], 1.0)
    electrolyte: dict[str, Any] = {"electrolyte": {"thickness": "500 um"}, "electrolyte_conductivity": "2 mS/cm"}
    found = polarised([a_file("electron-blocking", **electrolyte)], [run])
    assert value(found, "ionic_conductivity") == pytest.approx(LENGTH / AREA / 60.0, rel=1e-6)
    # a contact that is not known beside them leaves the sum unknown
    unknown = a_file("electron-blocking", contact="resistance", **electrolyte)
    assert value(polarised([unknown], [run]), "ionic_conductivity") is None


@pytest.mark.parametrize("lasted", [0.05, 0.2, 1.0])
def test_the_intervals_cover_the_true_values_of_short_runs_too(lasted: float) -> None:
    """Where linear ones of a run of 0.05 T covered D in 26 of 40. 95 % of 40 cover at least 33 in all but 1e-3 of cases."""
    true = LENGTH / AREA / 60.0, LENGTH / AREA / 12.0, LENGTH**2 / T
    clean, covered, generator = (
        a_run("galvanostatic", "electrons", RAILS, lasted),
        np.zeros(3),
        np.random.default_rng(1),
    )
    for _ in range(40):
        noisy = clean.response + 2e-3 * clean.response.max() * generator.standard_normal(clean.time.size)
        one = polarised([a_file("electron-blocking")], [Polarisation("galvanostatic", clean.time, noisy, 1e-4)])
        found = (*one.composite.conductivities.values(), one.diffusion)
        covered += [estimate.low <= value <= estimate.high for estimate, value in zip(found, true, strict=True)]
    assert covered.min() >= 33


def test_a_run_in_which_nothing_relaxes_says_nothing_of_the_rails() -> None:
    """Flat before its relaxation and after it: the same data."""
    flat = 1e-4 * 10.0 * (1.0 + 1e-3 * np.random.default_rng(2).standard_normal(50))
    run = Polarisation("galvanostatic", np.linspace(1.0, 50.0, 50), flat, 1e-4)
    found = polarised([a_file("electron-blocking")], [run])
    assert [one.value for one in found.composite.conductivities.values()] == [None, None]
    assert found.diffusion.value is None
    assert any("do not show their relaxation" in warning for warning in found.warnings)
    assert not any("times its relaxation time" in warning for warning in found.warnings)


def test_a_thicker_layer_relaxes_with_the_square_of_its_thickness() -> None:
    thick = [2.0 * RAILS[0], 2.0 * RAILS[1], 2.0 * RAILS[2]]
    files = [a_file("ion-blocking"), a_file("electron-blocking", "200 um", "b.csv")]
    runs = [a_run("galvanostatic", "ions", RAILS, 1.0), a_run("potentiostatic", "electrons", thick, 0.2)]
    found = polarised(files, runs)
    assert [run.relaxation for run in found.runs] == pytest.approx([T, 4.0 * T], rel=1e-6)
    assert [run.duration.relaxation_times for run in found.runs] == pytest.approx([1.0, 0.2], rel=1e-6)
    (short,) = (warning for warning in found.warnings if "needs 0.5" in warning)
    assert short.startswith("b.csv: the run lasted 0.2")


def test_the_square_root_law_gives_the_same_diffusion_and_says_where_it_does_not_hold() -> None:
    model = polarised([a_file("electron-blocking")], [a_run("galvanostatic", "electrons", RAILS, 1.0)])
    law = model.runs[0].square_root
    # the law departs by up to 1e-3 of the rise at the last of its points, which counts twice in D
    assert law.diffusion == pytest.approx(LENGTH**2 / T, rel=4e-3)
    assert law.first == pytest.approx(10.0, abs=0.05)
    held = polarised([a_file("ion-blocking")], [a_run("potentiostatic", "ions", RAILS, 1.0)]).runs[0].square_root
    assert held.first is None
    assert "constant voltage" in held.why
    late = a_run("galvanostatic", "electrons", RAILS, 1.0)
    late = Polarisation(late.mode, late.time[120:], late.response[120:], late.applied)
    found = polarised([a_file("electron-blocking")], [late]).runs[0].square_root
    assert found.first is None
    assert "only 0 points" in found.why


def test_the_amplitude_is_the_largest_voltage_of_the_run() -> None:
    run = polarised([a_file("electron-blocking")], [a_run("galvanostatic", "electrons", RAILS, 1.0)]).runs[0]
    assert run.linearity.ratio == pytest.approx(1e-4 * 60.0 / 0.0256926, rel=1e-4)
    strong = Polarisation("potentiostatic", run.run.time, np.full(150, 1.0) + np.linspace(1.0, 0.0, 150), 0.05)
    found = polarised([a_file("ion-blocking")], [strong])
    assert "half the amplitude" in found.runs[0].linearity.words


def test_lithium_behind_layers_of_electrolyte_is_said_to_be_left_out() -> None:
    found = polarised([a_file("lithium-symmetric")], [a_run("galvanostatic", "electrons", RAILS, 1.0)])
    assert any("electrolyte layers and lithium were fitted without resistance" in said for said in found.warnings)


def test_the_command_says_it_in_words_in_json_and_in_a_figure(tmp_path: Path) -> None:
    file, figure = write(tmp_path / "a.csv", a_run("galvanostatic", "ions", RAILS, 0.2, 1e-3)), tmp_path / "a.svg"
    arguments = ["eis", "polarise", str(file), "--terminals", "ion-blocking", *CELL]
    said = CliRunner().invoke(app, arguments, catch_exceptions=False).stdout
    assert "diffusion coefficient of the layer, chemical: " in said
    assert ", and needs 0.5: its last point overestimates the conductivity by 1." in said  # 2 % of G at 0.2 T
    found = json.loads(CliRunner().invoke(app, [*arguments, "--json", "--figure", str(figure)]).stdout)
    assert found["electronic_conductivity_S_per_m"]["value"] == pytest.approx(LENGTH / AREA / 12.0, rel=0.01)
    assert math.log(found["chemical_diffusion_coefficient_m2_per_s"]["value"] * T / LENGTH**2) == pytest.approx(
        0, abs=0.1
    )
    assert found["runs"][0]["long_enough"] is False
    assert "<svg" in figure.read_text()


def test_what_is_no_run_of_a_composite_is_refused_with_what_to_write(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", a_run("galvanostatic", "ions", RAILS, 1.0))

    def refused(*arguments: str, path: Path = file) -> str:
        with pytest.raises(InputError) as raised:
            CliRunner().invoke(app, ["eis", "polarise", str(path), *arguments], catch_exceptions=False)
        return str(raised.value)

    assert "direct current is read between" in refused("--terminals", "electrode", *CELL)
    assert "--thickness: is missing" in refused("--terminals", "ion-blocking", "--area", "1 cm2")
    assert "is not an area" in refused("--terminals", "ion-blocking", "--thickness", "100 um", "--area", "1 cm")
    assert "--contact arc: direct current shows no arc" in refused(
        "--terminals", "ion-blocking", "--contact", "arc", *CELL
    )
    assert "'25' has no unit" in refused("--terminals", "ion-blocking", "--temperature", "25", *CELL)
    assert "no single step: the current goes" in refused(
        "--terminals", "ion-blocking", "--mode", "galvanostatic", *CELL,
        path=write(tmp_path / "v.csv", a_run("potentiostatic", "ions", RAILS, 1.0)),
    )  # fmt: skip
    rows = file.read_text().splitlines()
    for name, lines, said in (
        ("one", rows[:2], "state it: --mode galvanostatic"),
        ("few", rows[:4], "3 points with current, which is no run"),
        ("voltage", [row.rpartition(",")[0] for row in rows], "has time and voltage and no column of current"),
        ("units", ["t,U,I / kA", *rows[1:]], "3 problems"),
        ("unit", ["t / s,U,I / A", *rows[1:]], "column 'U': names no unit of voltage that is known"),
        ("letter", ["Time and current, as asked:", "see the other file"], "no spectrum that can be recognised"),
        ("nan", [*rows[:5], "1,nan,1e-4", *rows[5:]], "line 6 holds no number"),
        ("twice", [*rows, *rows[1:]], "as where another run begins"),
    ):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        assert said in refused("--terminals", "ion-blocking", *CELL, path=tmp_path / name)
    spectrum = tmp_path / "s.csv"
    spectrum.write_text("freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm\n" + "\n".join(f"{10**k},{k + 1},1" for k in range(9)) + "\n")
    assert "is an impedance spectrum" in refused("--terminals", "ion-blocking", *CELL, path=spectrum)


@pytest.mark.parametrize(
    ("terminals", "said"),
    [
        ("separator", "eis transference (between lithium) and eis leakage"),
        ("mixed", "not 'mixed'"),
        ("electrode", "not 'electrode'"),
        ("ion-bloking", "did you mean 'ion-blocking' or 'electron-blocking'?"),
    ],
)
def test_terminals_without_direct_current_are_refused_with_the_three_that_have_it(
    tmp_path: Path, terminals: str, said: str
) -> None:
    file = write(tmp_path / "run.csv", a_run("potentiostatic", "ions", RAILS, 1.0))
    with pytest.raises(InputError) as raised:
        CliRunner().invoke(app, ["eis", "polarise", str(file), "--terminals", terminals, *CELL], catch_exceptions=False)
    message = str(raised.value)
    assert "--terminals: direct current is read between ion-blocking, lithium-symmetric, electron-blocking" in message
    assert said in message
    assert "symmetric-electrodes" not in message
