"""Gamry data (.DTA): lines of tag, type and value, then tables of which the tag names the curve."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

from percolyte.impedance.readers.contents import Contents, Table, stated_area
from percolyte.impedance.readers.delimited import tables_in

DEFAULT_AREA = "1 cm2"
_CURVE = re.compile(r"(Z?CURVE\d*)\tTABLE\b")


def recognises(contents: Contents) -> bool:
    return contents.is_text and contents.text.lstrip().startswith("EXPLAIN") and "\nTAG\t" in contents.text[:200].replace("\r", "\n")  # fmt: skip


def tables(contents: Contents) -> list[Table]:
    """The impedance curves (ZCURVE), or the curves of a run; not the open circuit before them."""
    starts = [(row, match[1]) for row, line in enumerate(contents.lines) if (match := _CURVE.match(line))]
    facts = {words[0]: words[2] for line in contents.lines[:1000] if len(words := line.split("\t")) > 2 and words[0]}
    area, notes = stated_area(f"{facts.get('AREA', '')} cm2", DEFAULT_AREA, "Gamry's software")
    measured_at = f"{facts.get('DATE', '')} {facts.get('TIME', '')}".strip()
    found = []
    for (row, name), (end, _) in pairwise([*starts, (len(contents.lines), "")]):
        rows = [[word.strip() for word in line.split("\t")] for line in contents.lines[row + 1 : end]]
        sign = "Zimag of Gamry is Im(Z)" if name.startswith("Z") else ""
        for table in tables_in(rows, "Gamry DTA", row + 2):
            corrected = ("the drift-corrected columns beside the measured ones are not used",) if "ZrealDrCor (ohm)" in table.columns else ()  # fmt: skip
            found.append(replace(table, sign=sign, technique=_technique(contents), area=area, measured_at=measured_at, notes=(*table.notes, *notes, *corrected)))  # fmt: skip
    return found


def _technique(contents: Contents) -> str:
    tag = re.search(r"TAG\t(\w{1,20})", contents.text[:200])
    return tag[1] if tag else ""
