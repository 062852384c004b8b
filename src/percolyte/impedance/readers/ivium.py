"""IviumSoft data, one measurement (.idf) or several (.ids): settings as text, data objects between binary marks."""

from __future__ import annotations

import re

import numpy as np

from percolyte.errors import InputError
from percolyte.impedance.readers.contents import Contents, Table, number, stated_area

DEFAULT_AREA = "1 cm2"
MOST = 1_000_000
_DATA = re.compile(rb"primary_data\s+(\d{1,9})\s+(\d{1,9})\s*?\r?\n")
_METHOD = re.compile(rb"Method=([^\r\n]{0,60})")
_AREA = re.compile(rb"Data Options\.Area=([^\r\n]{0,30})")


def recognises(contents: Contents) -> bool:
    return b"primary_data" in contents.data and b"Method=" in contents.data


def tables(contents: Contents) -> list[Table]:
    """Every impedance measurement: three columns of Re(Z), Im(Z) and frequency."""
    found, start = [], 0
    for block in _DATA.finditer(contents.data):
        about = contents.data[start : block.start()]
        start = block.end()
        method = _METHOD.search(about)
        if method is None or method[1].strip() != b"Impedance" or int(block[1]) != 3:
            continue
        area = _AREA.search(about)
        found.append(_spectrum(contents.data, block.end(), int(block[2]), area[1].decode("latin-1") if area else ""))
    if not found:
        raise InputError("is an Ivium file without impedance data; export another method as text (.csv)")
    return found


def _spectrum(data: bytes, start: int, count: int, area: str) -> Table:
    lines = data[start : start + 200 * min(count, MOST)].split(b"\n")[:count]
    values = [[number(word) for word in line.decode("latin-1").split()] for line in lines]
    if len(values) < count or any(len(row) != 3 for row in values):
        raise InputError(f"is cut off: it states {count} points of three numbers, and fewer follow; copy it again")
    real, imaginary, frequency = np.array(values).reshape(count, 3).T
    used, notes = stated_area(f"{area} cm2", DEFAULT_AREA, "IviumSoft")
    columns = {"f/Hz": frequency, "Z'/ohm": real, "Z''/ohm": imaginary}
    return Table(columns, "Ivium", sign="the second column of Ivium is Im(Z)", area=used, notes=notes)
