"""Cells as laboratories build them: what each measures, as a model whose parameters are physics.

SS is steel, CE the composite, SE an electrolyte layer, Li a reversible lithium electrode. `TERMINALS` lists what can
be chosen; the letter is that of the transmission line in `tlm.CASES`. All parameters are those of the whole cell in
SI: resistances of one layer from end to end in ohm, the interface between electrolyte and active material for the
whole layer. `conversions` says which conductivity follows from which resistance.

What cannot be known: between steel, and between electrolytes, a series resistance of unknown size can be had
for a change of the rails (the spectra agree exactly), so that `contact` and `electrolyte` there want a known value; an
electrode does not tell which rail is which. Between electrolytes direct current needs lithium behind them: steel
blocks the ions, and adds its own capacitance at low frequency, which is not modelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeAlias

from pydantic import model_validator

from percolyte.impedance.branch import Branch, Parallel, Repeated, Series
from percolyte.impedance.elements import element
from percolyte.impedance.tlm import CASES, ELECTRONS, IONS, TransmissionLine
from percolyte.nouns import Noun
from percolyte.units import Area, Thickness

Terminals: TypeAlias = Literal[
    "ion-blocking",
    "electron-blocking",
    "lithium-symmetric",
    "steel-electron-blocking",
    "electrode",
    "symmetric-electrodes",
    "mixed",
    "mixed-ion-blocking",
    "mixed-electron-blocking",
    "separator",
]


@dataclass(frozen=True)
class Arrangement:
    """The layers of a cell."""

    layers: str
    case: str = ""
    """Letter of the transmission line; none without a composite."""
    composites: int = 1
    electrolytes: int = 0
    lithium: int = 0
    steel: bool = False
    """Whether steel blocks all direct current, so that the spectrum ends in a constant phase element."""


TERMINALS: dict[Terminals, Arrangement] = {
    "ion-blocking": Arrangement("SS|CE|SS", "a"),
    "electron-blocking": Arrangement("SE|CE|SE", "b", electrolytes=2),
    "lithium-symmetric": Arrangement("Li|SE|CE|SE|Li", "b", electrolytes=2, lithium=2),
    "steel-electron-blocking": Arrangement("SS|SE|CE|SE|SS", "b", electrolytes=2, steel=True),
    "electrode": Arrangement("SS|CE|SE", "c", electrolytes=1),
    "symmetric-electrodes": Arrangement("SS|CE|SE|CE|SS", "c", composites=2, electrolytes=1),
    "mixed": Arrangement("both|CE|both", "d"),
    "mixed-ion-blocking": Arrangement("both|CE|SS", "e"),
    "mixed-electron-blocking": Arrangement("both|CE|SE", "f", electrolytes=1),
    "separator": Arrangement("SS|SE|SS", composites=0, electrolytes=1, steel=True),
}
"""Every cell by the name people choose; `both` is a contact that passes ions and electrons."""


class Interface(Noun):
    """Between electrolyte and active material, all along the composite."""

    double_layer: Literal["capacitor", "constant-phase"] = "constant-phase"
    charge_transfer: bool = False
    """A resistance beside the double layer."""
    diffusion: Literal["planar", "spherical", "semi-infinite"] | None = None
    """In the active material, behind the charge transfer."""


class Electrolyte(Noun):
    """Each electrolyte layer that is in series with the composite, or the layer measured in a `separator` cell."""

    thickness: Thickness
    arc: bool = False
    """Whether the bulk shows its own arc, a constant phase element beside it."""
    grain_boundary: bool = False
    """Whether grain boundaries show a second one."""


class MeasuredCell(Noun):
    """A cell on which spectra or polarisation curves are measured."""

    terminals: Terminals
    area: Area
    thickness: Thickness | None = None
    """Of one composite layer."""
    interface: Interface = Interface()
    free_electrons: bool = False
    """Whether electrons meet no resistance in the composite."""
    electrolyte: Electrolyte | None = None
    """The electrolyte layers; without it they resist nothing, or are counted in the contacts."""
    contact: Literal["none", "resistance", "arc"] = "none"
    """What the contacts add in series, together."""
    inductance: bool = False
    """Whether the leads show theirs."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        arrangement = TERMINALS[self.terminals]
        if arrangement.composites and self.thickness is None:
            raise ValueError(f"{arrangement.layers} needs the thickness of the composite: write thickness = '100 um'")
        if not arrangement.composites and self.electrolyte is None:
            raise ValueError(f"{arrangement.layers} needs its layer: write electrolyte = {{ thickness = '500 um' }}")
        if not arrangement.composites and self.thickness is not None:
            raise ValueError(f"{arrangement.layers} holds no composite: write the thickness of the electrolyte alone")
        if self.free_electrons and arrangement.case in ("a", "d", "e"):
            raise ValueError(f"{arrangement.layers} is short-circuited by free electrons; leave free_electrons out")
        if self.electrolyte is not None and not arrangement.electrolytes:
            raise ValueError(f"{arrangement.layers} holds no electrolyte layer; leave electrolyte out")
        return self


@dataclass(frozen=True)
class Conversion:
    """How a conductivity follows from resistances: σ = (L/A)/ΣR."""

    name: str
    resistances: tuple[str, ...]
    length_per_area: float
    """1/m"""

    def of(self, values: Mapping[str, Any]) -> Any:
        """Conductivity in S/m from the parameters in ohm, floats or arrays."""
        return self.length_per_area / sum(values[name] for name in self.resistances)


def impedance_model(cell: MeasuredCell) -> Branch:
    """The impedance of the whole cell in ohm.

    Inductance + contacts + n_SE (bulk + grain boundary) + n_Li interface + n_CE transmission line; where steel lies on
    electrolyte, a blocking constant phase element for both sides. SS|CE|SE|CE|SS is R_SE + 2 Z_c, and
    Li|SE|CE|SE|Li is 2 R_SE + 2 R||CPE + Z_b. Source: M. Falco et al., Mol. Syst. Des. Eng. 4 (2019) 850-871,
    section 2.3; its Eq. 8 counts both electrodes of SS|CE|SE|CE|SS as one.
    """
    arrangement = TERMINALS[cell.terminals]
    parts: list[Branch] = [element("L", "inductance")] if cell.inductance else []
    if cell.contact != "none":
        parts.append(_arc("contact", depressed=cell.contact == "arc"))
    if cell.electrolyte is not None:
        parts.append(_repeated(_electrolyte(cell.electrolyte), arrangement.electrolytes))
    if arrangement.lithium:
        parts.append(_repeated(_arc("lithium"), arrangement.lithium))
    if arrangement.composites:
        rails = (IONS,) if cell.free_electrons else (IONS, ELECTRONS)
        line = TransmissionLine(CASES[arrangement.case], _interface(cell.interface), rails)
        parts.append(_repeated(line, arrangement.composites))
    if arrangement.steel:
        parts.append(element("CPE", "electrode_cpe", "electrode_exponent"))
    return parts[0] if len(parts) == 1 else Series(tuple(parts))


def conversions(cell: MeasuredCell) -> tuple[Conversion, ...]:
    """Every conductivity that follows from the parameters of the cell.

    σ = L/(R A), of the layer as it is, pores and all. Grain boundaries count over the thickness of the whole layer, as
    is usual, so that `grain_boundary_conductivity` is not that of the boundary's own material.
    """
    found = []
    if cell.thickness is not None:
        composite = cell.thickness / cell.area
        found.append(Conversion("ionic_conductivity", (IONS,), composite))
        if not cell.free_electrons:
            found.append(Conversion("electronic_conductivity", (ELECTRONS,), composite))
    if cell.electrolyte is not None:
        layer, bulk = cell.electrolyte.thickness / cell.area, ("electrolyte_resistance",)
        found.append(Conversion("electrolyte_conductivity", bulk, layer))
        if cell.electrolyte.grain_boundary:
            boundary = ("grain_boundary_resistance",)
            found.append(Conversion("grain_boundary_conductivity", boundary, layer))
            found.append(Conversion("total_electrolyte_conductivity", bulk + boundary, layer))
    return tuple(found)


def electrolyte_resistance(cell: MeasuredCell, conductivity: float) -> float:
    """R = L/(σ A) of one electrolyte layer in ohm, to be held in a fit where its conductivity in S/m is known."""
    assert cell.electrolyte is not None
    return cell.electrolyte.thickness / (conductivity * cell.area)


def _interface(interface: Interface) -> Branch:
    """Z_s of the composite: [charge transfer + diffusion] beside the double layer."""
    faradaic: list[Branch] = [element("R", "charge_transfer_resistance")] if interface.charge_transfer else []
    if interface.diffusion == "semi-infinite":
        faradaic.append(element("W", "warburg_coefficient"))
    elif interface.diffusion is not None:
        symbol = {"planar": "Wo", "spherical": "Sph"}[interface.diffusion]
        faradaic.append(element(symbol, "diffusion_resistance", "diffusion_time"))
    if interface.double_layer == "capacitor":
        layer = element("C", "interface_capacitance")
    else:
        layer = element("CPE", "interface_cpe", "interface_exponent")
    if not faradaic:
        return layer
    return Parallel((faradaic[0] if len(faradaic) == 1 else Series(tuple(faradaic)), layer))


def _electrolyte(layer: Electrolyte) -> Branch:
    bulk = _arc("electrolyte", depressed=layer.arc)
    return Series((bulk, _arc("grain_boundary"))) if layer.grain_boundary else bulk


def _arc(name: str, *, depressed: bool = True) -> Branch:
    """A resistor, with a constant phase element beside it or alone."""
    resistor = element("R", f"{name}_resistance")
    return Parallel((resistor, element("CPE", f"{name}_cpe", f"{name}_exponent"))) if depressed else resistor


def _repeated(branch: Branch, times: int) -> Branch:
    return branch if times == 1 else Repeated(branch, times)
