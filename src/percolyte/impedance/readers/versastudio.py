"""VersaStudio by Princeton Applied Research (.par): sections in angle brackets, one segment of data each action."""

from __future__ import annotations

import re
from dataclasses import replace

from percolyte.impedance.readers.contents import Contents, Table, stated_area
from percolyte.impedance.readers.delimited import tables_in

DEFAULT_AREA = "1 cm2"
_SEGMENT = re.compile(r"<Segment(\d{1,6})>(.*?)</Segment\1>", re.S)
_FACT = re.compile(r"^(Working Electrode Area \(cm2\)|DateAcquired|TimeAcquired)=(.*?)\s*$", re.M)


def recognises(contents: Contents) -> bool:
    return contents.is_text and "Name=VersaStudio" in contents.text[:2000] and "<Segment" in contents.text


def tables(contents: Contents) -> list[Table]:
    """The segments that hold a spectrum or a run, with the headings of their definition."""
    facts = dict(_FACT.findall(contents.text))
    area, notes = stated_area(f"{facts.get('Working Electrode Area (cm2)', '')} cm2", DEFAULT_AREA, "VersaStudio")
    measured_at = f"{facts.get('DateAcquired', '')} {facts.get('TimeAcquired', '')}".strip()
    found = []
    for segment in _SEGMENT.finditer(contents.text):
        lines = [line.removeprefix("Definition=") for line in segment[2].splitlines() if re.match(r"Definition=|[-\d]", line)]  # fmt: skip
        rows = [[word.strip() for word in line.split(",")] for line in lines]
        for table in tables_in(rows, "VersaStudio par"):
            found.append(replace(table, sign="Z Imag of VersaStudio is Im(Z)", area=area, measured_at=measured_at, notes=(*table.notes, *notes)))  # fmt: skip
    return found
