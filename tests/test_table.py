"""Tables as files: the ending says the format, and a file is written whole or not at all."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet  # type: ignore[import-untyped]

from percolyte.errors import InputError
from percolyte.interchange.table import parquet_as_text, write_table

COLUMNS: dict[str, Any] = {"Voltage / V": np.array([4.1, np.pi]), "Outcome": ["done", "a, b"]}


def test_parquet_keeps_every_bit_and_says_where_it_comes_from(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "curve.parquet"
    write_table(path, COLUMNS, {"design": "my cell"})
    table = parquet.read_table(path)
    assert table.column_names == list(COLUMNS)
    assert table.column(0).to_pylist() == [4.1, np.pi]
    assert table.column(1).to_pylist() == ["done", "a, b"]
    assert table.schema.metadata[b"design"] == b"my cell"


def test_csv_has_the_headings_and_nine_digits(tmp_path: Path) -> None:
    write_table(tmp_path / "curve.csv", COLUMNS, {})
    with (tmp_path / "curve.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["Voltage / V", "Outcome"], ["4.1", "done"], ["3.14159265", "a, b"]]


def test_a_workbook_keeps_numbers_and_takes_no_text_for_a_formula(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    columns: dict[str, list[Any]] = {"Voltage / V": [4.1, math.pi], "Outcome": ["=1+1", "done"]}
    write_table(tmp_path / "curve.xlsx", columns, {"design": "x"})
    book = load_workbook(tmp_path / "curve.xlsx")
    assert [row[0].value for row in book["data"].iter_rows(min_row=2)] == [4.1, math.pi]
    assert book["data"]["B2"].data_type == "s"
    assert [cell.value for cell in next(book["about"].iter_rows())] == ["design", "x"]


def test_another_ending_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"end its name with \.csv, \.parquet or \.xlsx"):
        write_table(tmp_path / "curve.txt", COLUMNS, {})
    assert not list(tmp_path.iterdir())


def test_a_file_that_was_there_stays_where_the_new_one_cannot_be_made(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    path.write_text("old")
    with pytest.raises(ValueError, match="zip"):
        write_table(path, {"a": [1.0], "b": [1.0, 2.0]}, {})
    assert path.read_text() == "old"


def test_what_is_no_parquet_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("Voltage / V")
    with pytest.raises(InputError, match=r"a\.parquet: cannot be read as Parquet"):
        parquet_as_text(tmp_path / "a.parquet")
