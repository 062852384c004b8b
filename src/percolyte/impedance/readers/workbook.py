"""Workbooks (.xlsx): every sheet is rows of words, read without formulas and within bounds."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from io import BytesIO

from percolyte.errors import InputError
from percolyte.impedance.readers.contents import Contents, Table
from percolyte.impedance.readers.delimited import tables_in
from percolyte.impedance.readers.spectra import EXAMPLE

LARGEST_UNPACKED = 64 * 1024 * 1024
"""Bytes of all parts of the archive together; a bomb declares more, or is cut off at what it declares."""
MOST_PARTS = 1000
MOST_SHEETS = 50
MOST_ROWS = 100_000
MOST_COLUMNS = 100


def recognises(contents: Contents) -> bool:
    return contents.data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0"))


def tables(contents: Contents) -> list[Table]:
    """The tables of all sheets.

    Errors: InputError for an older workbook (.xls), another archive, one that unpacks to more than
    LARGEST_UNPACKED, a damaged one, and one without a table.
    """
    if contents.data.startswith(b"\xd0"):
        raise InputError("is an older workbook (.xls); save it as .xlsx or .csv")
    _check_archive(contents.data)
    found: list[Table] = []
    try:
        for rows in _sheets(contents.data):
            found += tables_in(rows, "workbook")
    except InputError:
        raise
    except Exception as error:  # openpyxl lets through whatever a damaged part provokes
        raise InputError(f"is a workbook that cannot be read ({type(error).__name__}); save it again") from None
    if not found:
        raise InputError(f"holds no spectrum that can be recognised; a table starts with headings such as {EXAMPLE!r}")
    return found


def _check_archive(data: bytes) -> None:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise InputError("is a damaged archive; save the workbook again") from None
    if "xl/workbook.xml" not in {part.filename for part in parts}:
        raise InputError("is an archive, not a workbook; unpack it, and name one of its files")
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_UNPACKED:
        raise InputError(
            f"is a workbook that unpacks to more than {LARGEST_UNPACKED >> 20} MiB; save the sheet as .csv"
        )


def _sheets(data: bytes) -> Iterator[list[list[str]]]:
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
        try:
            for sheet in book.worksheets[:MOST_SHEETS]:
                cells = sheet.iter_rows(max_row=MOST_ROWS, max_col=MOST_COLUMNS, values_only=True)
                rows = [["" if cell is None else str(cell).strip() for cell in row] for row in cells]
                yield [_trimmed(row) for row in rows]
        finally:
            book.close()


def _trimmed(row: list[str]) -> list[str]:
    """A row without the empty cells at its end."""
    last = max((place for place, word in enumerate(row) if word), default=-1)
    return row[: last + 1]
