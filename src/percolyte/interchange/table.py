"""A table of numbers as a file: CSV, Parquet or XLSX, by the ending of its name."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

from percolyte.errors import InputError
from percolyte.files import write_whole

FORMATS = (".csv", ".parquet", ".xlsx")


def check_table_name(path: Path) -> None:
    """InputError for a name whose ending is no format of a table."""
    if path.suffix not in FORMATS:
        raise InputError(f"{path} is no table file; end its name with {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")


def write_table(path: Path, columns: Mapping[str, Sequence[Any]], about: Mapping[str, str]) -> None:
    """Columns under headings with their units, as a file.

    Parquet keeps numbers to the last bit, and `about` (where they come from) in the metadata of the
    file; so does XLSX, with `about` on a sheet of its own; CSV has nine digits, and no place for more than the headings.

    Errors: InputError for another ending; OSError where the file cannot be written.
    """
    check_table_name(path)
    writers: dict[str, Callable[[Mapping[str, Sequence[Any]], Mapping[str, str]], bytes]]
    writers = {".parquet": _parquet, ".xlsx": _workbook, ".csv": lambda columns, _: _csv(columns)}
    write_whole(path, writers[path.suffix](columns, about))


def _csv(columns: Mapping[str, Sequence[Any]]) -> bytes:
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow([_cell(value) for value in row])
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:.9g}"


def _workbook(columns: Mapping[str, Sequence[Any]], about: Mapping[str, str]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    data = book.active
    data.title = "data"
    for sheet, rows in (
        (data, [tuple(columns), *zip(*columns.values(), strict=True)]),
        (book.create_sheet("about"), about.items()),
    ):
        for number, row in enumerate(rows, start=1):
            for place, value in enumerate(row, start=1):
                cell = sheet.cell(number, place, value)
                if isinstance(value, str):
                    cell.data_type = "s"  # text that begins with '=' is no formula
    data.freeze_panes = "A2"
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _parquet(columns: Mapping[str, Sequence[Any]], about: Mapping[str, str]) -> bytes:
    import pyarrow as pa  # type: ignore[import-untyped]
    from pyarrow import parquet

    table = pa.table({heading: pa.array(values) for heading, values in columns.items()})
    buffer = BytesIO()
    parquet.write_table(table.replace_schema_metadata(about), buffer)
    return buffer.getvalue()


def parquet_as_text(path: Path) -> str:
    """The columns of a Parquet file as text divided by tabs, for readers of text."""
    import pyarrow as pa
    from pyarrow import csv as text
    from pyarrow import parquet

    buffer = BytesIO()
    try:
        text.write_csv(parquet.read_table(path), buffer, text.WriteOptions(delimiter="\t"))
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"cannot be read as Parquet: {str(error).splitlines()[0]}", source=str(path)) from None
    return buffer.getvalue().decode()
