"""Descriptions of a cell compared, what to try where one misses, and where intervals come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from percolyte.cli import app
from percolyte.errors import InputError
from percolyte.impedance.cells import MeasuredCell, impedance_model
from percolyte.impedance.choice import choose, fit_cells, hints, questions
from percolyte.impedance.estimates import percent
from percolyte.impedance.measurement import Floats, MeasuredSpectrum
from tests.test_measured_composite import ELECTRONIC, IONIC, write_spectrum

FREQUENCY = np.logspace(6, -2, 60)
COMPOSITE = {
    "ionic_resistance": 127.4,
    "electronic_resistance": 60.0,
    "interface_cpe": 2e-4,
    "interface_exponent": 0.9,
    "interface_capacitance": 2e-4,
    "charge_transfer_resistance": 20.0,
    "contact_resistance": 30.0,
    "contact_cpe": 1e-8,
    "contact_exponent": 1.0,
}
SEPARATOR = {
    "electrolyte_resistance": 500.0,
    "electrolyte_cpe": 2e-10,
    "electrolyte_exponent": 1.0,
    "contact_resistance": 200.0,
    "contact_cpe": 1e-6,
    "contact_exponent": 0.9,
    "electrode_cpe": 1e-5,
    "electrode_exponent": 0.9,
}


def a_cell(terminals: str, **more: Any) -> MeasuredCell:
    layer = {"electrolyte": {"thickness": "500 um"}} if terminals == "separator" else {"thickness": "100 um"}
    return MeasuredCell.model_validate({"terminals": terminals, "area": "0.785 cm2", **layer, **more})


def a_spectrum(cell: MeasuredCell, values: dict[str, float], seed: int = 1, noise: float = 0.003) -> MeasuredSpectrum:
    model = impedance_model(cell)
    z, _ = model.evaluate(np.array([values[p.name] for p in model.parameters]), 2.0 * np.pi * FREQUENCY)
    parts = np.random.default_rng(seed).standard_normal((2, z.size))
    return MeasuredSpectrum(FREQUENCY, z + noise * np.abs(z) * (parts[0] + 1j * parts[1]), source="cell.csv")


@pytest.mark.parametrize(
    ("terminals", "changes", "name"),
    [
        ("ion-blocking", {}, "constant phase"),
        ("ion-blocking", {"contact": "arc"}, "constant phase + contact arc"),
        ("electron-blocking", {"interface": {"charge_transfer": True}}, "constant phase + charge transfer"),
        ("electron-blocking", {"interface": {"double_layer": "capacitor"}}, "capacitor"),
        ("separator", {}, "bulk resistor"),
        ("separator", {"electrolyte": {"thickness": "500 um", "arc": True}}, "bulk arc"),
    ],
)
def test_the_description_that_made_a_spectrum_is_chosen(terminals: str, changes: dict[str, Any], name: str) -> None:
    measured = a_spectrum(
        a_cell(terminals, **changes), COMPOSITE | SEPARATOR if terminals == "separator" else COMPOSITE
    )
    cell = a_cell(terminals)
    found = choose([cell], [measured], questions([cell]))
    assert found.comparison.chosen == name
    # every combination of two answers each: a resistance between alike contacts is left out, being the same spectrum
    assert len(found.fits) == (4 if terminals == "separator" else 8)


def test_a_resistance_in_series_is_asked_about_only_where_it_can_be_told() -> None:
    alone, electrode = a_cell("ion-blocking"), a_cell("electrode")
    measured = a_spectrum(electrode, COMPOSITE)
    assert "contact resistance" in choose([electrode], [measured], ["contact"]).fits
    assert "contact resistance" not in choose([alone], [measured], ["contact"]).fits
    with pytest.raises(InputError, match="nothing to compare"):
        choose([alone], [measured], [])


def test_the_faster_of_two_arcs_of_a_separator_is_its_bulk() -> None:
    cell = a_cell("separator", electrolyte={"thickness": "500 um", "arc": True}, contact="arc")
    for seed in range(4):
        found = fit_cells([cell], [a_spectrum(cell, SEPARATOR, seed)], profile="never")
        # both arcs are known to a few percent at 0.3 % of noise
        assert found.fit.values["electrolyte_resistance"] == pytest.approx(500.0, rel=0.1)
        assert any("the faster one is taken for the bulk" in said for said in found.warnings)


def test_a_fit_that_misses_names_the_option_that_helps() -> None:
    bare = a_cell("separator")
    arc = a_cell("separator", electrolyte={"thickness": "500 um", "arc": True})
    measured = a_spectrum(arc, SEPARATOR)
    (said,) = hints(fit_cells([bare], [measured]), [measured])
    assert "with --bulk-arc they are" in said
    assert hints(fit_cells([arc], [measured]), [measured]) == []


@pytest.mark.parametrize("contact", ["none", "arc"])
def test_without_noise_the_simplest_description_that_is_exact_is_chosen(contact: str) -> None:
    """All larger ones are exact too; their residuals are of rounding, and no reason for either."""
    measured = a_spectrum(a_cell("electron-blocking", contact=contact), COMPOSITE, noise=0.0)
    cell = a_cell("electron-blocking")
    chosen = choose([cell], [measured], questions([cell])).comparison.chosen
    assert chosen == ("constant phase" if contact == "none" else "constant phase + contact arc")
    said = hints(fit_cells([a_cell("separator")], [measured]), [measured])
    if contact == "none":
        assert any("with --terminals ion-blocking or electron-blocking they are" in one for one in said)


@pytest.mark.parametrize("terminals", ["ion-blocking", "electron-blocking"])
def test_a_composite_taken_for_a_separator_is_said_to_be_one(terminals: str) -> None:
    measured = a_spectrum(a_cell(terminals), COMPOSITE)
    said = hints(fit_cells([a_cell("separator")], [measured]), [measured])
    assert any("with --terminals ion-blocking or electron-blocking they are" in one for one in said)


def test_a_separator_taken_for_a_composite_is_said_to_be_one() -> None:
    measured = a_spectrum(a_cell("separator"), SEPARATOR)
    said = hints(fit_cells([a_cell("ion-blocking")], [measured]), [measured])
    assert any("with --terminals separator --bulk-arc they are" in one for one in said)


def test_exchanged_terminals_of_a_joint_fit_are_named(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "ion-blocking", 1e-4)
    write_spectrum(tmp_path / "b.csv", "electron-blocking", 1e-4, seed=2)
    notes = said(tmp_path / "a.csv", tmp_path / "b.csv", *CELL)["warnings"]
    assert any("--terminals electron-blocking for b.csv" in note for note in notes)
    # all were said to be of one kind of cell, as those of a series would be
    assert any("percolyte eis batch" in note for note in notes)


CELL = ("--terminals", "ion-blocking", "--thickness", "100 um", "--area", "0.785 cm2")


def said(*arguments: Any) -> Any:
    found = CliRunner().invoke(app, ["eis", "fit", *(str(word) for word in arguments), "--json"])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return json.loads(found.stdout)


def told(*arguments: Any) -> str:
    found = CliRunner().invoke(app, ["eis", "fit", *(str(word) for word in arguments)])
    assert found.exit_code == 0, found.output
    return found.stdout


def test_the_command_compares_and_takes_the_best(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "electron-blocking", 1e-4)
    cell = ("--terminals", "electron-blocking", *CELL[2:])
    plain, compared = said(tmp_path / "a.csv", *cell), said(tmp_path / "a.csv", *cell, "--compare")
    assert plain["comparison"] is None
    assert compared["comparison"]["chosen"] == "constant phase"
    assert compared["comparison"]["descriptions"][0]["aicc_above_best"] == 0.0
    assert sum(one["akaike_weight"] for one in compared["comparison"]["descriptions"]) == pytest.approx(1.0)
    assert compared["ionic_conductivity_S_per_m"] == plain["ionic_conductivity_S_per_m"]
    text = told(tmp_path / "a.csv", *cell, "--compare")
    assert "chosen: constant phase;" in text
    assert "and 2 more, from +" in text


def test_a_contact_is_chosen_alone_and_what_is_stated_stays(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "ion-blocking", 1e-4)
    names = [one["name"] for one in said(tmp_path / "a.csv", *CELL, "--contact", "auto")["comparison"]["descriptions"]]
    assert sorted(names) == ["contact arc", "no contact"]
    held = said(tmp_path / "a.csv", *CELL, "--compare", "--contact", "none", "--double-layer", "capacitor")
    assert sorted(one["name"] for one in held["comparison"]["descriptions"]) == ["charge transfer", "no contact"]


def widths(found: Any) -> Floats:
    return np.array([np.log(one["fit"]["high"] / one["fit"]["low"]) for one in found["parameters"].values()])


def test_intervals_are_those_asked_for_and_agree_where_the_model_is_nearly_linear(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "ion-blocking", 1e-4)
    write_spectrum(tmp_path / "b.csv", "electron-blocking", 1e-4, seed=2)
    both = (tmp_path / "a.csv", tmp_path / "b.csv", "--terminals", "ion-blocking", "--terminals", "electron-blocking",
            *CELL[2:], "--intervals")  # fmt: skip
    found = {name: said(*both, name) for name in ("covariance", "profile", "posterior")}
    bases = {name: {one["basis"] for one in data["parameters"].values()} for name, data in found.items()}
    assert bases == {"covariance": {"covariance"}, "profile": {"profile of the fit"}, "posterior": {"posterior"}}
    assert widths(found["profile"]) == pytest.approx(widths(found["covariance"]), rel=0.02)
    # some thousand independent samples know the width of 95 % to 5 %
    assert widths(found["posterior"]) == pytest.approx(widths(found["covariance"]), rel=0.15)
    for data in found.values():
        assert data["ionic_conductivity_S_per_m"]["low"] < IONIC < data["ionic_conductivity_S_per_m"]["high"]
        assert data["electronic_conductivity_S_per_m"]["value"] == pytest.approx(ELECTRONIC, rel=0.01)
    assert min(found["posterior"]["posterior"]["effective"].values()) > 400.0
    assert max(found["posterior"]["posterior"]["r_hat"].values()) < 1.05
    assert "R-hat" in found["posterior"]["posterior"]["words"]
    assert found["profile"]["posterior"] is None


def test_a_blind_direction_stays_unknown_whatever_the_samples_say(tmp_path: Path) -> None:
    """Its posterior is the prior's, whose ends are no knowledge."""
    write_spectrum(tmp_path / "a.csv", "ion-blocking", 1e-4)
    found = said(tmp_path / "a.csv", *CELL, "--contact", "resistance", "--intervals", "posterior")
    assert found["ionic_conductivity_S_per_m"] is None
    assert "trades against" in found["why"]["ionic_conductivity_S_per_m"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--intervals", "profil"), "did you mean 'profile'"),
        (("--corner", "c.png"), "write --intervals posterior too"),
        (("--contact", "ark"), "is not one of none, resistance, arc, auto"),
        (("--double-layer", "condenser"), "'condenser' is not one of"),
        (("--bulk-arc",), "--bulk-arc: is of a separator, and ion-blocking has none"),
        (("--contact", "auto", "--contact-resistance", "2 ohm cm2"), "leave one of them out"),
        (("--compare", "--contact", "arc", "--double-layer", "capacitor", "--charge-transfer"), "leave out those"),
        (("--contact-resistance", "2 ohm"), "--contact-resistance: '2 ohm' is not"),
        (("--exclude", "0"), "from 1 on"),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    write_spectrum(tmp_path / "a.csv", "ion-blocking", 1e-4)
    with pytest.raises(InputError, match=message):
        said(tmp_path / "a.csv", *CELL, *options)


def test_cells_in_one_option_are_told_apart(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "ion-blocking", 1e-4)
    with pytest.raises(InputError, match="write --terminals ion-blocking --terminals electron-blocking"):
        said(tmp_path / "a.csv", "--terminals", "ion-blocking, electron-blocking", *CELL[2:])


def test_the_contact_is_said_once_for_all_files(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "ion-blocking", 1e-4)
    with pytest.raises(InputError, match="--contact is given 2 times and holds for all files"):
        said(tmp_path / "a.csv", *CELL, "--contact", "resistance", "--contact", "none")


def test_options_of_cells_are_refused_for_circuits_and_separators(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "ion-blocking", 1e-4)
    with pytest.raises(InputError) as raised:
        said(tmp_path / "a.csv", "--circuit", "R0-p(R1,CPE1)", "--compare", "--contact", "arc", "--method", "impedance")
    assert all(
        f"{name}: is of a cell, not of a circuit" in str(raised.value)
        for name in ("--compare", "--contact", "--method")
    )
    separator = ("--terminals", "separator", *CELL[2:])
    with pytest.raises(InputError, match="--charge-transfer: is of a composite, and a separator has none"):
        said(tmp_path / "a.csv", *separator, "--charge-transfer")


def test_a_file_is_not_fitted_together_with_itself(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "ion-blocking", 1e-4)
    with pytest.raises(InputError, match=r"a\.csv: is named twice"):
        said(tmp_path / "a.csv", tmp_path / "a.csv", *CELL)


def test_files_of_several_temperatures_are_sent_to_the_batch(tmp_path: Path) -> None:
    for name, kelvin in (("a", 298.15), ("b", 333.15)):
        write_spectrum(tmp_path / f"{name}.csv", "ion-blocking", 1e-4)
        written = (tmp_path / f"{name}.csv").read_text()
        (tmp_path / f"{name}.csv").write_text(f"# temperature: {kelvin} K\n{written}")
    with pytest.raises(InputError, match="percolyte eis batch"):
        said(tmp_path / "a.csv", tmp_path / "b.csv", *CELL)


def per_area(folder: Path) -> tuple[Path, Path]:
    """A spectrum of a separator of 0.785 cm2 in ohm, and in ohm cm2."""
    z = a_spectrum(a_cell("separator"), SEPARATOR)
    for name, unit, factor in (("a.csv", "Ohm", 1.0), ("b.csv", "Ohm cm2", 0.785)):
        rows = [f"{f:.9g},{factor * one.real:.12g},{-factor * one.imag:.12g}" for f, one in zip(z.frequency, z.impedance, strict=True)]  # fmt: skip
        (folder / name).write_text(f"freq/Hz,Re(Z) [{unit}],-Im(Z) [{unit}]\n" + "\n".join(rows) + "\n")
    return folder / "a.csv", folder / "b.csv"


@pytest.mark.parametrize("what", [("--terminals", "separator", "--thickness", "500 um"), ("--circuit", "R0-CPE1")])
def test_the_area_stated_turns_a_file_of_ohm_cm2_into_ohm(tmp_path: Path, what: tuple[str, ...]) -> None:
    plain, by_area = (said(file, *what, "--area", "0.785 cm2") for file in per_area(tmp_path))
    assert list(by_area["parameters"]) == list(plain["parameters"])
    for name, one in plain["parameters"].items():
        # files of 12 digits
        assert by_area["parameters"][name]["fit"]["value"] == pytest.approx(one["fit"]["value"], rel=1e-6)


def test_direct_current_on_a_separator_is_sent_to_the_commands_that_read_it(tmp_path: Path) -> None:
    file, _ = per_area(tmp_path)
    with pytest.raises(InputError, match=r"--method: of a separator is impedance alone.*eis leakage"):
        said(file, "--terminals", "separator", *CELL[2:], "--method", "polarisation")


def test_a_fit_that_misses_by_more_than_a_tenth_says_so_before_any_number(tmp_path: Path) -> None:
    cell = (bulk_arc_alone(tmp_path), "--terminals", "separator", "--thickness", "500 um", "--area", "0.785 cm2")
    assert told(*cell).startswith("the fit misses a.csv by ")
    assert "the numbers below are not to be used\nelectrolyte conductivity" in told(*cell)
    assert "misses" not in told(*cell, "--bulk-arc")


def test_shares_above_one_are_read_as_percent() -> None:
    assert [percent(share) for share in (2.234, 0.00345, 0.183)] == ["220 %", "0.34 %", "18 %"]


def bulk_arc_alone(folder: Path) -> Path:
    """A separator whose spectrum starts at zero: one arc, 500 ohm."""
    z = a_spectrum(
        a_cell("separator", electrolyte={"thickness": "500 um", "arc": True}), SEPARATOR | {"electrolyte_cpe": 2e-9}
    )
    rows = [f"{f:.9g},{one.real:.12g},{-one.imag:.12g}" for f, one in zip(z.frequency, z.impedance, strict=True)]
    (folder / "a.csv").write_text("freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm\n" + "\n".join(rows) + "\n")
    return folder / "a.csv"


def test_one_arc_of_a_separator_is_asked_about_as_bulk_and_as_contact(tmp_path: Path) -> None:
    cell = (bulk_arc_alone(tmp_path), "--terminals", "separator", "--thickness", "500 um", "--area", "0.785 cm2")
    found = said(*cell, "--contact", "auto")
    assert found["comparison"]["chosen"] == "bulk arc"
    fit = found["parameters"]["electrolyte_resistance"]["fit"]
    assert fit["low"] < 500.0 < fit["high"]
    stated = said(*cell, "--contact", "arc")
    assert stated["parameters"]["electrolyte_resistance"]["fit"] is None
    assert any("--bulk-arc without --contact arc" in note for note in stated["warnings"])


def test_a_contact_cannot_resist_more_than_the_whole_cell(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "a.csv", "ion-blocking", 1e-4)
    z = np.loadtxt(tmp_path / "a.csv", delimiter=",", skiprows=1)
    least = 0.785 * np.hypot(z[:, 1], z[:, 2]).min()
    said(tmp_path / "a.csv", *CELL, "--contact-resistance", f"{0.5 * least:.6g} ohm cm2")
    with pytest.raises(InputError, match=r"a\.csv: the stated contact resistance, .* exceeds the smallest \|Z\|"):
        said(tmp_path / "a.csv", *CELL, "--contact-resistance", f"{1.01 * least:.6g} ohm cm2")
