"""The command line: exit status, one JSON object, messages without a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from percolyte import cli
from percolyte.examples import shipped_designs
from percolyte.materials.library import Library
from percolyte.report.tables import substance_json, substance_text
from tests.build import a_design_data, write_toml

ENERGY_KEYS = {
    "convention",
    "areal_capacity_mAh_per_cm2",
    "np_ratio",
    "capacity_Ah",
    "voltage_V",
    "energy_Wh",
    "mass_g",
    "volume_mL",
    "specific_energy_Wh_per_kg",
    "energy_density_Wh_per_L",
    "cathode_mass_fraction",
    "mass_breakdown_g",
    "thickness_breakdown_um",
    "separator_resistance_ohm_cm2",
    "cost_USD",
    "cost_USD_per_kWh",
    "ev_range_km",
}
"""The keys of `percolyte energy` that other programs rely on."""
RUN_KEYS = {"outcome", "energy", "transport", "rate", "checks", "sources"}


@dataclass(frozen=True)
class Said:
    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout; more or less than one is an error."""
        data = json.loads(self.out)
        assert isinstance(data, dict)
        return data


class Command:
    """`percolyte ARGUMENTS` in this process: quick, with what it printed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: object) -> Said:
        self._monkeypatch.setattr(sys, "argv", ["percolyte", *map(str, arguments)])
        self._capsys.readouterr()
        status = 0
        try:
            cli.main()
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        printed = self._capsys.readouterr()
        return Said(status, printed.out, printed.err)


@pytest.fixture
def percolyte(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """The command line, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return Command(monkeypatch, capsys)


@pytest.fixture
def design(tmp_path: Path) -> Path:
    return write_toml(tmp_path / "cell.toml", a_design_data())


def in_a_process(*arguments: object, cwd: Path) -> Said:
    done = subprocess.run(
        [sys.executable, "-m", "percolyte", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=60,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def bad_file(folder: Path, case: str) -> Path:
    path = folder / "bad.toml"
    if case == "missing":
        return path
    if case == "directory":
        path.mkdir()
        return path
    contents: dict[str, bytes] = {
        "binary": b"\x00\x01\x02",
        "latin-1": "name = 'µ'".encode("latin-1"),
        "utf-16": "format = 1".encode("utf-16"),
        "no TOML": b"[cathode",
        "empty": b"",
        "unquoted": b"format = 1\ntemperature = 25 degC\n",
    }
    if case in contents:
        path.write_bytes(contents[case])
        return path
    changes: dict[str, dict[str, Any]] = {
        "wrong unit": {"cathode": {"thickness": "50 mS"}},
        "unknown field": {"separator": {"thicknes": "30 um"}},
        "unknown material": {"separator": {"electrolyte": "Li6PS5C"}},
        "105 %": {"cathode": {"recipe": {"NMC811": "85 %", "Li6PS5Cl": "20 %"}}},
        "two of a set": {"cathode": {"loading": "20 mg/cm2"}},
        "none of a set": {"cathode": {"thickness": None}},
        "NaN": {"cathode": {"porosity": float("nan")}},
        "denser than matter": {"cathode": {"porosity": None, "density": "9 g/cm3"}},
        "no active material": {"cathode": {"recipe": {"Li6PS5Cl": "100 %"}}},
        "path escape": {"cathode": {"active": {"open_circuit_potential": "../../x.csv"}}},
        "absolute zero": {"temperature": "1 K", "separator": {"conductivity": None}},
        "null byte": {"cathode": {"active": {"open_circuit_potential": "a\0b"}}},
        "no voltage": {"pouch": {"mean_voltage": "0 V"}},
    }
    return write_toml(path, a_design_data(**changes[case]))


BAD = [
    *(
        "missing",
        "directory",
        "binary",
        "latin-1",
        "utf-16",
        "no TOML",
        "empty",
        "unquoted",
        "wrong unit",
        "unknown field",
    ),
    *("unknown material", "105 %", "two of a set", "none of a set", "NaN", "denser than matter", "no active material"),
    *("path escape", "absolute zero", "null byte", "no voltage"),
]


@pytest.mark.parametrize("case", BAD)
def test_bad_input_ends_with_status_2_and_a_message(case: str, tmp_path: Path, percolyte: Command) -> None:
    path = bad_file(tmp_path, case)
    for arguments in (["energy", path], ["energy", path, "--json"], ["run", path, "--json"]):
        said = percolyte(*arguments)
        assert said.status == 2
        assert "bad.toml" in said.err
        if "--json" in arguments:
            assert said.json["outcome"] == "bad input"
        else:
            assert said.out == ""


@pytest.mark.parametrize("case", ["missing", "binary", "wrong unit"])
def test_a_shell_sees_status_2_and_no_traceback(case: str, tmp_path: Path) -> None:
    said = in_a_process("energy", bad_file(tmp_path, case), "--json", cwd=tmp_path)
    assert said.status == 2
    assert "Traceback" not in said.err
    assert said.err.strip()
    assert said.json["outcome"] == "bad input"


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["energy"],
        ["energy", "--no-such-option"],
        ["solve", "pouch-nmc811-li", "--for", "separator.thicknes", "--target", "400 Wh/kg"],
        ["solve", "pouch-nmc811-li", "--for", "separator.thickness", "--target", "400"],
        ["solve", "pouch-nmc811-li", "--for", "separator.thickness", "--target", "400 Wh/kg", "--from", "5 mS"],
        [
            "solve",
            "pouch-nmc811-li",
            "--for",
            "separator.thickness",
            "--target",
            "400 Wh/kg",
            "--from",
            "50 um",
            "--to",
            "5 um",
        ],
        ["recipe", "NMC81=80 %", "--loading", "20 mg/cm2"],
        ["recipe", "NMC811=80 %", "Li6PS5Cl=20 %", "--loading", "20 um", "--porosity", "10 %"],
        ["recipe", "NMC811=0 %", "Li6PS5Cl=100 %", "--loading", "20 mg/cm2", "--porosity", "10 %"],
        ["check", "none.csv"],
        ["examples", "no-such-example"],
        ["materials", "show", "NMC81"],
        ["materials", "list", "--kind", "cathod"],
        ["materials", "list", "--min-conductivity", "1 um"],
        ["materials", "list", "--window", "two"],
        ["materials", "compare", "NMC811", "NMC81"],
        ["materials", "compare", "Li6PS5Cl", "Li10GeP2S12", "--figure", "arrhenius.xyz"],
    ],
    ids=" ".join,
)
def test_a_bad_command_ends_with_status_2(arguments: list[str], percolyte: Command) -> None:
    said = percolyte(*arguments)
    assert said.status == 2
    assert said.err.strip()
    assert "Traceback" not in said.err


def test_a_material_that_is_unknown_is_suggested(percolyte: Command) -> None:
    assert "did you mean 'NMC811'" in percolyte("materials", "show", "NMC81").err


def test_energy_prints_one_json_object_with_every_fixed_key(design: Path, percolyte: Command) -> None:
    said = percolyte("energy", design, "--json")
    assert said.status == 0
    assert said.json.keys() >= ENERGY_KEYS
    numbers = {key: said.json[key] for key in ENERGY_KEYS if isinstance(said.json[key], float)}
    assert len(numbers) == 14  # all but the convention and the two breakdowns
    assert all(number > 0.0 for number in numbers.values())


def test_energy_in_json_agrees_with_itself(design: Path, percolyte: Command) -> None:
    data = percolyte("energy", design, "--json").json
    # each is rounded to twelve digits
    assert data["energy_Wh"] == pytest.approx(data["capacity_Ah"] * data["voltage_V"], rel=1e-11)
    assert data["specific_energy_Wh_per_kg"] == pytest.approx(1e3 * data["energy_Wh"] / data["mass_g"], rel=1e-11)
    assert data["energy_density_Wh_per_L"] == pytest.approx(1e3 * data["energy_Wh"] / data["volume_mL"], rel=1e-11)
    assert sum(data["mass_breakdown_g"].values()) == pytest.approx(data["mass_g"], rel=1e-11)
    assert data["cathode_mass_fraction"] == pytest.approx(
        data["mass_breakdown_g"]["cathode"] / data["mass_g"], rel=1e-11
    )
    assert data["ev_range_km"] == pytest.approx(2.4 * data["specific_energy_Wh_per_kg"], rel=1e-11)
    assert data["separator_resistance_ohm_cm2"] == pytest.approx(1.5, rel=1e-12)


def test_a_shell_gets_one_json_object_and_nothing_else(tmp_path: Path) -> None:
    said = in_a_process("energy", "wang2021-lco-graphite", "--json", cwd=tmp_path)
    assert said.status == 0
    assert said.json["convention"] == "wang2021"
    assert "denser than its components" in said.err  # the warning goes to stderr
    assert "Traceback" not in said.err


def test_run_writes_the_report_and_the_same_evaluation(design: Path, percolyte: Command, tmp_path: Path) -> None:
    said = percolyte("run", design, "--out", tmp_path / "out", "--json")
    assert said.status == 0
    assert said.json.keys() >= RUN_KEYS
    assert said.json["outcome"] == "done"
    assert said.json["energy"].keys() >= ENERGY_KEYS
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8")) == said.json
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "test cell" in page
    assert 'src="http' not in page  # self-contained: nothing is fetched
    assert 'href="http' not in page.replace('href="https://doi.org', "")
    for entry in said.json["sources"]:
        assert entry["source"]


def test_run_says_how_the_cathode_conducts_and_how_that_is_known(
    design: Path, percolyte: Command, tmp_path: Path
) -> None:
    said = percolyte("run", design, "--out", tmp_path / "out").out
    written = json.loads((tmp_path / "out" / "evaluation.json").read_text())["transport"]
    line = next(line for line in said.splitlines() if line.startswith("  cathode transport"))
    assert f"ions {10 * written['ionic_S_per_m']:.3g} mS/cm" in line
    assert f"tortuosity factor of the ions {written['ionic_tortuosity_factor']:.3g}" in line
    assert written["statement"].split(";")[0] in " ".join(said.split())


def test_run_does_not_execute_what_a_design_says(tmp_path: Path, percolyte: Command) -> None:
    path = write_toml(tmp_path / "x.toml", a_design_data(name="<script>alert(1)</script>", note="{{ 7 * 7 }} <b>"))
    assert percolyte("run", path, "--out", tmp_path / "out").status == 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_run_into_a_place_that_is_a_file_is_bad_input(design: Path, percolyte: Command, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    said = percolyte("run", design, "--out", tmp_path / "taken")
    assert said.status == 2
    assert "taken" in said.err


def test_a_place_that_takes_no_file_is_found_before_the_run(
    design: Path, percolyte: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("percolyte.commands.pouch.evaluated", lambda *_: pytest.fail("the run has begun"))
    for place, said in ((design, "which is read"), ("/dev/null/out", "is no folder"), ("/proc/out", "takes no file")):
        refused = percolyte("run", design, "--out", place)
        assert refused.status == 2
        assert said in refused.err
    for words in (["export", design, "--to", "bpx"], ["eis", "read", design]):
        refused = percolyte(*words, "--out", "/proc/x.csv")
        assert refused.status == 2
        assert "takes no file" in refused.err


def test_run_without_folder_names_one_after_the_design(design: Path, percolyte: Command, tmp_path: Path) -> None:
    assert percolyte("run", design).status == 0
    assert sorted(path.name for path in (tmp_path / "cell-report").iterdir()) == ["evaluation.json", "report.html"]


def test_energy_in_text_fits_a_screen(design: Path, percolyte: Command) -> None:
    said = percolyte("energy", design)
    assert said.status == 0
    for word in ("Wh/kg", "Wh/L", "convention", "pass"):
        assert word in said.out
    assert len(said.out.splitlines()) < 50


def test_solve_finds_and_prints_what_meets_the_target(design: Path, percolyte: Command) -> None:
    said = percolyte("solve", design, "--for", "separator.thickness", "--target", "390 Wh/kg", "--json")
    assert said.status == 0
    assert said.json["outcome"] == "done"
    (value,) = said.json["values_SI"]
    changed = write_toml(design.with_name("solved.toml"), a_design_data(separator={"thickness": f"{value!r} m"}))
    assert percolyte("energy", changed, "--json").json["specific_energy_Wh_per_kg"] == pytest.approx(390.0, rel=1e-10)


def test_an_unreachable_target_is_a_named_outcome_with_status_1(design: Path, percolyte: Command) -> None:
    said = percolyte("solve", design, "--for", "separator.thickness", "--target", "900 Wh/kg", "--json")
    assert said.status == 1
    assert said.json["outcome"] == "target not reached"
    assert "nearest" in said.err


def test_recipe_prints_the_layer(percolyte: Command) -> None:
    said = percolyte("recipe", "NMC811=80 %", "Li6PS5Cl=20 %", "--loading", "20 mg/cm2", "--porosity", "10 %", "--json")
    assert said.status == 0
    assert said.json["porosity"] == pytest.approx(0.1)
    assert sum(said.json["volume_fractions"].values()) == pytest.approx(0.9)


def test_check_names_the_bad_row(percolyte: Command, tmp_path: Path) -> None:
    table = tmp_path / "cells.csv"
    table.write_text("row_id,loading_mg_cm2,capacity_mAh_g,areal_capacity_mAh_cm2\ngood,20,200,4\nbad,20,200,5\n")
    said = percolyte("check", table, "--json")
    assert said.status == 0
    assert said.json["rows"] == 2
    assert [finding["row"] for finding in said.json["findings"]] == ["bad"]
    assert said.json["checkable"] == 2
    assert "2 rows read, 2 with enough numbers for a rule, 1 questionable" in percolyte("check", table).out


def test_examples_are_listed_and_each_can_be_copied_and_evaluated(percolyte: Command, tmp_path: Path) -> None:
    listed = percolyte("examples").out
    names = [path.stem for path, _ in shipped_designs()]
    assert len(names) == 11
    for name in names:
        assert name in listed
        assert percolyte("examples", name).status == 0
        assert percolyte("energy", tmp_path / f"{name}.toml", "--json").json.keys() >= ENERGY_KEYS


def test_an_example_never_overwrites(percolyte: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("mine")
    (tmp_path / "folder").mkdir()
    assert percolyte("examples", "measured-nmc811-li", "--out", tmp_path / "folder").status == 0
    assert len(list((tmp_path / "folder").iterdir())) == 3
    said = percolyte("examples", "pouch-nmc811-li", "--out", tmp_path / "mine.toml")
    assert said.status == 2
    assert (tmp_path / "mine.toml").read_text() == "mine"


def test_an_example_runs_by_its_name(percolyte: Command) -> None:
    assert percolyte("energy", "pouch-nmc811-li", "--json").status == 0
    said = percolyte("energy", "pouch-nmc811-l")
    assert said.status == 2
    assert "did you mean 'pouch-nmc811-li'" in said.err


def test_materials_are_listed_with_filters(percolyte: Command) -> None:
    everything = percolyte("materials", "list", "--json").json["materials"]
    fast = percolyte("materials", "list", "--kind", "electrolyte", "--min-conductivity", "5 mS/cm", "--json").json[
        "materials"
    ]
    assert 0 < len(fast) < len(everything)
    assert "substances" in percolyte("materials", "list").out
    assert "no substance" in percolyte("materials", "search", "qqqqqq").out


def test_materials_show_every_value_with_unit_and_source(percolyte: Command) -> None:
    data = percolyte("materials", "show", "lpscl", "--json").json
    assert data["name"] == "Li6PS5Cl"
    for records in data["properties"].values():
        for record in records:
            assert {"value", "unit", "source", "conditions"} <= record.keys()
            assert record["source"]
    text = percolyte("materials", "show", "lpscl").out
    assert "mS/cm" in text
    assert "* the default" in text


def test_every_material_can_be_shown() -> None:
    for substance in Library().substances():
        assert substance_text(substance).startswith(substance.name)
        assert json.loads(json.dumps(substance_json(substance), allow_nan=False))["kind"] == substance.kind


def test_materials_search_and_compare(percolyte: Command) -> None:
    found = percolyte("materials", "search", "argyrodite", "--json").json["materials"]
    assert "Li6PS5Cl" in [record["name"] for record in found]
    assert [r["name"] for r in percolyte("materials", "compare", "LPSCl", "LGPS", "--json").json["materials"]] == [
        "Li6PS5Cl",
        "Li10GeP2S12",
    ]
    assert "ionic conductivity" in percolyte("materials", "compare", "LPSCl", "LGPS").out


def test_the_schema_describes_the_design_file(percolyte: Command) -> None:
    schema = percolyte("schema").json
    assert {"cathode", "separator", "anode", "pouch"} <= schema["properties"].keys()
    assert "80 um" in json.dumps(schema)


def test_help_needs_no_design(tmp_path: Path) -> None:
    said = in_a_process("--help", cwd=tmp_path)
    assert said.status == 0
    for command in ("energy", "run", "solve", "check", "recipe", "examples", "materials"):
        assert command in said.out


def test_a_closed_pipe_is_no_traceback(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with subprocess.Popen(
        [sys.executable, "-m", "percolyte", "materials", "list"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as process:
        os.close(write)
        _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
