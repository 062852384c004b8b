"""Where a number comes from, and how a run keeps account of what it used."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from percolyte.nouns import Noun

Origin = Literal["yours", "measured", "library", "computed", "assumed", "convention"]
"""Who stands behind a number: the design file, a volume that it names, the
materials library, a calculation of percolyte, a default of percolyte, or the
pouch convention."""


class Source(Noun):
    """A citation: the primary work, and the place where the value was read."""

    citation: str = Field(min_length=3)
    doi: str | None = None
    via: str | None = None
    """The review or table that reports the primary value, if it was read there."""

    def __str__(self) -> str:
        doi = f", doi:{self.doi}" if self.doi else ""
        return f"{self.citation}{doi}" + (f" (as reported in {self.via})" if self.via else "")


@dataclass(frozen=True)
class Used:
    """One input number that a result rests on."""

    where: str
    """Path in the design, for example 'cathode.recipe.NMC811.density'."""
    shown: str
    """The value with its unit, as people read it."""
    origin: Origin
    source: str
    note: str = ""


@dataclass
class Ledger:
    """The account of every input number of one run, in the order of use."""

    entries: list[Used] = field(default_factory=list)

    def add(self, where: str, shown: str, origin: Origin, source: str, note: str = "") -> None:
        entry = Used(where, shown, origin, source, note)
        if entry not in self.entries:
            self.entries.append(entry)
