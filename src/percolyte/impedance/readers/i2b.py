"""Text of .i2b files: lines about the measurement, the number of points alone on a line, then three numbers a line."""

from __future__ import annotations

import numpy as np

from percolyte.errors import InputError
from percolyte.impedance.readers.contents import Contents, Table, number

SEARCHED = 100


def recognises(contents: Contents) -> bool:
    return contents.is_text and _count(contents) is not None


def _count(contents: Contents) -> int | None:
    """Row of the number of points: a whole number after lines that are no table, before three numbers."""
    for row, line in enumerate(contents.lines[:SEARCHED]):
        if row > 0 and line.strip().isdecimal() and row + 1 < len(contents.lines):
            below = contents.lines[row + 1].split()
            return row if len(below) == 3 and all(number(word) == number(word) for word in below) else None
    return None


def tables(contents: Contents) -> list[Table]:
    head = _count(contents)
    assert head is not None
    rows = [line.split() for line in contents.lines[head + 1 :] if line.strip()]
    stated = contents.lines[head].strip()
    if stated.lstrip("0") != str(len(rows)) or any(len(row) != 3 for row in rows):
        raise InputError(f"is cut off: it states {stated[:20]} points of three numbers, and {len(rows)} lines follow")
    values = np.array([[number(word) for word in row] for row in rows])
    return [Table(dict(zip(("f/Hz", "Z'/ohm", "Z''/ohm"), values.T, strict=True)), "i2b")]
