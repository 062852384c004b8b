"""A number of a design: the user's own value, or that of the materials library, with origin and source in the ledger.

The only place where the design, the user's own values and the materials
library meet.
"""

from __future__ import annotations

from percolyte import units
from percolyte.design import (
    Design,
)
from percolyte.errors import InputError, Problem
from percolyte.materials.library import Library
from percolyte.materials.substance import PROPERTIES, Datum, Substance
from percolyte.materials.temperature import conductivity_at
from percolyte.sources import Ledger, Origin
from percolyte.units import TEMPERATURE, Dimension, text


class Resolver:
    """Looks numbers up for a design and keeps the ledger; problems are gathered, not raised one by one."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self.library: Library = design.library
        self.ledger = Ledger()
        self.substances: dict[str, Substance] = {}
        self.problems: list[Problem] = []

    def substance(self, name: str) -> Substance:
        found = self.library.material(name)
        self.substances[found.name] = found
        return found

    def yours(self, where: str, value: float, dimension: Dimension, note: str = "") -> float:
        self.ledger.add(where, text(value, dimension, digits=6), "yours", "the design file", note)
        return value

    def optional(self, where: str, value: float | None, dimension: Dimension) -> float | None:
        return None if value is None else self.yours(where, value, dimension)

    def assumed(self, where: str, value: float, dimension: Dimension, why: str) -> float:
        self.ledger.add(where, text(value, dimension, digits=6), "assumed", why)
        return value

    def take(self, where: str, own: float | None, substance: Substance, name: str) -> float:
        """The user's own value if there is one, else the library's default."""
        dimension = PROPERTIES[name]
        if own is not None:
            return self.yours(f"{where}.{name}", own, dimension)
        try:
            datum = substance.need(name)
        except InputError as error:
            self.problems += [Problem(where, problem.what) for problem in error.problems]
            return 1.0
        self.look_up(f"{where}.{name}", substance, name, datum, datum.number)
        return datum.number

    def look_up(self, where: str, substance: Substance, name: str, datum: Datum, value: float) -> None:
        """Enter a library value, with the values that contradict it."""
        dimension = PROPERTIES[name]
        others = [
            other.shown(dimension) + (" (doubtful)" if other.doubt else "")
            for other in substance.data(name)
            if other is not datum
        ]
        notes = [datum.conditions, datum.note, datum.doubt]
        if others:
            notes.append("published too: " + ", ".join(dict.fromkeys(others)))
        origin: Origin = "library" if datum.source else "yours"
        shown = text(value, dimension, digits=6)
        self.ledger.add(
            where, shown, origin, f"{substance.name}: {datum.said}", "; ".join(note for note in notes if note)
        )

    def conductivity(self, where: str, substance: Substance) -> float:
        """Ionic conductivity of a substance at the temperature of the design."""
        try:
            datum = substance.need("ionic_conductivity")
            value, how = conductivity_at(substance, self.design.temperature)
        except InputError as error:
            self.problems += [Problem(where, problem.what) for problem in error.problems]
            return 1.0
        self.look_up(where, substance, "ionic_conductivity", datum, datum.number)
        if how:
            at = text(self.design.temperature, TEMPERATURE, digits=4)
            if value == datum.number:
                shown = f"{text(value, units.CONDUCTIVITY, digits=4)} ({how})"
                self.ledger.add(f"{where} at {at}", shown, "assumed", how)
            else:
                self.ledger.add(f"{where} at {at}", text(value, units.CONDUCTIVITY, digits=4), "computed", how)
        return value
