"""The commands on the cell model: the keys that other programs rely on, and what bad input is answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet  # type: ignore[import-untyped]
from typer.testing import CliRunner

from percolyte.cell.spectrum import Spectrum, reported_spectrum
from percolyte.cell.thick import critical_thickness
from percolyte.cli import app, main
from percolyte.commands.shared import built
from percolyte.design import read_design
from percolyte.examples import find_design
from percolyte.report.cell_figures import nyquist_figure
from tests.build import a_design_data, write_toml

DESIGN = "wang2021-nmc811-li"
SIMULATE_KEYS = {
    "outcome",
    "areal_capacity_mAh_per_cm2",
    "specific_capacity_mAh_per_g",
    "areal_energy_mWh_per_cm2",
    "utilisation",
}


def json_of(*words: str) -> Any:
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The message of a command that is refused with exit status 2."""
    monkeypatch.setattr("sys.argv", ["percolyte", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    said = capsys.readouterr()
    assert stopped.value.code == 2
    assert "Traceback" not in said.err
    return said.err


def test_simulate_has_the_keys_that_programs_rely_on() -> None:
    found = json_of("simulate", DESIGN, "--c-rate", "1", "--cutoff", "2.5 V")
    assert SIMULATE_KEYS | {"time_s", "voltage_V"} <= found.keys()
    assert len(found["time_s"]) == len(found["voltage_V"]) > 10
    # the kernel meets a voltage limit to a microvolt
    assert found["voltage_V"][-1] == pytest.approx(2.5, abs=2e-6)


def test_a_current_density_and_the_same_c_rate_are_the_same_discharge() -> None:
    # 4.032 mAh/cm2 of reversible capacity, so that 1C is 4.032 mA/cm2
    by_rate, by_current = (
        json_of("simulate", DESIGN, "--c-rate", "1"),
        json_of("simulate", DESIGN, "--current", "4.032 mA/cm2"),
    )
    assert by_current["areal_capacity_mAh_per_cm2"] == pytest.approx(by_rate["areal_capacity_mAh_per_cm2"], rel=1e-9)


def test_rate_lists_the_same_without_the_curves() -> None:
    found = json_of("rate", DESIGN, "--c-rates", "0.1,C/2,3")
    assert [point["c_rate"] for point in found["rates"]] == [0.1, 0.5, 3.0]
    for point in found["rates"]:
        assert point.keys() >= SIMULATE_KEYS
        assert "voltage_V" not in point
    delivered = [point["areal_capacity_mAh_per_cm2"] for point in found["rates"]]
    assert delivered == sorted(delivered, reverse=True)


def test_a_protocol_says_how_each_step_ended() -> None:
    words = "discharge at 1C until 2.8 V; rest for 10 min; charge at 1C until 4.2 V; hold at 4.2 V until C/20"
    found = json_of("simulate", DESIGN, "--protocol", words)
    assert [step["end"] for step in found["steps"]] == ["lower voltage", "time", "upper voltage", "current"]
    # the held voltage ends at its limit of current, not at the time step after it
    assert abs(found["current_mA_per_cm2"][-1]) == pytest.approx(4.032 / 20, rel=2e-3)


def test_a_limit_that_is_passed_at_once_is_said() -> None:
    found = json_of("simulate", DESIGN, "--protocol", "discharge at 1C until 4.2 V")
    assert found["steps"][0]["end"] == "limit passed at once"


def test_losses_add_up_to_the_distance_from_rest_at_the_start() -> None:
    found = json_of("simulate", DESIGN, "--c-rate", "1")
    lost = sum(volts[0] for volts in found["loss_mV"].values())
    # before any charge has passed the particles are uniform, and what is lost is rest minus load: 4.273 V by Chen's curve
    assert 4273.0 - 1000 * found["voltage_V"][0] == pytest.approx(lost, abs=1.0)


def test_heat_stands_beside_the_voltage_and_adds_up(tmp_path: Path) -> None:
    found = json_of("simulate", DESIGN, "--c-rate", "1")
    heat = found["heat_J_per_m2"]
    assert heat["irreversible"] + heat["reversible"] + heat["mixing"] == pytest.approx(heat["total"], rel=1e-12)
    for kind in ("irreversible", "reversible"):
        rows = np.array(found[f"{kind}_heat_W_per_m2"])
        # straight lines between some fifty rows
        assert np.trapezoid(rows, found["time_s"]) == pytest.approx(heat[kind], rel=1e-3)
    curves = tmp_path / "curves.parquet"
    assert CliRunner().invoke(app, ["simulate", DESIGN, "--c-rate", "1", "--out", str(curves)]).exit_code == 0
    table = parquet.read_table(curves)
    for kind in ("irreversible", "reversible"):
        assert table[f"{kind.capitalize()} heat / W m-2"].to_pylist() == found[f"{kind}_heat_W_per_m2"]


def test_rate_has_the_heat_of_each_discharge(tmp_path: Path) -> None:
    path = tmp_path / "rates.parquet"
    found = json_of("rate", DESIGN, "--c-rates", "0.1,1,3", "--out", str(path))
    totals = [point["heat_J_per_m2"]["total"] for point in found["rates"]]
    assert totals == sorted(totals)
    table = parquet.read_table(path)
    # 1 mWh/cm2 is 36 kJ/m2
    assert table["Heat / mWh cm-2"].to_pylist() == pytest.approx([total / 36e3 for total in totals])


def a_file_with_entropy(folder: Path, table: str | None = None, **active: str) -> str:
    """A design of LFP, whose entropy coefficient the library does not know; `table` is the file of the design's own."""
    data = a_design_data(
        cathode={"recipe": {"LFP": "80 %", "Li6PS5Cl": "20 %"}, "active": active | {"density": "3.6 g/cm3"}}
    )
    if table is not None:
        (folder / "entropy.csv").write_text(table)
        data["cathode"]["active"]["entropy_table"] = "entropy.csv"
    return str(write_toml(folder / "cell.toml", data))


def test_an_unknown_entropy_coefficient_is_assumed_zero_and_said(tmp_path: Path) -> None:
    found = json_of("simulate", a_file_with_entropy(tmp_path))
    assert "cathode.active.entropy_coefficient = 0 mV/K" in found["assumed"]
    assert found["heat_J_per_m2"]["reversible"] == 0.0
    own = json_of("simulate", a_file_with_entropy(tmp_path, entropy_coefficient="-0.1 mV/K"))
    assert not any("entropy" in word for word in own["assumed"])
    # T |dU/dT| = 29.8 mV on all charge, a cell whose voltage falls with temperature: it warms
    passed = own["areal_capacity_mAh_per_cm2"] * 3.6e4
    assert own["heat_J_per_m2"]["reversible"] == pytest.approx(298.15 * 1e-4 * passed, rel=1e-6)


def test_a_table_of_a_constant_coefficient_is_the_constant(tmp_path: Path) -> None:
    rows = "x,V/K\n" + "\n".join(f"{x},-1e-4" for x in (0.1, 0.3, 0.5, 0.7, 0.9))
    heats = [
        json_of("simulate", file)["heat_J_per_m2"]["reversible"]
        for file in (
            a_file_with_entropy(tmp_path, rows),
            a_file_with_entropy(tmp_path, entropy_coefficient="-0.1 mV/K"),
        )
    ]
    assert heats[0] == pytest.approx(heats[1], rel=1e-9)


@pytest.mark.parametrize(
    ("table", "active", "said"),
    [
        ("0.1,-1e-4\n0.9,1e-4\n", {}, "has 2 points; five at least make a curve"),
        ("0.1,0\n0.2,0\n0.2,1e-4\n0.3,0\n0.4,0\n", {}, "gives two values for one stoichiometry"),
        ("0.1,0\n0.2,0\n0.3,0\n0.4,0\n1.4,0\n", {}, "has a stoichiometry outside 0 to 1"),
        ("0.1,-0.1\n0.2,0\n0.3,0\n0.4,0\n0.5,0\n", {}, "the second column is in V/K, so that -0.1 mV/K is -1e-4"),
        ("0.1,0\n0.2,zero\n", {}, "line 2 is not two numbers, stoichiometry and V/K"),
        ("0.1,0\n", {"entropy_coefficient": "0.1 mV/K"}, "exclude each other"),
        (None, {"entropy_coefficient": "0.1 V"}, "write for example '-0.1 mV/K'"),
        (None, {"entropy_table": "../entropy.csv"}, "keep the file beside the design"),
        (None, {"entropy_table": "no.csv"}, "there is no file 'no.csv' beside the design"),
    ],
)
def test_a_wrong_entropy_coefficient_of_a_design_is_told_what_to_change(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    table: str | None, active: dict[str, str], said: str,
) -> None:  # fmt: skip
    assert said in refusal(monkeypatch, capsys, "simulate", a_file_with_entropy(tmp_path, table, **active))


@pytest.mark.parametrize("kind", ["bpx", "pybamm"])
def test_export_writes_a_file_and_says_what_is_lost(tmp_path: Path, kind: str) -> None:
    done = CliRunner().invoke(app, ["export", DESIGN, "--to", kind, "--out", str(tmp_path / "cell.out")])
    assert done.exit_code == 0
    assert (tmp_path / "cell.out").stat().st_size > 1000
    assert "lost:" in done.stdout


def test_fit_returns_what_a_simulated_discharge_was_made_with(tmp_path: Path) -> None:
    curve = tmp_path / "measured.csv"
    assert CliRunner().invoke(app, ["simulate", DESIGN, "--c-rate", "2", "--out", str(curve)]).exit_code == 0
    words = ["fit", DESIGN, str(curve), "--area", "1 cm2", "--property", "cathode solid diffusivity"]
    value = json_of(*words)["parameters"]["cathode solid diffusivity"]
    # made with 4e-15 m2/s; 2 % is what joining the rows of the file by straight lines may cost
    assert float(value["value"].split()[0]) == pytest.approx(4e-15, rel=0.02)


def test_impedance_falls_from_low_to_high_frequency() -> None:
    found = json_of("impedance", DESIGN, "--frequencies", "1e6 Hz, 1e-3 Hz, 5")
    real = found["real_ohm_cm2"]
    assert found["frequency_Hz"][0] > found["frequency_Hz"][-1]
    assert real == sorted(real)


def test_the_nyquist_plot_shows_the_sum_of_the_parts_to_one_scale() -> None:
    frequency = np.geomspace(1e5, 1e-2, 15)
    spectrum = Spectrum(
        frequency,
        {
            "separator and contacts": np.full(15, 5e-4 + 0j),
            "cathode": np.asarray(1e-3 / (1 + 0.01j * 2 * np.pi * frequency), dtype=complex),
        },
    )
    (axes,) = nyquist_figure(spectrum).axes
    (points,) = (line.get_xydata() for line in axes.lines if line.get_label() == "cell")
    z = 1e4 * spectrum.impedance
    np.testing.assert_allclose(np.array(points), np.column_stack([z.real, -z.imag]), rtol=1e-12)
    assert axes.get_aspect() == 1.0


@pytest.mark.parametrize("name", ["wang2021-nmc811-li", "wang2021-lco-graphite", "yang2022-thick-cathode"])
def test_no_label_of_the_nyquist_plot_lies_on_a_curve_or_on_another(name: str) -> None:
    figure = nyquist_figure(reported_spectrum(built(name).cell))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    boxes = [label.get_window_extent() for label in axes.texts]
    assert len(boxes) >= 4
    for line in axes.lines:
        x, y = axes.transData.transform(line.get_xydata()).T
        at = np.linspace(0, x.size - 1, 20 * x.size)
        for box in boxes:
            assert not box.count_contains(np.column_stack([np.interp(at, range(x.size), v) for v in (x, y)]))
    assert not any(box.overlaps(other) for box in boxes for other in boxes if other is not box)


def test_impedance_writes_the_plot(tmp_path: Path) -> None:
    json_of("impedance", DESIGN, "--frequencies", "1e4 Hz, 1e-1 Hz, 3", "--figure", str(tmp_path / "z.svg"))
    assert (tmp_path / "z.svg").read_text().startswith("<?xml")


def test_the_best_loading_is_smaller_at_a_higher_rate() -> None:
    found = json_of("loadings", DESIGN, "--c-rates", "0.5,3")
    slow, fast = (rate["best_loading_mg_per_cm2"] for rate in found["rates"])
    assert fast < slow


@pytest.mark.parametrize(
    ("words", "heading", "rows"),
    [
        (["simulate", DESIGN], "Voltage / V", None),
        (["simulate", "PEO", "--current", "0.05 mA/cm2"], "Voltage / V", None),
        (["rate", DESIGN, "--c-rates", "0.5,3"], "Specific energy / Wh kg-1", 2),
        (["impedance", DESIGN, "--frequencies", "1e4 Hz, 1e-1 Hz, 3"], "Real impedance of total / ohm cm2", 16),
        (["loadings", DESIGN, "--c-rates", "1,3"], "Loading / mg cm-2", 30),
        (["critical-thickness", DESIGN], "Thickness / um", 42),
        (["ragone", DESIGN, "--powers", "100 W/kg,1 kW/kg"], "Specific power / W kg-1", 2),
    ],
)
def test_every_table_is_written_as_csv_and_as_parquet_with_its_design(
    tmp_path: Path, words: list[str], heading: str, rows: int | None
) -> None:
    design = str(a_polymer(tmp_path)) if words[1] == "PEO" else words[1]
    for name in ("t.csv", "t.parquet"):
        done = CliRunner().invoke(app, [words[0], design, *words[2:], "--out", str(tmp_path / name)])
        assert done.exit_code == 0, done.output
    table = parquet.read_table(tmp_path / "t.parquet")
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert lines[0] == ",".join(table.column_names)
    assert len(lines) - 1 == table.num_rows
    assert heading in table.column_names
    assert table.num_rows == (rows or table.num_rows) > 1
    assert table.schema.metadata[b"design"].decode() == read_design(find_design(design)).name


def a_polymer(folder: Path) -> Path:
    """A design whose salt is an unknown."""
    salt = {"concentration": "1000 mol/m3", "transference_number": 0.2, "diffusivity": "1e-11 m2/s"}
    return write_toml(folder / "polymer.toml", a_design_data(temperature="60 degC", salt=salt))


def test_fit_takes_the_data_of_the_design_where_no_file_is_named(tmp_path: Path) -> None:
    curve = tmp_path / "measured.parquet"
    path = write_toml(tmp_path / "cell.toml", a_design_data(measured=[{"file": curve.name}]))
    plain = write_toml(tmp_path / "plain.toml", a_design_data())
    assert CliRunner().invoke(app, ["simulate", str(plain), "--c-rate", "2", "--out", str(curve)]).exit_code == 0
    wanted = ["--property", "cathode solid diffusivity"]
    own, named = json_of("fit", str(path), *wanted), json_of("fit", str(plain), str(curve), *wanted)
    assert own["parameters"] == named["parameters"]


def test_the_critical_thickness_is_that_of_the_model(tmp_path: Path) -> None:
    found = json_of("critical-thickness", DESIGN, "--c-rate", "1", "--figure", str(tmp_path / "c.svg"))
    expected = critical_thickness(built(DESIGN).resolved, 1.0)
    assert found["critical_thickness_um"] == pytest.approx(1e6 * expected.thickness)
    # a current density that is 1C of that electrode is the same discharge of it
    same = json_of("critical-thickness", DESIGN, "--current", f"{found['areal_capacity_mAh_per_cm2']} mA/cm2")
    # both are bisected to a thousandth
    assert same["critical_thickness_um"] == pytest.approx(found["critical_thickness_um"], rel=2e-3)
    assert (tmp_path / "c.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize(("rate", "outcome"), [("0.0001", "thicker than sought"), ("10000", "never")])
def test_a_rate_without_a_critical_thickness_is_a_named_outcome_with_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], rate: str, outcome: str
) -> None:
    monkeypatch.setattr("sys.argv", ["percolyte", "critical-thickness", DESIGN, "--c-rate", rate, "--json"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 1
    assert json.loads(capsys.readouterr().out)["outcome"] == outcome


def test_ragone_gives_less_energy_at_more_power(tmp_path: Path) -> None:
    found = json_of("ragone", DESIGN, "--powers", "50 W/kg, 500 W/kg, 1e6 W/kg", "--figure", str(tmp_path / "r.svg"))
    points = found["points"]
    assert [point["specific_power_W_per_kg"] for point in points] == pytest.approx([50.0, 500.0, 1e6])
    energies = [point["specific_energy_Wh_per_kg"] for point in points]
    assert energies == sorted(energies, reverse=True)
    assert [point["outcome"] for point in points] == ["done", "done", "more power than the cell can give"]
    assert (tmp_path / "r.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize(("name", "said"), [("t.csv/a.csv", "is no folder"), ("folder.csv", "it is a folder")])
def test_an_output_that_cannot_be_written_is_refused_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    (tmp_path / "t.csv").write_text("old")
    (tmp_path / "folder.csv").mkdir()
    monkeypatch.setattr("percolyte.cell.run.simulate", None)
    assert said in refusal(monkeypatch, capsys, "simulate", DESIGN, "--out", str(tmp_path / name))
    assert (tmp_path / "t.csv").read_text() == "old"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["simulate", DESIGN, "--out", "curve.txt"], "end its name with .csv, .parquet or .xlsx"),
        (["rate", DESIGN, "--figure", "rates"], "end its name with .svg, .png, .pdf"),
        (["critical-thickness", DESIGN, "--c-rate", "1", "--current", "1 mA/cm2"], "only one"),
        (["critical-thickness", DESIGN, "--delivered", "100 %"], "between 0 and 1"),
        (["critical-thickness", "wang2021-li-rich-li"], "open-circuit potential"),
        (["ragone", DESIGN, "--powers", "100 W/kg, 5 W"], "not a specific power"),
        (["fit", DESIGN, "--property", "series resistance"], "no data to fit"),
        (["fit", DESIGN, "--property", "series resistance", "--area", "1 cm2"], "[[measured]] has its own"),
        (["fit", DESIGN, "none.csv", "--property", "series resistance"], "none.csv: cannot be read"),
        (["simulate", DESIGN, "--c-rate", "1", "--current", "1 mA/cm2"], "only one"),
        (["simulate", DESIGN, "--c-rate", "-1"], "no C-rate"),
        (["simulate", DESIGN, "--c-rate", "1", "--cutoff", "5 V"], "not below"),
        (["simulate", DESIGN, "--c-rate", "1", "--cutoff", "2.5 mV/s"], "not a voltage"),
        (["simulate", DESIGN, "--protocol", "chrge at 1C"], "did you mean 'charge'"),
        (["simulate", DESIGN, "--protocol", ""], "empty"),
        (["simulate", DESIGN, "--protocol", "hold at 4 V"], "says no end"),
        (["simulate", DESIGN, "--protocol", "follow nothing.csv"], "no such file"),
        (["simulate", "wang2021-li-rich-li", "--c-rate", "1"], "open-circuit potential"),
        (["rate", DESIGN, "--c-rates", "1,fast"], "no C-rate"),
        (["export", DESIGN, "--to", "comsol", "--out", "x"], "bpx or pybamm"),
        (["loadings", DESIGN, "--from", "60 mg/cm2", "--to", "5 mg/cm2"], "not below"),
        (["impedance", DESIGN, "--frequencies", "1e6 Hz"], "points per decade"),
    ],
)
def test_bad_input_gets_one_clear_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert said in refusal(monkeypatch, capsys, *words)


POLYMER = "polymer-nmc811-li"


def test_a_polymer_design_goes_through_the_same_commands() -> None:
    words = "discharge at 1C until 3 V; rest for 10 min; charge at C/5 until 4 V; hold at 4 V until C/20"
    found = json_of("simulate", POLYMER, "--protocol", words)
    assert found["model"] == "salt in a polymer"
    assert [step["end"] for step in found["steps"]] == ["lower voltage", "time", "upper voltage", "current"]
    assert len(found["loss_mV"]["salt concentration"]) == len(found["time_s"])
    assert found["salt"]["short_of_salt"]
    diagnosis = json_of("rate", POLYMER, "--c-rates", "0.1,2")["rates"]
    assert [point["salt"]["short_of_salt"] for point in diagnosis] == [False, True]
    assert json_of("diagnose", POLYMER)["limiting"] == "salt depletion"


def test_the_report_of_a_polymer_says_why_it_has_no_impedance(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["run", POLYMER, "--out", str(tmp_path)]).exit_code == 0
    page = (tmp_path / "report.html").read_text()
    assert "Salt at the end of each discharge" in page
    assert "and the salt of this one moves" in page


def test_a_polymer_without_a_salt_is_a_single_ion_conductor_by_assumption(tmp_path: Path) -> None:
    path = tmp_path / "still.toml"
    path.write_text(find_design(POLYMER).read_text().split("[salt]")[0])
    found = json_of("simulate", str(path), "--c-rate", "0.1")
    assert found["model"] == "single-ion electrolyte"
    assert any(one.startswith("PEO-LiTFSI.transference_number") for one in found["assumed"])
    assert not any("transference" in one for one in json_of("simulate", POLYMER, "--c-rate", "0.1")["assumed"])


def test_the_impedance_of_a_polymer_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "single-ion electrolytes only" in refusal(monkeypatch, capsys, "impedance", POLYMER)
