"""ZPlot and ZView (.z), and the ZView text that Autolab writes: nine columns after a line of headings."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from percolyte.errors import InputError, Problem
from percolyte.impedance.readers.contents import Contents, Table, number, stated_area

DEFAULT_AREA = "1 cm2"
_HEADINGS = ("freq/Hz", "Ampl", "Bias", "Time(Sec)", "Z'/ohm", "Z''/ohm", "GD", "Err", "Range")
_SIGN = "Z'' of ZView is Im(Z)"


def recognises(contents: Contents) -> bool:
    return contents.is_text and contents.text.lstrip('" ').startswith(("ZPLOT2 ASCII", "Z60W Data File"))


def tables(contents: Contents) -> list[Table]:
    """The one table: below `End Comments` divided by blanks, below the headings of Z60W by commas."""
    head = next((row for row, line in enumerate(contents.lines) if line.strip(' "').startswith(("End Comments", "Freq (Hz)"))), None)  # fmt: skip
    if head is None:
        raise InputError("is ZView text without the line that ends its comments; export it again")
    values = _values(contents.lines, head + 1)
    facts = dict(re.findall(r"^\s*(Date|Time|Surface Area):\s*(.*?)\s*$", "\n".join(contents.lines[:head]), re.M))
    area, notes = stated_area(f"{facts.get('Surface Area', '')} cm2", DEFAULT_AREA, "ZPlot")
    measured_at = f"{facts.get('Date', '')} {facts.get('Time', '')}".strip()
    kind = "ZPlot z" if contents.text.lstrip().startswith("ZPLOT2") else "Autolab Z60W text"
    return [Table(dict(zip(_HEADINGS, values.T, strict=True)), kind, sign=_SIGN, area=area, measured_at=measured_at, notes=notes)]  # fmt: skip


def _values(lines: Sequence[str], first: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    rows = []
    for row, line in enumerate(lines[first:], start=first + 1):
        words = line.split("\t") if "\t" in line else line.replace(",", " ").split()
        if not line.strip():
            continue
        if len(words) < 6:
            raise InputError([Problem(f"line {row}", f"is not a point of nine numbers: {line.strip()[:60]!r}; export it again")])  # fmt: skip
        rows.append(([number(word) for word in words] + [np.nan] * 9)[:9])
    if not rows:
        raise InputError("holds headings of a spectrum and no points below them")
    return np.array(rows)
