"""The residual current of an electrolyte: where it ends, and what a cell loses by it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from percolyte.cli import app
from percolyte.errors import InputError
from percolyte.impedance.leakage import leakage_current
from percolyte.impedance.measurement import Floats, Polarisation
from percolyte.impedance.readers.reading import read_polarisation
from percolyte.pouch.lifetime import MONTH

VOLTAGE, LENGTH, AREA, LEFT = 0.2, 5e-4, 1e-4, 2e-9
"""V, m, m2, and the electrons' share of the current in A."""


def a_run(current: Callable[[Floats], Any], lasted: float = 1e5, noise: float = 0.0, seed: int = 0) -> Polarisation:
    time = np.geomspace(1.0, lasted, 1 + int(40 * np.log2(lasted)))
    wild = noise * np.random.default_rng(seed).standard_normal(time.size)
    return Polarisation("potentiostatic", time, current(time) + wild, VOLTAGE, "run.csv")


def test_a_constant_current_is_its_own_end() -> None:
    found = leakage_current(a_run(lambda t: np.full_like(t, LEFT)), LENGTH, AREA)
    sigma = LEFT * LENGTH / (VOLTAGE * AREA)
    assert [found.conductivity, found.low, found.high] == pytest.approx([sigma] * 3, rel=1e-12)
    assert found.falling == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("exponent", [0.4, 0.8, 1.5])
def test_a_power_of_time_ends_at_its_constant(exponent: float) -> None:
    """Windows alike in ln t hold the same points 2^n higher, up to where a row falls at their edge (of 13 rows)."""
    found = leakage_current(a_run(lambda t: LEFT + 1e-4 * LEFT * (1e6 / t) ** exponent, lasted=2.0**17), LENGTH, AREA)
    assert found.current_low == pytest.approx(LEFT, rel=0.01)
    assert found.current_high >= found.current > LEFT


def falling(tau: float, time: Floats) -> Floats:
    return LEFT * (1.0 + 20.0 * np.exp(-time / tau))


def test_an_exponential_ends_within_the_bounds() -> None:
    for tau in (1e3, 1e4, 2e4, 5e4, 1e6):
        run = a_run(partial(falling, tau))
        found = leakage_current(run, LENGTH, AREA)
        assert found.current_low <= LEFT * (1.0 + 1e-9) <= found.current_high * (1.0 + 1e-9)


def test_a_current_that_still_falls_is_an_upper_limit_only() -> None:
    found = leakage_current(a_run(lambda t: LEFT + 1e-4 * t**-0.8, lasted=4e3), LENGTH, AREA)
    assert found.conductivity is None
    assert found.high > LEFT * LENGTH / (VOLTAGE * AREA)
    assert "upper limit; hold the voltage longer" in found.words


def test_noise_widens_the_bounds_and_keeps_the_current() -> None:
    inside = 0
    for seed in range(100):
        found = leakage_current(a_run(lambda t: np.full_like(t, LEFT), noise=0.2 * LEFT, seed=seed), LENGTH, AREA)
        inside += found.current_low <= LEFT <= found.current_high
    # two standard errors hold 95 %, each from 13 points; fewer than 86 of 100 have a chance of 1e-4
    assert inside >= 86


def test_the_sign_of_the_voltage_does_not_matter_and_a_current_against_it_is_refused() -> None:
    run = a_run(lambda t: np.full_like(t, -LEFT))
    turned = Polarisation("potentiostatic", run.time, run.response, -VOLTAGE)
    assert leakage_current(turned, LENGTH, AREA).current == pytest.approx(LEFT)
    with pytest.raises(InputError, match="against the voltage"):
        leakage_current(run, LENGTH, AREA)
    with pytest.raises(InputError, match="constant current"):
        leakage_current(Polarisation("galvanostatic", run.time, run.response, 1.0), LENGTH, AREA)
    few = Polarisation("potentiostatic", run.time[::200], -run.response[::200], VOLTAGE)
    with pytest.raises(InputError, match="at least 3 are needed"):
        leakage_current(few, LENGTH, AREA)


def write(path: Path, run: Polarisation) -> Path:
    rows = [f"{t:.9g},{VOLTAGE},{i:.9g}" for t, i in zip(run.time, run.response, strict=True)]
    path.write_text("\n".join(["time/s,Ewe/V,I/A", *rows]) + "\n")
    return path


def test_a_residual_current_far_below_the_first_one_is_no_rest(tmp_path: Path) -> None:
    """A thousandth of the first current is kept; a rest with the voltage gone is left out."""
    run = a_run(lambda t: LEFT + 2e3 * LEFT * np.exp(-t))
    file = write(tmp_path / "a.csv", run)
    assert read_polarisation(file).time.size == run.time.size
    file.write_text(file.read_text() + "200000,0.01,0\n200100,0.005,0\n")
    read = read_polarisation(file)
    assert read.time.size == run.time.size
    assert any("2 rows of rest after" in note for note in read.notes)


def test_the_command_gives_the_loss_of_a_cell_per_month(tmp_path: Path) -> None:
    file, figure = write(tmp_path / "a.csv", a_run(lambda t: np.full_like(t, LEFT))), tmp_path / "a.svg"
    arguments = ["eis", "leakage", str(file), "--thickness", "500 um", "--area", "1 cm2"]
    cell = ["--separator", "20 um", "--voltage", "4 V", "--areal-capacity", "4 mAh/cm2"]
    found = json.loads(CliRunner().invoke(app, [*arguments, *cell, "--json", "--figure", str(figure)]).stdout)
    sigma = LEFT * LENGTH / (VOLTAGE * AREA)
    assert found["electronic_conductivity_S_per_m"]["value"] == pytest.approx(sigma, rel=1e-6)
    assert found["self_discharge_per_month"]["value"] == pytest.approx(4.0 * sigma / 20e-6 * MONTH / 144000.0, rel=1e-6)
    assert "<svg" in figure.read_text()
    assert "% per month" in CliRunner().invoke(app, [*arguments, *cell]).stdout
    assert "self-discharge" not in CliRunner().invoke(app, arguments).stdout
    with pytest.raises(InputError, match="--voltage: is missing; self-discharge takes all of"):
        CliRunner().invoke(app, [*arguments, "--separator", "20 um"], catch_exceptions=False)
    with pytest.raises(InputError, match="--thickness: is stated neither here nor in the file"):
        CliRunner().invoke(app, ["eis", "leakage", str(file), "--area", "1 cm2"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("current", "said", "doubtful"),
    [
        (1.739e-5, "17.39 uA", True),
        (2e-9, "2 nA", False),
        (9.9996e-8, "100 nA", False),
        (1.583e-17, "15.83 aA", False),
        (0.25, "250 mA", True),
    ],
)
def test_a_current_has_its_prefix_and_one_too_large_for_electrons_a_note(
    tmp_path: Path, current: float, said: str, doubtful: bool
) -> None:
    """1e-6 S/cm would be 4 uA here: σ = I L/(V A)."""
    file = write(tmp_path / "a.csv", a_run(lambda t: np.full_like(t, current)))
    arguments = ["eis", "leakage", str(file), "--thickness", "500 um", "--area", "1 cm2"]
    text = CliRunner().invoke(app, arguments, catch_exceptions=False).stdout
    assert f"  {said} at 0.2 V" in text
    assert ("note: above 1e-06 S/cm" in text) == doubtful
    assert len(json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)["warnings"]) == doubtful
