"""EC-Lab and BT-Lab text of BioLogic (.mpt): a counted header, then a table divided by tabs."""

from __future__ import annotations

import re
from dataclasses import replace

from percolyte.impedance.readers.contents import Contents, Table, stated_area
from percolyte.impedance.readers.delimited import tables_in

DEFAULT_AREA = "0.001 cm2"


def recognises(contents: Contents) -> bool:
    return contents.is_text and contents.text.lstrip().startswith(("EC-Lab ASCII FILE", "BT-Lab ASCII FILE"))


def tables(contents: Contents) -> list[Table]:
    """The table below the header, with technique, start and area from it."""
    counted = re.search(r"Nb header lines\s*:\s*(\d{1,6})", contents.text[:1000])
    first = max(0, int(counted[1]) - 1) if counted else 0
    header = contents.lines[: first or 1000]
    facts = dict(re.findall(r"^\s*([^:\n]{3,40}?)\s*:\s*(.*?)\s*$", "\n".join(header), re.M))
    area, notes = stated_area(facts.get("Electrode surface area", ""), DEFAULT_AREA, "EC-Lab")
    technique = next((line.strip() for line in header[2:8] if line.strip() and ":" not in line), "")
    rows = [[word.strip() for word in line.rstrip("\t").split("\t")] for line in contents.lines[first:]]
    return [
        replace(table, technique=technique, area=area, measured_at=facts.get("Acquisition started on", ""), notes=(*table.notes, *notes))
        for table in tables_in(rows, "BioLogic mpt", first + 1)
    ]  # fmt: skip
