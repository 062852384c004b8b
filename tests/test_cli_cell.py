"""The commands on the cell model: the keys that other programs rely on, and what bad input is answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from percolyte.cell.spectrum import Spectrum
from percolyte.cli import app, main
from percolyte.report.cell_figures import nyquist_figure

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


def test_impedance_writes_the_plot(tmp_path: Path) -> None:
    json_of("impedance", DESIGN, "--frequencies", "1e4 Hz, 1e-1 Hz, 3", "--figure", str(tmp_path / "z.svg"))
    assert (tmp_path / "z.svg").read_text().startswith("<?xml")


def test_the_best_loading_is_smaller_at_a_higher_rate() -> None:
    found = json_of("loadings", DESIGN, "--c-rates", "0.5,3")
    slow, fast = (rate["best_loading_mg_per_cm2"] for rate in found["rates"])
    assert fast < slow


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["simulate", DESIGN, "--c-rate", "1", "--current", "1 mA/cm2"], "only one"),
        (["simulate", DESIGN, "--c-rate", "-1"], "no rate"),
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
