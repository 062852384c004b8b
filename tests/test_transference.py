"""The Bruce-Vincent experiment, from spectra and a run to a transference number and what it means."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from percolyte.cell.electrolyte import SaltElectrolyte
from percolyte.cell.polarisation import polarise
from percolyte.cli import app
from percolyte.errors import InputError
from percolyte.impedance.circuit import parse_circuit
from percolyte.impedance.interfaces import ARCS, Interfaces, interfaces_of
from percolyte.impedance.measurement import MeasuredSpectrum, Polarisation
from percolyte.impedance.polarisation import Relaxation, galvanostatic, transference_number
from percolyte.impedance.transference import Transference, bruce_vincent
from percolyte.report.polarisation import transference_text
from percolyte.units import FARADAY, GAS_CONSTANT

BULK, RISE, RELAXATION = 25.0, 75.0, 1000.0
"""Electrolyte and concentration in ohm, of an ideal dilute salt with t = 1/4; L²/D in s."""
VOLTAGE = 0.01


def a_run(
    interface: float = 25.0, *, rise: float = RISE, noise: float = 0.0, seed: int = 1, **more: Any
) -> Polarisation:
    time = np.geomspace(1.0, more.get("lasted", 1.0) * RELAXATION, 200)
    response, _ = Relaxation("potentiostatic").evaluate(np.array([BULK + interface, rise, RELAXATION]), time)
    response = response + noise * response.max() * np.random.default_rng(seed).standard_normal(200)
    return Polarisation("potentiostatic", time, VOLTAGE * response, VOLTAGE, "run.csv")


def a_spectrum(
    values: list[float], circuit: str, slowest: float, noise: float = 5e-3, seed: int = 0
) -> MeasuredSpectrum:
    frequency, random = np.geomspace(1e6, slowest, 60), np.random.default_rng(seed)
    z, _ = parse_circuit(circuit).evaluate(np.array(values), 2.0 * np.pi * frequency)
    wild = random.standard_normal(60) + 1j * random.standard_normal(60)
    return MeasuredSpectrum(frequency, z * (1.0 + noise * wild / math.sqrt(2.0)), "spectrum.csv")


def test_a_run_of_the_model_gives_back_number_diffusion_and_conductivity() -> None:
    found = bruce_vincent(a_run(), Interfaces(25.0, 0.0), Interfaces(25.0, 0.0), thickness=1e-4, area=1e-4)
    assert found.number.value == pytest.approx(0.25, rel=1e-6)
    assert found.diffusion is not None
    assert found.diffusion.value == pytest.approx(1e-8 / RELAXATION, rel=1e-6)
    assert found.conductivity is not None
    assert found.conductivity.value == pytest.approx(1.0 / BULK, rel=1e-6)
    # the formula of the paper, with the currents of the fit
    assert found.number.value == pytest.approx(
        transference_number(VOLTAGE, first_current=found.first_current, steady_current=found.steady_current,
                            first_resistance=25.0, steady_resistance=25.0), rel=1e-12
    )  # fmt: skip


def test_interfaces_that_grew_during_the_run_are_taken_off_at_both_ends() -> None:
    """R_last = 25/0.25 + 40 where the first were 25: t stays that of the electrolyte."""
    run = a_run(25.0, rise=100.0 + 40.0 - 50.0)
    found = bruce_vincent(run, Interfaces(25.0, 0.0), Interfaces(40.0, 0.0))
    assert found.number.value == pytest.approx(0.25, rel=1e-6)
    assert found.diffusion is None


def test_a_single_ion_conductor_keeps_its_current_and_has_no_diffusion_of_a_salt() -> None:
    found = bruce_vincent(a_run(rise=1e-9, noise=1e-3), Interfaces(25.0, 0.5), Interfaces(25.0, 0.5), thickness=1e-4)
    assert found.number.low < 1.0 < found.number.high
    assert found.diffusion is not None
    assert found.diffusion.value is None
    assert any("does not fall beyond its noise" in said for said in found.warnings)


def test_a_run_that_ends_too_early_gives_an_upper_limit_and_no_number() -> None:
    for seed in range(10):
        found = bruce_vincent(a_run(lasted=0.02, noise=2e-3, seed=seed), Interfaces(25.0, 0.1), Interfaces(25.0, 0.1))
        if found.number.value is None:
            assert found.number.high > 0.25
            assert "not how far" in found.number.why
    assert found.number.value is None


def repeated(errors: float, noise: float, count: int = 80) -> list[Transference]:
    random = np.random.default_rng(5)
    runs = [a_run(noise=noise, seed=seed) for seed in range(count)]
    given = 25.0 + errors * random.standard_normal((count, 2))
    return [
        bruce_vincent(run, Interfaces(before, errors), Interfaces(after, errors))
        for run, (before, after) in zip(runs, given, strict=True)
    ]


def test_the_error_of_the_number_is_the_spread_of_repeated_experiments() -> None:
    # noise of the run, of the interfaces, of both
    for errors, noise in ((0.5, 1e-4), (0.01, 5e-3), (0.5, 5e-3)):
        found = repeated(errors, noise)
        spread = np.std([math.log(one.number.value or 0.0) for one in found])
        # the spread of 80 is known to 8 %: three of its errors
        assert np.mean([one.number.error for one in found]) == pytest.approx(spread, rel=0.24)


def test_the_salt_of_the_cell_model_relaxes_as_the_experiment_takes_it() -> None:
    """An independent solution of the diffusion: V/i = (L/κ)[1 + Ne F(t D/L²)] at small constant current."""
    thickness, kappa, diffusivity, plus = 1e-4, 0.1, 1e-11, 0.4
    salt = SaltElectrolyte(kappa, diffusivity, plus, 1000.0)
    current = 0.1
    run = polarise(salt, thickness, current, thickness**2 / diffusivity, cells=160, rtol=1e-7)
    late = run.time > 1e-3 * thickness**2 / diffusivity
    newman = 2.0 * kappa * GAS_CONSTANT * 298.15 * (1.0 - plus) ** 2 / (FARADAY**2 * diffusivity * 1000.0)
    bulk = thickness / kappa
    theta = np.asarray(run.time[late]) * diffusivity / thickness**2
    expected = galvanostatic(np.full_like(theta, bulk), np.full_like(theta, bulk * newman), theta)[0]
    # the solver begins with a step of first order in time, which leaves 1e-3
    np.testing.assert_allclose(run.voltage[late] / current, expected, rtol=2e-3)


def test_the_arc_of_the_interfaces_is_told_from_electrolyte_and_diffusion() -> None:
    plain = interfaces_of(a_spectrum([25.0, 30.0, 1e-5, 0.85], ARCS[0], 0.1))
    tailed = interfaces_of(a_spectrum([25.0, 30.0, 1e-5, 0.85, 75.0, 400.0], ARCS[1], 1e-3))
    for found in (plain, tailed):
        assert found.value == pytest.approx(30.0, abs=4.0 * found.error)
        assert 0.0 < found.error < 0.5
        assert found.electrolyte == pytest.approx(25.0, rel=0.01)


BULK_ARCS = {"foot": 4e-11, "half": 4e-10, "whole": 4e-8, "close": 4e-7}
"""Capacitance in F of an electrolyte of 25 ohm: its arc peaks at 160 MHz, 16 MHz, 160 kHz, 16 kHz, that of the interfaces at 1.3 kHz."""


@pytest.mark.parametrize("capacitance", BULK_ARCS.values(), ids=BULK_ARCS)
@pytest.mark.parametrize("tail", [[], [75.0, 400.0]], ids=["no tail", "tail"])
def test_an_arc_of_the_electrolyte_or_its_foot_is_told_from_the_interfaces(
    capacitance: float, tail: list[float]
) -> None:
    values, slowest = [25.0, capacitance, 1.0, 30.0, 1e-5, 0.9, *tail], 1e-3 if tail else 0.1
    found = interfaces_of(a_spectrum(values, ARCS[3 if tail else 2], slowest, noise=3e-3))
    # four standard errors, and wide ones are no answer
    assert found.value == pytest.approx(30.0, abs=4.0 * found.error)
    assert 0.0 < found.error < 0.5
    assert found.electrolyte == pytest.approx(25.0, rel=0.02)


def an_arc(resistance: float, time: float, exponent: float) -> list[float]:
    return [resistance, time**exponent / resistance, exponent]


TWO_ARCS = "R0-p(R1,CPE1)-p(R2,CPE2)-Ws3"
FAST, SLOW, TAIL = an_arc(30.0, 1e-3, 0.88), an_arc(20.0, 0.1, 0.85), [75.0, 250.0]


def test_two_arcs_of_the_interfaces_add_and_are_told_from_the_diffusion() -> None:
    found = [interfaces_of(a_spectrum([25.0, *FAST, *SLOW, *TAIL], TWO_ARCS, 1e-3, 3e-3, seed)) for seed in range(6)]
    for one in found:
        assert [arc.time_constant for arc in one.arcs] == pytest.approx([1e-3, 0.1], rel=0.2)
        assert one.electrolyte == pytest.approx(25.0, rel=0.01)
        assert one.diffusion is not None
        assert one.error < 1.0
    # mean of the squares of six normal deviates: 3.74 is beyond the 99.9th percentile
    assert np.mean([((one.value - 50.0) / one.error) ** 2 for one in found]) < 3.74


@pytest.mark.parametrize(
    ("before", "circuit", "slowest"),
    [
        ([25.0, *FAST, *SLOW], TWO_ARCS[:-4], 1e-2),
        ([25.0, 4e-10, 1.0, *FAST, *SLOW, *TAIL], f"p(R0,CPE0){TWO_ARCS[2:]}", 1e-3),
    ],
    ids=["without diffusion", "beside an arc of the electrolyte"],
)
def test_two_arcs_add_whatever_stands_beside_them(before: list[float], circuit: str, slowest: float) -> None:
    found = interfaces_of(a_spectrum(before, circuit, slowest, 3e-3))
    # four standard errors, and wide ones are no answer
    assert found.value == pytest.approx(50.0, abs=4.0 * found.error)
    assert found.error < 1.0
    assert found.electrolyte == pytest.approx(25.0, rel=0.01)


def test_a_bulk_arc_behind_leads_is_no_arc_of_the_interfaces() -> None:
    """2 ohm of leads and 25 ohm at 4 nF, of which no electrolyte of 1 cm2 is the surface layer."""
    found = interfaces_of(a_spectrum([2.0, 25.0, 4e-9, 1.0, *FAST], TWO_ARCS[:-4], 1e-1, 3e-3))
    assert found.value == pytest.approx(30.0, abs=4.0 * found.error)
    assert found.electrolyte == pytest.approx(27.0, rel=0.01)


def test_the_number_counts_both_arcs_and_the_words_name_them() -> None:
    run = a_run(50.0, noise=1e-4)
    spectrum = interfaces_of(a_spectrum([25.0, *FAST, *SLOW, *TAIL], TWO_ARCS, 1e-3, 3e-3))
    found = bruce_vincent(run, spectrum, spectrum)
    assert found.number.low < 0.25 < found.number.high
    assert found.number.error < 0.05
    assert not any("slow process" in said for said in found.warnings)
    assert re.search(r"by two arcs of [\d.]+ and [\d.]+ ohm of the spectrum", transference_text(found))


def test_a_spectrum_that_its_arcs_miss_is_refused_or_widens_the_error() -> None:
    """Leads of 5 uH, of the size of |Z| at the highest frequency, and of 0.1 uH, 2.5 % of it."""
    circuit, values = "L0-R0-p(R1,CPE1)", [25.0, 30.0, 1e-5, 0.85]
    with pytest.raises(InputError, match=r"residuals of .* % of \|Z\|; read the resistance .* state it"):
        interfaces_of(a_spectrum([5e-6, *values], circuit, 0.1, noise=1e-3))
    little = interfaces_of(a_spectrum([1e-7, *values], circuit, 0.1, noise=1e-3))
    assert little.missed is not None
    assert little.error > 3.0 * little.missed * 30.0
    assert abs(little.value - 30.0) < 2.0 * little.error


def test_a_slow_process_that_does_not_last_as_long_as_the_run_is_no_diffusion() -> None:
    tailed = interfaces_of(a_spectrum([25.0, 30.0, 1e-5, 0.85, 75.0, RELAXATION / 4.0], ARCS[1], 1e-3))
    faster = interfaces_of(a_spectrum([25.0, 30.0, 1e-5, 0.85, 75.0, RELAXATION / 400.0], ARCS[1], 1e-3))
    run = a_run(30.0, noise=1e-4)
    for spectrum, told in ((tailed, False), (faster, True)):
        said = bruce_vincent(run, spectrum, Interfaces(30.0, 0.1)).warnings
        assert any("slow process" in one and "is not the 1e+03 s of the run" in one for one in said) == told


def test_a_spectrum_without_an_arc_is_refused_with_what_to_write() -> None:
    with pytest.raises(InputError, match=r"spectrum.csv: .*state it, such as '25 ohm'"):
        interfaces_of(a_spectrum([25.0, 1e-3, 1e-5, 0.85], ARCS[0], 0.1, noise=1e-2))


def test_what_contradicts_the_run_is_refused() -> None:
    run = a_run()
    with pytest.raises(InputError, match="before: 55 ohm of interfaces leave nothing of the 50 ohm"):
        bruce_vincent(run, Interfaces(55.0, 0.0), Interfaces(25.0, 0.0))
    with pytest.raises(InputError, match="constant current"):
        bruce_vincent(
            Polarisation("galvanostatic", run.time, run.response, 1e-4), Interfaces(1.0, 0.0), Interfaces(1.0, 0.0)
        )
    rising = Polarisation("potentiostatic", run.time, run.response[::-1], VOLTAGE)
    with pytest.raises(InputError, match="exceeds the first one"):
        bruce_vincent(rising, Interfaces(1.0, 0.0), Interfaces(1.0, 0.0))


def test_a_short_run_and_a_late_first_row_are_said() -> None:
    short = bruce_vincent(a_run(lasted=0.2), Interfaces(25.0, 0.0), Interfaces(25.0, 0.0))
    assert any("needs 0.5" in said for said in short.warnings)
    run = a_run()
    late = Polarisation("potentiostatic", run.time[100:], run.response[100:], VOLTAGE)
    found = bruce_vincent(late, Interfaces(25.0, 0.1), Interfaces(25.0, 0.1))
    assert found.number_as_read is not None
    assert found.number_as_read > 0.3
    assert any("came late" in said for said in found.warnings)
    assert found.number.value == pytest.approx(0.25, rel=1e-4)


def test_a_first_row_in_which_the_double_layer_charges_leaves_no_number_as_read_and_is_discounted() -> None:
    """One of 200 rows with three times its current, which the robust loss takes out."""
    run = a_run(noise=1e-3)
    spiked = run.response.copy()
    spiked[0] *= 3.0
    found = bruce_vincent(
        Polarisation("potentiostatic", run.time, spiked, VOLTAGE), Interfaces(25.0, 0.1), Interfaces(25.0, 0.1)
    )
    assert found.number_as_read is None
    assert any("give no number, the fit" in said for said in found.warnings)
    assert found.number.low < 0.25 < found.number.high


def test_a_double_layer_that_charges_for_long_is_told_and_can_be_skipped(tmp_path: Path) -> None:
    """0.4 of the first current, which decays in 20 s of a relaxation time of 1000 s."""
    run = a_run(noise=1e-4)
    current = run.response + 0.4 * run.response[0] * np.exp(-run.time / 20.0)
    rows = [f"{t:.9g},{VOLTAGE},{i:.9g}" for t, i in zip(run.time, current, strict=True)]
    (tmp_path / "run.csv").write_text("\n".join(["time/s,Ewe/V,I/A", *rows]) + "\n")
    arguments = ["eis", "transference", str(tmp_path / "run.csv"), "--before", "25 ohm", "--after", "25 ohm", "--json"]
    whole = json.loads(CliRunner().invoke(app, arguments).stdout)
    assert any("--skip" in said for said in whole["warnings"])
    rest = json.loads(CliRunner().invoke(app, [*arguments, "--skip", "150 s"]).stdout)
    assert abs(whole["transference_number"]["value"] - 0.25) > 0.05
    assert rest["transference_number"]["low"] < 0.25 < rest["transference_number"]["high"]
    assert rest["transference_number"]["high"] - rest["transference_number"]["low"] < 0.05
    assert not any("--skip" in said for said in rest["warnings"])
    with pytest.raises(InputError, match="leaves nothing of"):
        CliRunner().invoke(app, [*arguments, "--skip", "10 h"], catch_exceptions=False)


def test_the_command_takes_files_or_resistances_and_says_what_the_number_means(tmp_path: Path) -> None:
    run = a_run(noise=1e-3)
    rows = [f"{t:.9g},{VOLTAGE},{i:.9g}" for t, i in zip(run.time, run.response, strict=True)]
    (tmp_path / "run.csv").write_text("\n".join(["time/s,Ewe/V,I/A", *rows]) + "\n")
    spectrum = a_spectrum([25.0, 25.0, 1e-5, 0.85], ARCS[0], 0.1)
    points = [
        f"{f:.9g},{z.real:.9g},{-z.imag:.9g}" for f, z in zip(spectrum.frequency, spectrum.impedance, strict=True)
    ]
    (tmp_path / "before.csv").write_text("\n".join(["freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm", *points]) + "\n")
    arguments = ["eis", "transference", str(tmp_path / "run.csv"), "--before", str(tmp_path / "before.csv")]
    more = ["--thickness", "100 um", "--area", "1 cm2", "--figure", str(tmp_path / "a.svg")]
    said = CliRunner().invoke(app, [*arguments, "--after", "25 +- 0.5 ohm", *more], catch_exceptions=False).stdout
    assert "ideal dilute salt" in said
    assert "<svg" in (tmp_path / "a.svg").read_text()
    data = json.loads(CliRunner().invoke(app, [*arguments, "--after", "25 ± 0.5 Ω", *more, "--json"]).stdout)
    number = data["transference_number"]
    assert number["low"] < 0.25 < number["high"]
    # the electrolyte by the spectrum is known to 0.5 %
    assert data["transference_number_by_spectrum"] == pytest.approx(0.25, rel=0.02)
    assert data["interfaces_ohm"]["after"] == {"value": 25.0, "standard_error": 0.5, "from_spectrum": False}
    for word in ("25", "none.csv", "25 cm", "25 +- -1 ohm"):
        with pytest.raises(InputError, match="neither a file nor a resistance"):
            CliRunner().invoke(app, [*arguments[:3], "--before", "25 ohm", "--after", word], catch_exceptions=False)
