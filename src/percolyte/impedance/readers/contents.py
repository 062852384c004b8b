"""A file before it is understood: its bytes, its text, and what stands around the numbers of a table."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from percolyte import units
from percolyte.errors import InputError, UnitError
from percolyte.impedance.measurement import Floats

LARGEST = 32 * 1024 * 1024
"""Bytes; a thousand spectra of fifty points with forty columns of text."""
MOST_LINES = 1_000_000
_IMAGES = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"II*\0": "TIFF", b"MM\0*": "TIFF", b"%PDF": "PDF",
           b"BM": "bitmap"}  # fmt: skip
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f]")


@dataclass(frozen=True)
class Table:
    """Columns of numbers under the headings that the instrument wrote, all of one length."""

    columns: Mapping[str, Floats]
    """Not a number where a cell holds none."""
    source_format: str
    sign: str = ""
    """How the sign of the imaginary part is known, where the format fixes it; else the heading and the data decide."""
    technique: str = ""
    area: float | None = None
    """m2"""
    thickness: float | None = None
    """m"""
    temperature: float | None = None
    """K"""
    measured_at: str = ""
    notes: tuple[str, ...] = field(default=())
    lines: tuple[int, ...] = ()
    """Of the file, in which the rows stand; empty where a row is no line of it."""

    def place(self, row: int) -> str:
        """Where a row, counted from 0, is found in the file."""
        return f"line {self.lines[row]}" if self.lines else f"row {row + 1}"


@dataclass(frozen=True)
class Contents:
    """The bytes of one file."""

    name: str
    data: bytes

    @cached_property
    def text(self) -> str:
        """The whole as text: makers write UTF-8, UTF-16 with a mark, or an 8-bit code page."""
        if self.data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return self.data.decode("utf-16", errors="replace")
        try:
            return self.data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return self.data.decode("latin-1")

    @cached_property
    def lines(self) -> list[str]:
        """Lines of the text, ended by LF, CR or both."""
        if self.text.count("\n") + self.text.count("\r") - self.text.count("\r\n") > MOST_LINES:
            raise InputError(f"has more than {MOST_LINES:,} lines; export fewer points or cycles")
        return re.split(r"\r\n|\n|\r", self.text)

    @cached_property
    def is_text(self) -> bool:
        return _CONTROLS.search(self.text[:65536]) is None


def contents_of(path: str | os.PathLike[str]) -> Contents:
    """The bytes of a file that is not too long, not empty and no picture.

    Errors: InputError for a folder, a missing, empty, too long or unreadable file, and a picture.
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise InputError("is a folder; name one of its files", source=str(path))
        if not path.is_file():
            raise InputError("there is no such file", source=str(path))
        if path.stat().st_size > LARGEST:
            raise InputError(f"is larger than {LARGEST >> 20} MiB; export fewer columns or cycles", source=str(path))
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {getattr(error, 'strerror', None) or error}", source=str(path)) from None
    if not data.strip(b" \t\r\n\0"):
        raise InputError("is empty; export the measurement again", source=str(path))
    for mark, kind in _IMAGES.items():
        if data.startswith(mark):
            raise InputError(f"is a picture ({kind}); export the numbers as text, such as .csv", source=str(path))
    return Contents(path.name, data)


def number(word: str) -> float:
    """A number with a point or a comma, else not a number."""
    try:
        return float(word.replace(",", ".")) if "_" not in word else float("nan")
    except ValueError:
        return float("nan")


def stated_area(text: str, default: str, whose: str) -> tuple[float | None, tuple[str, ...]]:
    """An area that a file states, and what to know about it.

    An instrument writes its own default (`default`) where nobody entered an area, and zero where there
    is none; both are no area of a cell.
    """
    if not text[:1].isdigit() or number(text.split()[0]) == 0.0:
        return None, ()
    try:
        area = units.parse(text.replace(",", "."), units.AREA)
    except UnitError:
        return None, (f"the area {text.strip()[:40]!r} that the file states is none, and is not used",)
    if units.parse(default, units.AREA) == area:
        return None, (f"the file states {default}, which {whose} writes where no area was entered; it is not used",)
    return area, (f"area {units.text(area, units.AREA)} as the file states it",)
