"""The convention behind an energy density: what is counted, and how.

The same layers give 325 to 419 Wh/kg by convention alone, so the convention
is an explicit record that every result prints. A preset is a name for a full
set of choices; every single choice can be overridden in the design.
"""

from __future__ import annotations

from typing import Literal

from percolyte.nouns import Noun
from percolyte.units import Density, Distance, Fraction, Thickness

PresetName = Literal["pouch", "unit-cell", "yang2022", "wang2021", "song2023"]


class Package(Noun):
    """The pouch film around the stack; `rim` is the sealed margin on each edge."""

    thickness: Thickness
    density: Density
    rim: Distance = 0.0


class Convention(Noun):
    """Every choice that turns layers into Wh/kg and Wh/L."""

    name: str
    overrides: tuple[str, ...] = ()
    """Choices of this preset that the design replaces."""
    stacking: Literal["parallel", "bipolar", "single"]
    """Double-coated sheets in parallel; cells in series; one unit cell."""
    collectors: Literal["full", "half"]
    """In a single unit cell: whole foils, or half of each as in a stack."""
    end_anodes: Literal["coated", "bare"]
    """Whether the outer faces of the two end anode sheets carry anode too."""
    capacity_basis: Literal["reversible", "first charge", "delivered"]
    """Reversible capacity; first charge; reversible times the cathode's first
    efficiency (which counts that loss twice, but is found in print)."""
    np_basis: Literal["reversible", "first charge"]
    """The capacities whose ratio is N/P."""
    lithium: Literal["total", "reserve"]
    """Whether N/P of a lithium anode counts the foil alone, or foil and cathode."""
    thickness_state: Literal["assembled", "charged"]
    """Whether thickness holds as assembled (discharged), or with lithium plated."""
    package: Package | None
    overhang: Distance
    """By how much separator and anode exceed the cathode on each edge."""
    other_mass: Fraction
    """Tabs, tape, glue: fraction of the mass of everything else."""
    source: str

    @property
    def title(self) -> str:
        """The preset's name, and the choices that are not the preset's."""
        own = ", ".join(name.replace("_", " ") for name in self.overrides)
        return f"{self.name}, with own {own}" if own else self.name


LAMINATE = Package(thickness=115e-6, density=1576.0, rim=3.5e-3)
"""Aluminium laminated film of Wang et al. 2021, section 6.1; the rim is fitted, see `wang2021`."""

_UNIT_CELL = Convention(
    name="unit-cell",
    stacking="single",
    collectors="full",
    end_anodes="coated",
    capacity_basis="reversible",
    np_basis="reversible",
    lithium="total",
    thickness_state="assembled",
    package=None,
    overhang=0.0,
    other_mass=0.0,
    source="percolyte: one cathode coating, one separator, one anode, whole foils, nothing around them",
)

PRESETS: dict[str, Convention] = {
    "unit-cell": _UNIT_CELL,
    "pouch": _UNIT_CELL.model_copy(
        update={
            "name": "pouch",
            "stacking": "parallel",
            "end_anodes": "bare",
            "package": LAMINATE,
            "other_mass": 0.05,
            "source": "percolyte: stack of double-coated sheets, bare ends, laminated film with rim, 5 % tabs and tape",
        }
    ),
    "yang2022": _UNIT_CELL.model_copy(
        update={
            "name": "yang2022",
            "other_mass": 0.024,
            "source": "X. Yang et al., eTransportation (2022), Fig. 1A; the 2.4 % of other mass is inferred: "
            "it brings both the Wh/kg and the cathode shares of the figure to 1 %",
        }
    ),
    "wang2021": _UNIT_CELL.model_copy(
        update={
            "name": "wang2021",
            "stacking": "parallel",
            "np_basis": "first charge",
            "package": LAMINATE,
            "other_mass": 0.095,
            "source": "C. Wang et al., Energy Environ. Sci. 14 (2021) 2577, section 6.1 and Table 2, doi:10.1039/d1ee00551k; "
            "the 9.5 % of other mass and the 3.5 mm rim per edge are fitted to 16 printed figures, which they meet "
            "within 3.3 % (Wh/kg) and 3.8 % (Wh/L); the paper calls this parallel stack bi-polar",
        }
    ),
    "song2023": _UNIT_CELL.model_copy(
        update={
            "name": "song2023",
            "lithium": "reserve",
            "source": "Y. B. Song et al., Adv. Energy Mater. (2023), Fig. 1, doi:10.1002/aenm.202301142; inferred: foils of "
            "25 um together, no package, lithium as reserve, thickness as assembled",
        }
    ),
}
