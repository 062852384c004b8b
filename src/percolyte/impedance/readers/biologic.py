"""Binary files of EC-Lab and BT-Lab by BioLogic (.mpr).

After 52 bytes of title the file is a chain of modules: `MODULE`, a short name
of 10 bytes, a long one of 25, then length, version and date. Newer files have
four bytes of 0xff there, and put an older version before the newer. The module
`VMP data` holds the number of rows (4 bytes), the number of columns (1), the
two-byte identifiers of the columns, and rows of values of a width that each
identifier has, at the end of the module. `VMP LOG` holds the start as days
since 1899-12-30. All numbers are little-endian.

Spectra were compared with the mpt text exported from the same files; the columns
of runs at constant current or voltage were not tried on measured files.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from percolyte.errors import InputError
from percolyte.impedance.readers.contents import Contents, Table

TITLE = b"BIO-LOGIC MODULAR FILE\x1a"
START = 52
MOST_ROWS = 10_000_000
HEADER = {3: 406, 11: 1007}
"""Bytes before the rows, by version of the data module."""
STARTED = 585
"""Byte of the start in the log."""

_FLAGS = {1, 2, 3, 21, 31, 65}
"""Mode, oxidation or reduction, errors and changes: in one byte together, or in one each."""
_COLUMNS = {
    4: ("time/s", "<f8"), 5: ("control/V", "<f4"), 6: ("Ewe/V", "<f4"), 7: ("dq/mA.h", "<f8"), 8: ("I/mA", "<f4"),
    9: ("Ece/V", "<f4"), 11: ("<I>/mA", "<f8"), 13: ("(Q-Qo)/mA.h", "<f8"), 19: ("control/V", "<f4"),
    20: ("control/mA", "<f4"), 23: ("dQ/mA.h", "<f8"), 24: ("cycle number", "<f8"), 32: ("freq/Hz", "<f4"),
    33: ("|Ewe|/V", "<f4"), 34: ("|I|/A", "<f4"), 35: ("Phase(Z)/deg", "<f4"), 36: ("|Z|/Ohm", "<f4"),
    37: ("Re(Z)/Ohm", "<f4"), 38: ("-Im(Z)/Ohm", "<f4"), 39: ("I Range", "<u2"), 70: ("Pwe/W", "<f4"),
    76: ("<I>/mA", "<f4"), 77: ("<Ewe>/V", "<f4"), 96: ("|Ece|/V", "<f4"), 98: ("Phase(Zce)/deg", "<f4"),
    99: ("|Zce|/Ohm", "<f4"), 100: ("Re(Zce)/Ohm", "<f4"), 101: ("-Im(Zce)/Ohm", "<f4"), 131: ("Ns", "<u2"),
    169: ("Cs/uF", "<f4"), 172: ("Cp/uF", "<f4"), 174: ("<Ewe>/V", "<f4"),
    430: ("Phase(Zwe-ce)/deg", "<f4"), 431: ("|Zwe-ce|/Ohm", "<f4"), 432: ("Re(Zwe-ce)/Ohm", "<f4"),
    433: ("-Im(Zwe-ce)/Ohm", "<f4"), 471: ("<Ece>/V", "<f4"),
    473: ("THD Ewe/%", "<f4"), 474: ("THD I/%", "<f4"), 476: ("NSD Ewe/%", "<f4"), 477: ("NSD I/%", "<f4"),
    479: ("NSR Ewe/%", "<f4"), 480: ("NSR I/%", "<f4"),
    **{485 + harmonic - 1: (f"|Ewe h{harmonic}|/V", "<f4") for harmonic in range(2, 8)},
    **{491 + harmonic - 1: (f"|I h{harmonic}|/A", "<f4") for harmonic in range(2, 8)},
}  # fmt: skip


@dataclass(frozen=True)
class _Module:
    name: str
    version: int
    data: bytes


def recognises(contents: Contents) -> bool:
    return contents.data.startswith(TITLE)


def tables(contents: Contents) -> list[Table]:
    """The one table of the file, with the headings of the text export."""
    modules = {module.name: module for module in _modules(contents.data)}
    if "VMP data" not in modules:
        raise InputError("is a BioLogic file without data; finish the measurement, or copy the file again")
    columns, notes = _columns(modules["VMP data"])
    notes = (*notes, "the area in an mpr file has no unit that is known, and is not read")
    return [Table(columns, "BioLogic mpr", measured_at=_started(modules.get("VMP LOG")), notes=notes)]


def _modules(data: bytes) -> Iterator[_Module]:
    place = START
    while place < len(data):
        if data[place : place + 6] != b"MODULE" or place + 65 > len(data):
            raise InputError("is cut off or damaged: no module where one should start; copy it again")
        name = data[place + 6 : place + 16].decode("latin-1").strip()
        if data[place + 41 : place + 45] == b"\xff" * 4:
            length, _, version = struct.unpack_from("<3I", data, place + 45)
            place += 65
        else:
            length, version = struct.unpack_from("<2I", data, place + 41)
            place += 57
        if place + length > len(data):
            raise InputError(f"is cut off: its module {name!r} needs {length:,} bytes, and {len(data) - place:,} follow; copy it again")  # fmt: skip
        yield _Module(name, version, data[place : place + length])
        place += length


def _columns(module: _Module) -> tuple[dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]], tuple[str, ...]]:
    """The rows of the data module as columns, and notes."""
    if module.version not in HEADER:
        raise InputError(f"has data of version {module.version}, which is not known; export it as text (.mpt)")
    header = HEADER[module.version]
    if len(module.data) < header:
        raise InputError("is cut off: its data module ends before the first row; copy it again")
    rows, count = struct.unpack_from("<IB", module.data)
    first = 5 if module.version < 10 else 6
    if not 0 < rows <= MOST_ROWS or first + 2 * count > header:
        raise InputError("holds no rows; finish the measurement, or export it as text (.mpt)")
    width, rest = divmod(len(module.data) - header, rows)
    if rest:
        raise InputError("is damaged: its rows have no whole length; copy it again, or export it as text (.mpt)")
    kinds, notes = _layout(struct.unpack_from(f"<{count}H", module.data, first), width)
    table = np.frombuffer(module.data, np.dtype(kinds), rows, header)
    columns = {name: table[name].astype(np.float64) for name, kind in kinds if not kind.startswith("V")}
    _check(columns)
    return columns, notes


def _layout(identifiers: tuple[int, ...], width: int) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """Name and type of each column; what has no width of its own shares the bytes that the others leave.

    That is one unknown column, or the flags, which come as one byte together or as one each.
    """
    flags = [identifier for identifier in identifiers if identifier in _FLAGS]
    unknown = [identifier for identifier in identifiers if identifier not in _COLUMNS and identifier not in _FLAGS]
    left = width - sum(
        np.dtype(_COLUMNS[identifier][1]).itemsize for identifier in identifiers if identifier in _COLUMNS
    )
    explained = left > 0 if unknown else left in {min(1, len(flags)), len(flags)}
    if not explained or len(unknown) > 1 or (unknown and flags) or len(set(identifiers)) < len(identifiers):
        named = ", ".join(map(str, unknown)) or "none of them unknown, but of another width"
        raise InputError(f"has columns that are not known (ID {named}); export it as text (.mpt)")
    kinds: list[tuple[str, str]] = []
    for identifier in identifiers:
        if identifier in flags[left:]:
            continue
        name, kind = _COLUMNS.get(identifier, (f"column {identifier}", "u1" if identifier in _FLAGS else f"V{left}"))
        kinds.append((name if name not in dict(kinds) else f"{name} #{identifier}", kind))
    skipped = tuple(f"column ID {one} is not known, and is skipped by the {left} bytes that the others leave" for one in unknown)  # fmt: skip
    return kinds, skipped


def _check(columns: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]) -> None:
    """Modulus against real and imaginary part: a layout that is not understood does not pass."""
    if {"Re(Z)/Ohm", "-Im(Z)/Ohm", "|Z|/Ohm"} <= columns.keys():
        with np.errstate(over="ignore", invalid="ignore"):
            modulus = np.hypot(columns["Re(Z)/Ohm"], columns["-Im(Z)/Ohm"])
            # single precision, rounded after the instrument's own arithmetic
            agree = np.isclose(modulus, columns["|Z|/Ohm"], rtol=1e-3, atol=0.0)
        if not agree.all():
            raise InputError("is damaged, or has a layout that is not known: |Z| is not that of Re(Z) and Im(Z); export it as text (.mpt)")  # fmt: skip


def _started(log: _Module | None) -> str:
    if log is None or len(log.data) < STARTED + 8:
        return ""
    (days,) = struct.unpack_from("<d", log.data, STARTED)
    if not 30_000.0 < days < 80_000.0:
        return ""
    return (datetime(1899, 12, 30) + timedelta(days=days)).isoformat(" ", "seconds")
