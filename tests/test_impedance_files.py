"""Files of impedance instruments: every format gives the spectrum written, and what cannot be used is refused with what to do."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from percolyte.cli import main
from percolyte.errors import InputError
from percolyte.impedance.measurement import MeasuredSpectrum
from percolyte.impedance.readers import workbook
from percolyte.impedance.readers.contents import LARGEST, MOST_LINES
from percolyte.impedance.readers.headings import Meaning, UnknownUnit, meaning
from percolyte.impedance.readers.reading import read_folder, read_polarisation, read_spectra, read_spectrum
from percolyte.impedance.readers.spectra import MOST_CYCLES
from tests import impedance_files as files
from tests.impedance_files import FILES, FREQUENCY, SECOND, cell


def written(folder: Path, content: bytes | str, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read_spectra(path, **options)
    return str(caught.value)


def the(path: Path, **options: Any) -> MeasuredSpectrum:
    (spectrum,) = read_spectra(path, **options)
    return spectrum


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_spectra_that_were_written(tmp_path: Path, name: str) -> None:
    write, source_format, count = FILES[name]
    spectra = read_spectra(written(tmp_path, write(), name))
    assert [spectrum.source_format for spectrum in spectra] == [source_format] * count
    assert [spectrum.cycle for spectrum in spectra] == list(range(1, count + 1))
    # mpr holds single precision, and Ivium was written with nine digits
    for spectrum, factor in zip(spectra, (1.0, SECOND), strict=False):
        np.testing.assert_allclose(spectrum.frequency, FREQUENCY, rtol=1e-7)
        np.testing.assert_allclose(spectrum.impedance, factor * cell(), rtol=1e-6)
        assert any("sign of the imaginary part" in note for note in spectrum.notes)


@pytest.mark.parametrize("name", FILES)
def test_the_format_is_known_by_the_content_and_not_by_the_ending(tmp_path: Path, name: str) -> None:
    write, source_format, count = FILES[name]
    spectra = read_spectra(written(tmp_path, write(), "measured.dat"))
    assert [spectrum.source_format for spectrum in spectra] == [source_format] * count


@pytest.mark.parametrize(
    ("content", "area", "measured_at"),
    [
        (files.mpt(), 1.131e-4, "01/10/2024 11:02:29.886"),
        (files.mpt(area="113,1 mm²"), 1.131e-4, "01/10/2024 11:02:29.886"),
        (files.mpr(), None, "2024-01-10 11:02:29"),
        (files.dta(), 0.785e-4, "4/23/2018 16:43:15"),
        (files.zplot("0.785"), 0.785e-4, "10-12-2018 12:32:21"),
        (files.ivium(), 0.785e-4, ""),
        (files.par(), 0.785e-4, "Thursday, July 19, 2018 9:40:30 AM"),
        (files.pssession(), None, "2023-08-22 12:33:39"),
    ],
)
def test_area_and_date_come_with_the_spectrum(
    tmp_path: Path, content: bytes, area: float | None, measured_at: str
) -> None:
    spectrum = read_spectra(written(tmp_path, content))[0]
    assert spectrum.area == pytest.approx(area)
    assert spectrum.measured_at == measured_at
    stated = read_spectra(tmp_path / "a.csv", area=2e-4, thickness=1e-4, temperature=300.0)[0]
    assert (stated.area, stated.thickness, stated.temperature) == (2e-4, 1e-4, 300.0)


@pytest.mark.parametrize(
    "content", [files.mpt(area="0.001 cm²"), files.dta(area="1.0E+000"), files.zplot("1"), files.ivium(area="1")]
)
def test_the_area_that_an_instrument_writes_by_itself_is_none_of_the_cell(tmp_path: Path, content: bytes) -> None:
    spectrum = read_spectra(written(tmp_path, content))[0]
    assert spectrum.area is None
    assert any("where no area was entered" in note for note in spectrum.notes)


def test_an_area_that_is_none_is_not_used_and_named(tmp_path: Path) -> None:
    spectrum = read_spectra(written(tmp_path, files.mpt(area="5.0 cm")))[0]
    assert spectrum.area is None
    assert any("'5.0 cm'" in note for note in spectrum.notes)


# headings and units


@pytest.mark.parametrize(
    ("heading", "quantity", "factor", "negative", "per_area"),
    [
        ("freq/Hz", "frequency", 1.0, False, False),
        ("Frequency (kHz)", "frequency", 1e3, False, False),
        ("f [mHz]", "frequency", 1e-3, False, False),
        ("f [MHz]", "frequency", 1e6, False, False),
        ("frequency (rad/s)", "frequency", 0.5 / np.pi, False, False),
        ("Real Impedance / ohm", "real", 1.0, False, False),
        ("Z' (kΩ)", "real", 1e3, False, False),
        ("Re(Z) [mOhm]", "real", 1e-3, False, False),
        ("Z_re (MOhm)", "real", 1e6, False, False),
        ("Zre (ohms)", "real", 1.0, False, False),
        ("Z'/Ω·cm²", "real", 1e-4, False, True),
        ("Re(Z) / kohm cm^2", "real", 0.1, False, True),
        ("-Im(Z)/Ohm", "imaginary", 1.0, True, False),
        ("\u2212Z\u2033 (Ω)", "imaginary", 1.0, True, False),
        ('Z"/ohm', "imaginary", 1.0, False, False),
        ("Zimag", "imaginary", 1.0, False, False),
        ("|Z| / ohm", "modulus", 1.0, False, False),
        ("Phase (°)", "phase", 1.0, False, False),
        ("-Phase(Z)/deg", "phase", 1.0, True, False),
        ("theta / rad", "phase", 180.0 / np.pi, False, False),
        ("Im (A)", "current", 1.0, False, False),
        ("<I>/mA", "current", 1e-3, False, False),
        ("Test Time / s", "time", 1.0, False, False),
        ("Ecell/V", "voltage", 1.0, False, False),
        ("cycle number", "cycle", 1.0, False, False),
    ],
)
def test_a_heading_names_quantity_unit_and_sign(
    heading: str, quantity: str, factor: float, negative: bool, per_area: bool
) -> None:
    found = meaning(heading)
    assert isinstance(found, Meaning)
    assert (found.quantity, found.negative, found.per_area) == (quantity, negative, per_area)
    assert found.factor == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize("heading", ["Pt", "|Ewe|/V", "Cs/µF", "Re(Zce)/Ohm", "E Real", "t", "I", "", "x" * 500])
def test_a_heading_of_something_else_is_nothing(heading: str) -> None:
    assert meaning(heading) is None


def test_an_unknown_unit_is_named_with_one_to_write(tmp_path: Path) -> None:
    assert meaning("Zre (furlong)") == UnknownUnit("real", "furlong")
    said = refusal(written(tmp_path, "freq/Hz,Zre (furlong),Zim (ohm)\n1,2,-3\n2,2,-3\n"))
    assert "'furlong'" in said
    assert "Real Impedance / ohm" in said


def table(headings: str, line: Callable[[int, float, complex], Sequence[object]], between: str = ",") -> str:
    return headings + "\n" + files.rows(1, line, between)


@pytest.mark.parametrize(
    "content",
    [
        table("freq (kHz);Zre (kOhm);-Zim (kOhm)", lambda c, f, z: (f / 1e3, z.real / 1e3, -z.imag / 1e3), ";"),
        table("Z''/ohm\tf/Hz\tZ'/ohm", lambda c, f, z: (z.imag, f, z.real), "\t"),
        table("f/Hz;Z'/ohm;Z''/ohm", lambda c, f, z: (f, z.real, z.imag), ";").replace(".", ","),
        table('"f/Hz","Re(Z)/ohm","Im(Z)/ohm"', lambda c, f, z: [f'"{v}"'.replace(".", ",") for v in (f, z.real, z.imag)]),
        table("f/Hz,|Z|/ohm,Phase(Z)/rad", lambda c, f, z: (f, abs(z), np.angle(z))),
        table("f/Hz,|Z|/ohm,-Phase(Z)/deg", lambda c, f, z: (f, abs(z), -np.degrees(np.angle(z)))),
        table("f Zre Zim\nHz ohm ohm", lambda c, f, z: (f, z.real, z.imag), "  "),
        table("# made by hand\n\n# freq,Zre,Zim", lambda c, f, z: (f, z.real, z.imag)),
        table("", lambda c, f, z: (f, z.real, z.imag)),
        "\ufeff" + table("f/Hz,Z'/ohm,Z''/ohm", lambda c, f, z: (f, z.real, z.imag)).replace("\n", "\r\n"),
    ],
    ids=["kilo", "order", "comma", "quoted", "phase", "minus-phase", "units-below", "comments", "no-headings", "mark"],
)  # fmt: skip
def test_a_table_is_read_however_it_is_divided_and_headed(tmp_path: Path, content: str) -> None:
    spectrum = the(written(tmp_path, content))
    # the text has sixteen digits
    np.testing.assert_allclose(spectrum.impedance, cell(), rtol=1e-12)
    np.testing.assert_allclose(spectrum.frequency, FREQUENCY, rtol=1e-12)


def test_text_in_utf16_is_read(tmp_path: Path) -> None:
    content = table("f/Hz\tZ'/Ω\tZ''/Ω", lambda c, f, z: (f, z.real, z.imag), "\t").encode("utf-16")
    np.testing.assert_allclose(the(written(tmp_path, content)).impedance, cell(), rtol=1e-12)


def test_area_thickness_temperature_and_date_stand_above_a_table(tmp_path: Path) -> None:
    lines = "# area: 0.785 cm2\n# Thickness (um) = 100\nTemperature: ambient\ntemperature, 25 degC\ndate: 2024-01-10\n"
    spectrum = the(written(tmp_path, lines + table("f/Hz,Z'/ohm,Z''/ohm", lambda c, f, z: (f, z.real, z.imag))))
    assert spectrum.area == pytest.approx(0.785e-4)
    assert spectrum.thickness == pytest.approx(1e-4)
    assert spectrum.temperature == pytest.approx(298.15)
    assert spectrum.measured_at == "2024-01-10"


def test_an_area_in_a_wrong_unit_above_a_table_is_refused(tmp_path: Path) -> None:
    content = "area: 5 cm\n" + table("f/Hz,Z'/ohm,Z''/ohm", lambda c, f, z: (f, z.real, z.imag))
    said = refusal(written(tmp_path, content))
    assert "line 1, area" in said
    assert "cm2" in said


def test_impedance_times_area_needs_the_area_and_is_divided_by_it(tmp_path: Path) -> None:
    path = written(tmp_path, table("f/Hz,Z'/ohm cm2,Z''/ohm cm2", lambda c, f, z: (f, 0.5 * z.real, 0.5 * z.imag)))
    assert "write the area of the cell" in refusal(path)
    np.testing.assert_allclose(the(path, area=0.5e-4).impedance, cell(), rtol=1e-12)


# cycles


def test_repeated_sweeps_without_a_column_of_cycles_are_parted_where_the_first_frequency_returns(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, "f/Hz,Z'/ohm,Z''/ohm\n" + files.rows(3, lambda c, f, z: (f, z.real, z.imag), ","))
    first, second, _ = read_spectra(path)
    np.testing.assert_allclose(second.impedance, SECOND * first.impedance, rtol=1e-12)


def test_several_spectra_where_one_is_wanted_name_the_cycles(tmp_path: Path) -> None:
    path = written(tmp_path, files.mpt())
    with pytest.raises(InputError, match=r"2 spectra \(cycles 1, 2\).*--cycle 1"):
        read_spectrum(path)
    with pytest.raises(InputError, match="none is cycle 7"):
        read_spectrum(path, cycle=7)
    np.testing.assert_allclose(read_spectrum(path, cycle=2).impedance, SECOND * cell(), rtol=1e-12)


def test_more_cycles_than_any_measurement_has_are_refused(tmp_path: Path) -> None:
    lines = "".join(f"{place // 2},{1 + place % 2},1,-1\n" for place in range(2 * MOST_CYCLES + 2))
    assert "more than 10,000 cycles" in refusal(written(tmp_path, "cycle,f/Hz,Z'/ohm,Z''/ohm\n" + lines))


# the sign of the imaginary part


@pytest.mark.parametrize(
    ("content", "how"),
    [
        (files.mpt(1), "declared, the heading '-Im(Z)/Ohm'"),
        (files.dta(), "declared, Zimag of Gamry"),
        (files.spoc(), "inferred, 'Im(Z)' holds -Im(Z), as 'Phase(Z)' shows"),
        (files.chi(), "holds Im(Z), as 'Phase/deg' shows"),
        (files.powersuite(), "inferred, 'Zimg' holds Im(Z), because most points are capacitive"),
    ],
)
def test_the_notes_say_how_the_sign_is_known(tmp_path: Path, content: bytes, how: str) -> None:
    assert any(how in note for note in the(written(tmp_path, content)).notes)


@pytest.mark.parametrize("headings", ["f/Hz,Z'/ohm,Z''/ohm", "f/Hz,Re,Im", "f/Hz,Z'/ohm,Z''/ohm,Phase/deg"])
def test_a_positive_imaginary_part_throughout_is_asked_about_unless_stated(tmp_path: Path, headings: str) -> None:
    reversed_phase = [lambda c, f, z: (f, z.real, -z.imag, -np.degrees(np.angle(z)))]
    width = headings.count(",") + 1
    path = written(tmp_path, table(headings, lambda c, f, z: reversed_phase[0](c, f, z)[:width]))
    said = refusal(path)
    assert "positive imaginary part throughout" in said
    assert "--imaginary minus-im" in said
    np.testing.assert_allclose(the(path, imaginary="minus-im").impedance, cell(), rtol=1e-12)
    np.testing.assert_allclose(the(path, imaginary="im").impedance, cell().conj(), rtol=1e-12)


def test_a_declared_sign_that_leaves_all_points_inductive_is_asked_about_too(tmp_path: Path) -> None:
    path = written(tmp_path, table("f/Hz,Z'/ohm,-Z''/ohm", lambda c, f, z: (f, z.real, z.imag)))
    assert "positive imaginary part throughout" in refusal(path)
    np.testing.assert_allclose(the(path, imaginary="im").impedance, cell(), rtol=1e-12)


def test_some_inductive_points_of_a_declared_sign_stay(tmp_path: Path) -> None:
    path = written(tmp_path, "f/Hz,Z'/ohm,-Z''/ohm\n1e5,1,-2\n1e4,1,-1\n1e3,1,1\n")
    assert the(path).impedance.imag.tolist() == [2.0, 1.0, -1.0]
    assert "in 67 % of the points" in refusal(written(tmp_path, "f/Hz,Z'/ohm,Z''/ohm\n1e5,1,2\n1e4,1,1\n1e3,1,-1\n"))


# direct current beside the spectrum


def test_rows_of_direct_current_are_left_out_and_counted(tmp_path: Path) -> None:
    assert any("2 rows without a frequency" in note for note in the(written(tmp_path, files.parstat())).notes)


# what is refused

GOOD = "f/Hz,Z'/ohm,Z''/ohm\n1000,1,-1\n100,2,-2\n10,3,-3\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"  \n\n ", "is empty"),
        ("Dear colleague,\nthis is no spectrum, it is a letter.\n", "no spectrum that can be recognised"),
        ("f/Hz,Z'/ohm,Z''/ohm\n1000,1,-1\n", "one point"),
        ("f/Hz,Z'/ohm,Z''/ohm\n", "no spectrum"),
        (GOOD + "100,2,-2\n", "100 Hz more than once (points 2, 4)"),
        (GOOD + "0,2,-2\n", "the frequency is zero"),
        (GOOD + "-5,2,-2\n", "the frequency is negative"),
        (GOOD + "nan,nan,nan\n4,5,-2\n", "line 5: the frequency or impedance is no number"),
        (GOOD + "5,nan,-2\n", "line 5: the frequency or impedance is no number"),
        ("# cell 3\n\n" + GOOD + "\n5,nan,-2\n4,x,-2\n", "line 8 and 1 more: the frequency or impedance is no number"),
        (GOOD + "5,inf,-2\n", "is no number"),
        (GOOD + "5,,-2\n", "is no number"),
        (GOOD + "5,1.7e308,-1.7e308\n", "is no number"),
        ("freq/Hz,Phase/deg\n1,2\n2,3\n", "no spectrum"),
        ("f/Hz,|Z|/ohm,Phase\n1,2,-3\n2,3,-4\n", "names no unit"),
        ("f/Hz,Z'/ohm,Z''/ohm cm2\n1,2,-3\n2,3,-4\n", "the other times an area"),
        ("f/Hz,Z'/ohm,Z''/ohm\n1,5,2,5,-3,5\n2,5,3,5,-4,5\n", "line 2: has 6 values below 3 headings"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "is a picture (PNG)"),
        (b"\xff\xd8\xff\xe0" + bytes(range(100)), "is a picture (JPEG)"),
        (bytes(range(256)) * 4, "binary file of no instrument"),
        (b"1\n" * (MOST_LINES + 1), "more than 1,000,000 lines"),
        (b"\xd0\xcf\x11\xe0" + bytes(100), "save it as .xlsx"),
        (b"PK\x03\x04" + bytes(100), "damaged archive"),
        (files.mpr()[:-700], "cut off"),
        (files.mpr()[:100], "cut off"),
        (files.mpr(identifiers=(32, 37, 38, 36, 24, 700, 701)), "ID 700, 701"),
        (files.mpr(identifiers=(32, 37, 38, 36, 24, 24)), "not known"),
        (files.mpr(identifiers=(32, 37, 38, 36, 24, 39, 1, 700)), "ID 700"),
        (files.mpr(identifiers=(38, 37, 32, 36, 24, 39), values=lambda c, f, z: {38: f, 37: z.real, 32: -z.imag}), "|Z| is not that"),
        (files.dfr()[:120], "cut off"),
        (files.i2b()[:-40], "cut off"),
        (files.ivium()[:-200], "cut off"),
        (files.pssession()[:-60], "cut off or damaged"),
        (b"{\"Type\":\"PalmSens.DataFiles.SessionFile\"" + b"[" * 100_000, "cut off or damaged"),
        (files.zplot()[:-30], "nine numbers"),
        (b"ZPLOT2 ASCII\n", "line that ends its comments"),
        (files.ivium().replace(b"Method=Impedance", b"Method=CyclicVo1"), "without impedance"),
    ],
)  # fmt: skip
def test_what_is_no_spectrum_is_refused_with_one_clear_message(tmp_path: Path, content: bytes | str, said: str) -> None:
    path = written(tmp_path, content)
    told = refusal(path)
    assert said in told
    assert told.startswith(str(path))


def test_folders_and_missing_and_too_long_files_are_refused(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path)
    assert "no such file" in refusal(tmp_path / "none.mpt")
    with (tmp_path / "long.csv").open("wb") as file:
        file.truncate(LARGEST + 1)
    assert "is larger than" in refusal(tmp_path / "long.csv")


@pytest.mark.parametrize("options", [{"area": -1.0}, {"area": float("nan")}, {"thickness": 0.0}, {"imaginary": "up"}])
def test_statements_that_cannot_be_are_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    assert "positive number" in refusal(written(tmp_path, GOOD), **options) or options == {"imaginary": "up"}


def test_one_unknown_column_of_an_mpr_is_skipped_and_named_wherever_it_stands(tmp_path: Path) -> None:
    for kind in ("<f", "<d", "<H"):
        path = written(tmp_path, files.mpr(identifiers=(32, 215, 37, 38, 36, 24, 39), unknown=kind))
        spectra = read_spectra(path)
        np.testing.assert_allclose(spectra[1].impedance, SECOND * cell(), rtol=1e-6)
        assert any("ID 215" in note for note in spectra[0].notes)


def archive(parts: dict[str, bytes]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return buffer.getvalue()


def test_a_workbook_that_unpacks_to_more_than_memory_should_hold_is_refused_before_it_is_unpacked(
    tmp_path: Path,
) -> None:
    bomb = archive({"xl/workbook.xml": b"<workbook/>", "xl/sharedStrings.xml": bytes(workbook.LARGEST_UNPACKED)})
    assert len(bomb) < 1_000_000
    assert "unpacks to more than" in refusal(written(tmp_path, bomb))


def test_archives_that_are_no_workbook_and_damaged_workbooks_are_refused(tmp_path: Path) -> None:
    assert "is an archive" in refusal(written(tmp_path, archive({"readme.txt": b"hello"})))
    assert "cannot be read" in refusal(written(tmp_path, archive({"xl/workbook.xml": b"<workbook"})))


# hostile files

MUTATED = {name: write() for name, (write, _, _) in FILES.items()}


def only_input_errors(folder: Path, content: bytes) -> None:
    path = written(folder, content, "mutated")
    for read in (read_spectra, read_polarisation):
        with suppress(InputError):
            read(path)


@settings(max_examples=12)
@pytest.mark.parametrize("name", FILES)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    content = bytearray(MUTATED[name])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        kind = data.draw(st.sampled_from(["byte", "cut", "repeat", "insert"]))
        if kind == "byte":
            content[place] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del content[place : place + data.draw(st.integers(1, 400))]
        elif kind == "repeat":
            content[place:place] = content[place : place + 200]
        else:
            content[place:place] = data.draw(st.binary(max_size=20))
        if not content:
            break
    only_input_errors(tmp_path_factory.getbasetemp(), bytes(content))


@given(st.text(alphabet="freq/HzZ'-,;\t\n\"0123456789.eE+ ohm()nan#", max_size=200) | st.binary(max_size=200))
def test_arbitrary_content_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: str | bytes) -> None:
    only_input_errors(tmp_path_factory.getbasetemp(), content.encode() if isinstance(content, str) else content)


# runs at constant current or voltage


def run_rows(rest: int = 3, current: float = 1e-4) -> list[tuple[float, float, float]]:
    """Rest, then a step at 10 s after which the voltage relaxes."""
    before = [(10.0 - 3.0 * place, 0.0, 0.0) for place in range(rest - 1, -1, -1)]
    return before + [
        (10.0 + t, 100.0 * current * (2.0 - np.exp(-t / 20.0)), current) for t in np.linspace(0.5, 100, 40)
    ]


def test_a_galvanostatic_run_counts_time_from_the_end_of_rest(tmp_path: Path) -> None:
    lines = [f"{t},{v},{1e3 * i}" for t, v, i in run_rows()]
    run = read_polarisation(written(tmp_path, "Time / s,Voltage / V,Current / mA\n" + "\n".join(lines)), area=1e-4)
    assert run.mode == "galvanostatic"
    assert run.applied == pytest.approx(1e-4)
    assert run.time[0] == pytest.approx(0.5)
    assert run.time.size == 40
    assert run.response[-1] == pytest.approx(0.01 * (2.0 - np.exp(-5.0)))
    assert run.area == 1e-4
    assert any("3 rows of rest before" in note for note in run.notes)


@pytest.mark.parametrize(
    "content",
    [
        files.mpt_run("Chronoamperometry / Chronocoulometry", "time/s\tEwe/V\t<I>/mA", [(t, 0.01, 1e3 * v) for t, v, i in run_rows(0)]),
        b"EXPLAIN\nTAG\tCHRONOA\nAREA\tQUANT\t0.5\tx\nCURVE\tTABLE\t40\n\tPt\tT\tVf\tIm\tVu\n\t#\ts\tV vs. Ref.\tA\tV\n"
        + "".join(f"\t0\t{t}\t0.01\t{v}\t0\n" for t, v, i in run_rows(0)).encode(),
        files.mpr(3, identifiers=(1, 2, 4, 174, 8), values=lambda c, f, z: {4: 10.0 + 6 * c - np.log10(f), 174: 0.01, 8: 1e3 / (2 + c)}),
        files.mpr(3, identifiers=(1, 2, 4, 174, 8), values=lambda c, f, z: {4: 10.0 + 6 * c - np.log10(f), 174: 0.01, 8: 1e3 / (2 + c)}, one_flag=False),
    ],
    ids=["mpt", "gamry", "mpr", "mpr-flags"],
)  # fmt: skip
def test_a_potentiostatic_run_of_an_instrument_gives_the_current(tmp_path: Path, content: bytes) -> None:
    run = read_polarisation(written(tmp_path, content))
    assert run.mode == "potentiostatic"
    assert run.applied == pytest.approx(0.01)
    assert run.response.max() < 1.0
    assert run.time[0] == pytest.approx(0.0, abs=1e-9)
    assert "no spectrum" in refusal(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([(t, 1.0, 1.0) for t in range(9)], "state it"),
        ([(t, 1.0 + t, 1.0 + (t > 4)) for t in range(9)], "state it"),
        ([(9 - t, 1.0 + t, 1.0) for t in range(9)], "time falls"),
        ([(t, 1.0 + t, 0.0) for t in range(9)], "no current"),
        ([(t, 1.0 + t, float(t > 6)) for t in range(9)], "points with current"),
        ([(t, float("nan"), 1.0) for t in range(9)], "no number"),
    ],
)
def test_what_is_no_run_is_refused(tmp_path: Path, lines: list[tuple[float, ...]], said: str) -> None:
    content = "Time / s,Voltage / V,Current / A\n" + "\n".join(",".join(map(str, line)) for line in lines)
    with pytest.raises(InputError, match=said):
        read_polarisation(written(tmp_path, content))


def test_several_steps_are_no_run_even_if_the_mode_is_stated(tmp_path: Path) -> None:
    lines = "\n".join(f"{t},{1.0 + t},{1.0 + (t > 4)}" for t in range(9))
    with pytest.raises(InputError, match="no single step"):
        read_polarisation(written(tmp_path, "Time / s,Voltage / V,Current / A\n" + lines), mode="galvanostatic")


# the command


def test_eis_read_prints_one_object_with_the_keys_of_the_contract(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = written(tmp_path, files.mpt(), "a.mpt"), tmp_path / "out.csv"
    monkeypatch.setattr("sys.argv", ["percolyte", "eis", "read", str(path), "--thickness", "100 um", "--out", str(out), "--json"])  # fmt: skip
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert found["outcome"] == "done"
    assert len(found["spectra"]) == 2
    spectrum = found["spectra"][0]
    assert spectrum["source_format"] == "BioLogic mpt"
    assert spectrum["thickness_um"] == pytest.approx(100.0)
    np.testing.assert_allclose(np.array(spectrum["real_ohm"]) + 1j * np.array(spectrum["imaginary_ohm"]), cell())
    assert spectrum["frequency_Hz"] == FREQUENCY.tolist()
    again = read_spectra(out)
    # nine digits of the table
    np.testing.assert_allclose(again[1].impedance, SECOND * cell(), rtol=1e-8)


def test_a_folder_gives_the_spectra_of_its_files_and_names_those_refused(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv"):
        written(tmp_path, GOOD, name)
    written(tmp_path, "hello", "readme.txt")
    (tmp_path / "within").mkdir()
    spectra, refused = read_folder(tmp_path)
    assert [spectrum.source for spectrum in spectra] == ["a.csv", "b.csv"]
    assert [problem.where for problem in refused] == ["readme.txt"]
    with pytest.raises(InputError, match="holds no file"):
        read_folder(tmp_path / "within")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--area", "2 cm"], "is not an area"),
        (["--imaginary", "up"], "is not one of im, minus-im"),
        (["--out", "a.doc"], "is no table file"),
        (["--cycle", "3"], "none is cycle 3"),
    ],
)
def test_wrong_options_end_with_status_2_and_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    path = written(tmp_path, files.mpt(), "a.mpt")
    monkeypatch.setattr("sys.argv", ["percolyte", "eis", "read", str(path), *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


# real files, where they are

SAMPLES = Path(__file__).parents[2] / "shared" / "samples" / "eis"
COUNTS = {
    "impedance.py/Circuit1_EIS_1.z": [48], "impedance.py/Circuit3_EIS_1.z": [53], "impedance.py/exampleData.csv": [66],
    "impedance.py/exampleDataAutolab.txt": [41], "impedance.py/exampleDataBioLogic.mpt": [43],
    "impedance.py/exampleDataCHInstruments.txt": [73], "impedance.py/exampleDataGamry.DTA": [72],
    "impedance.py/exampleDataParstat.txt": [31], "impedance.py/exampleDataPowersuite.txt": [30],
    "impedance.py/exampleDataVersaStudio.par": [61], "impedance.py/exampleDataZPlot.z": [21],
    "pyimpspec/case-multiple-spectra.mpt": [29] * 3, "pyimpspec/data.P00": [29], "pyimpspec/data.dfr": [29],
    "pyimpspec/data.dta": [29], "pyimpspec/data.i2b": [29], "pyimpspec/data.idf": [29], "pyimpspec/data.ids": [29] * 2,
    "pyimpspec/data.mpt": [29], "pyimpspec/data.pssession": [29], "pyimpspec/data.z": [29],
    "pyimpspec/drift-corrected-data.dta": [55],
    "yadg/geis.issue_149.mpr": [21] * 4, "yadg/geis.issue_149.mpt": [21] * 4, "yadg/peis.issue_149.mpr": [21] * 4,
    "yadg/peis.issue_149.mpt": [21] * 4, "yadg/peis.issue_225.with_ece.mpr": [32],
    "yadg/peis.issue_225.with_ece.mpt": [32], "yadg/peis.mpr": [32], "yadg/peis.mpt": [32],
}  # fmt: skip
real = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no measured files beside the repository ({SAMPLES.name})")


@real
@pytest.mark.parametrize("name", COUNTS)
def test_every_measured_file_has_its_number_of_spectra_and_points(name: str) -> None:
    assert [spectrum.frequency.size for spectrum in read_spectra(SAMPLES / name)] == COUNTS[name]


@real
@pytest.mark.parametrize("name", [name for name in COUNTS if name.endswith(".mpr")])
def test_binary_and_text_of_one_measurement_agree_to_the_digits_of_the_text(name: str) -> None:
    for binary, text in zip(
        read_spectra(SAMPLES / name), read_spectra((SAMPLES / name).with_suffix(".mpt")), strict=True
    ):
        # eight digits in the text
        np.testing.assert_allclose(binary.frequency, text.frequency, rtol=1e-7)
        np.testing.assert_allclose(binary.impedance, text.impedance, rtol=1e-7)


@real
def test_one_spectrum_in_nine_formats_is_the_same() -> None:
    reference = the(SAMPLES / "pyimpspec/data.dfr")
    for name in ("data.dta", "data.i2b", "data.idf", "data.ids", "data.mpt", "data.P00", "data.pssession", "data.z"):
        # P00 has four to five digits
        np.testing.assert_allclose(
            read_spectra(SAMPLES / "pyimpspec" / name)[0].impedance, reference.impedance, rtol=2e-3
        )


@real
def test_polymer_electrolytes_between_blocking_contacts_are_capacitive_at_low_frequency() -> None:
    found = [the(path) for path in sorted((SAMPLES / "spoc").glob("*.csv"))]
    assert [spectrum.frequency.size for spectrum in found].count(110) == 10
    assert len(found) == 11
    assert all(spectrum.impedance[-1].imag < 0.0 for spectrum in found)
