"""Samples of several thicknesses, pressures and layers: the layer, its contacts, and what these could be."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from percolyte.cli import app
from percolyte.errors import InputError
from percolyte.impedance.contact import (
    constriction_resistance,
    fraction_in_contact,
    partial_contact_resistance,
    thickness_series,
)
from percolyte.impedance.samples import Asked, Samples, contacts, meaning, read_samples

LENGTHS = np.array([2e-4, 4e-4, 6e-4, 8e-4, 1e-3])
SIGMA, CONTACT = 0.1, 8e-4
"""S/m, ohm m2"""


def test_intervals_cover_the_true_values_as_often_as_they_say() -> None:
    """95 % by Student's t of three degrees of freedom; of 2000 repetitions that is known to 0.5 %."""
    random, true = np.random.default_rng(1), CONTACT + LENGTHS / SIGMA
    inside = np.zeros(2)
    for _ in range(2000):
        one = thickness_series(LENGTHS, true + random.normal(0.0, 2e-4, 5), 1.0)
        ends = one.conductivity_interval, one.contact_interval
        inside += [low <= value <= high for (low, high), value in zip(ends, (SIGMA, CONTACT), strict=True) if ends]  # type: ignore[misc]
    assert inside / 2000 == pytest.approx([0.95, 0.95], abs=0.02)


def test_a_bend_is_told_and_a_line_is_called_bent_in_one_of_twenty() -> None:
    random, true = np.random.default_rng(2), CONTACT + LENGTHS / SIGMA
    bent = thickness_series(LENGTHS, true * (1.0 + 0.2 * LENGTHS / LENGTHS[-1]), 1.0)
    assert bent.bends
    told = sum(thickness_series(LENGTHS, true + random.normal(0.0, 2e-4, 5), 1.0).bends for _ in range(1000))
    assert told / 1000 == pytest.approx(0.05, abs=0.021)  # three standard errors
    assert not thickness_series(LENGTHS, true, 1.0).bends


def test_the_fraction_in_contact_gives_back_the_resistance() -> None:
    for fraction in (1e-6, 0.01, 0.3, 0.9):
        resistance = float(partial_contact_resistance(1e-6, fraction, SIGMA))
        assert fraction_in_contact(resistance, 1e-6, SIGMA) == pytest.approx(fraction, rel=1e-9)
    assert fraction_in_contact(0.0, 1e-6, SIGMA) == 1.0
    assert fraction_in_contact(-1e-6, 1e-6, SIGMA) is None
    # a perfect conductor on the other side halves the resistance of a lone spot
    few = float(constriction_resistance(1e-6, SIGMA, math.inf)) * math.pi * 1e-12 / 1e-8
    assert fraction_in_contact(few, 1e-6, SIGMA, math.inf) == pytest.approx(1e-8, rel=2e-4)


def test_each_pressure_has_its_own_contacts_and_spots_that_yield_their_exponent() -> None:
    pressure = np.repeat([1e7, 2e7, 4e7, 8e7], 5)
    resistance = np.tile(LENGTHS, 4) / SIGMA + CONTACT * (pressure / 1e7) ** -0.95
    found = contacts(Samples(np.tile(LENGTHS, 4), resistance, pressure))
    assert [one.conductivity for one in found.series.values()] == pytest.approx([SIGMA] * 4)
    assert found.series[1e7].contact_resistance == pytest.approx(CONTACT)
    assert found.trend is not None
    assert found.trend.slope.value == pytest.approx(-0.95, abs=1e-9)
    with pytest.raises(InputError, match="at 10 MPa: thickness: two different ones"):
        contacts(Samples(LENGTHS[:3], CONTACT + LENGTHS[:3] / SIGMA, np.array([1e7, 2e7, 2e7])))


def test_layers_alone_tell_the_contacts_between_them() -> None:
    """R = R_ends + n l/σ + (n - 1) R_between."""
    count, layer, between = np.array([1.0, 2.0, 3.0, 5.0]), 1e-4, 3e-4
    samples = Samples(count * layer, 5e-4 + count * layer / SIGMA + (count - 1.0) * between)
    (one,) = contacts(samples).series.values()
    assert meaning(samples, one, Asked(layer=layer, conductivity=SIGMA)).between_layers == pytest.approx(between)
    assert one.contact_resistance == pytest.approx(5e-4 - between)


def test_contacts_are_read_as_spots_or_as_a_film_of_two_equal_ones() -> None:
    samples = Samples(LENGTHS, CONTACT + LENGTHS / SIGMA)
    (one,) = contacts(samples).series.values()
    told = meaning(samples, one, Asked(spot=1e-6, film_thickness=1e-8, film_conductivity=1e-5))
    assert told.fraction_in_spots is not None
    assert partial_contact_resistance(1e-6, told.fraction_in_spots, SIGMA) / 2.0 == pytest.approx(CONTACT / 2.0)
    assert told.fraction_in_film == pytest.approx(1e-8 / (1e-5 * CONTACT / 2.0))
    assert told.share_of_thinnest == pytest.approx(CONTACT / (CONTACT + 2e-3))
    with pytest.raises(InputError, match="a film takes both"):
        Asked(film_thickness=1e-8)


def test_contacts_that_are_negative_beyond_their_error_are_said_to_be_impossible_and_read_as_nothing(
    tmp_path: Path,
) -> None:
    """20 um too many in every thickness take 2 ohm cm2 off, and 1e-4 of noise is far less."""
    rough = np.random.default_rng(3).normal(1.0, 1e-4, LENGTHS.size)
    rows = [
        f"{1e6 * length + 20.0:.9g},{1e4 * ohms:.9g}"
        for length, ohms in zip(LENGTHS, LENGTHS / SIGMA * rough, strict=True)
    ]
    file = write(tmp_path / "a.csv", "\n".join(["Thickness / um,Resistance / ohm cm2", *rows]))
    arguments = ["eis", "contact", str(file), "--spot", "1 um", "--film-thickness", "10 nm"]
    arguments += ["--film-conductivity", "1e-6 S/cm"]
    said = CliRunner().invoke(app, arguments, catch_exceptions=False).stdout
    assert "note: the contact resistance is negative beyond its error, which no contact is: the thicknesses are" in said
    for word in ("touch", "film", "within its error", "thinnest"):
        assert word not in said
    (one,) = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)["series"]
    assert one["contact_resistance_ohm_cm2"]["high"] < 0.0
    assert one["fraction_in_spots"] is one["fraction_in_film"] is one["share_of_thinnest"] is None
    assert len(one["warnings"]) == 1
    # of stacked layers it is that at the ends less one between, which may be negative
    said = CliRunner().invoke(app, [*arguments, "--layer", "100 um"], catch_exceptions=False).stdout
    assert "note:" not in said
    assert "touch" not in said


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_table_in_any_units_reads_the_same(tmp_path: Path) -> None:
    plain = read_samples(write(tmp_path / "a.csv", "Thickness / um,Resistance / ohm\n200,40\n400,60\n"), area=1e-4)
    other = "# pellets\nresistance / ohm cm2, THICKNESS / mm, remark\n40,0.2,a\n60,0.4,b\n"
    same = read_samples(write(tmp_path / "b.csv", other))
    layers = read_samples(
        write(tmp_path / "c.csv", "Layers,Resistance / mohm\n1,40000\n2,60000\n"), area=1e-4, layer=2e-4
    )
    commas = read_samples(
        write(tmp_path / "d.csv", "Thickness / mm;Resistance / ohm\n0,2;40,0\n0,4;6,0e1\n"), area=1e-4
    )
    for samples in (plain, same, layers, commas):
        np.testing.assert_allclose(samples.thickness, [2e-4, 4e-4], rtol=1e-12)
        np.testing.assert_allclose(samples.resistance, [40e-4, 60e-4], rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Thickness / um,Resistance / ohm\n200,x\n400,\n", ["line 2: 'x ohm' is not a number", "line 3: 'ohm' is not"]),
        ("Thickness / um,Resistance / ohm\n200,nan\n-400,2\n", ["line 2: 'nan ohm'", "line 3: '-400 um' is too small"]),
        ("Thicknes / um,Resistance / V\n200,1\n", ["did you mean 'thickness'", "write 'Resistance / ohm'"]),
        ("Thickness,Resistance / ohm\n200,1\n", ["write 'Thickness / um'"]),
        ("time/s,Ewe/V,I/A\n1,2,3\n", ["headings are such as"]),
        ("Layers,Resistance / ohm cm2\n1,2\n2,3\n", ["--layer: is missing"]),
        ("", ["headings are such as"]),
    ],
)
def test_every_problem_of_a_table_is_named(tmp_path: Path, text: str, said: list[str]) -> None:
    with pytest.raises(InputError) as raised:
        read_samples(write(tmp_path / "a.csv", text), area=1e-4)
    for words in said:
        assert words in str(raised.value)


def test_the_command_says_it_in_words_in_json_and_in_a_figure(tmp_path: Path) -> None:
    rows = "".join(f"{1e6 * length:.9g},{1e4 * (CONTACT + length / SIGMA):.9g}\n" for length in LENGTHS)
    file, figure = write(tmp_path / "a.csv", f"Thickness / um,Resistance / ohm cm2\n{rows}"), tmp_path / "a.svg"
    arguments = ["eis", "contact", str(file), "--spot", "1 um"]
    said = CliRunner().invoke(app, arguments, catch_exceptions=False).stdout
    assert "conductivity: 1 mS/cm (95 %: 1 mS/cm to 1 mS/cm)" in said
    assert "contact resistance, all contacts together: 8 ohm cm2" in said
    found = json.loads(CliRunner().invoke(app, [*arguments, "--json", "--figure", str(figure)]).stdout)
    assert found["series"][0]["contact_resistance_ohm_cm2"]["value"] == pytest.approx(8.0)
    assert found["exponent_of_pressure"] is None
    assert "<svg" in figure.read_text()
    write(file, "Thickness / um,Resistance / ohm\n200,1\n")
    with pytest.raises(InputError, match="--area: is missing, as the resistances are in ohm"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
