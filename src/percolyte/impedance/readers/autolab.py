"""Frequency response files of Eco Chemie's FRA for Autolab (.dfr), and their text export (.P00)."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np

from percolyte.errors import InputError
from percolyte.impedance.readers.contents import Contents, Table, number
from percolyte.impedance.readers.delimited import tables_in

POINT = 9
"""Lines of a point in a dfr file: frequency, Z', -Z'', and six that are not used."""
MOST = 1_000_000


def recognises(contents: Contents) -> bool:
    if not contents.is_text:
        return False
    first, *rest = (line.strip() for line in contents.lines[:5])
    return (_is_version(first) and all(number(word) == number(word) for word in rest[:2])) or _is_export(contents)


def _is_version(line: str) -> bool:
    return re.fullmatch(r"VERSION\d{1,3}\.\d{1,3}", line) is not None


def _is_export(contents: Contents) -> bool:
    return contents.text.startswith("Procedure") and any(line.lstrip().startswith("f/Hz") for line in contents.lines[:20])  # fmt: skip


def tables(contents: Contents) -> list[Table]:
    return _export(contents) if _is_export(contents) else [_points(contents)]


def _points(contents: Contents) -> Table:
    """A dfr file: version, number of points, a flag, then nine lines a point."""
    values = [number(line.strip()) for line in contents.lines[1 : 3 + POINT * MOST]]
    count = int(values[0]) if values and 0.0 < values[0] <= MOST else 0
    if count == 0 or len(values) < 2 + POINT * count:
        raise InputError(f"is cut off: it states {count} points, and fewer follow; copy it again")
    points = np.array(values[2 : 2 + POINT * count]).reshape(count, POINT)
    return Table({"f/Hz": points[:, 0], "Z'/ohm": points[:, 1], "-Z''/ohm": points[:, 2]}, "Autolab dfr")


def _export(contents: Contents) -> list[Table]:
    """Blocks of headings, a line with the number of points, and the points."""
    rows = [[word.strip() for word in line.strip().split("\t") if word.strip()] for line in contents.lines]
    counts = {place for place, (heads, below) in enumerate(pairwise(rows), start=1) if heads[:1] == ["f/Hz"] and len(below) == 1}  # fmt: skip
    kept = [row for place, row in enumerate(rows) if place not in counts]
    return [replace(table, source_format="Autolab P00") for table in tables_in(kept, "Autolab P00")]
