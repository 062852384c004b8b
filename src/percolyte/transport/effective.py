"""Transport: the effective conductivities of a composite, and where they come from.

A design states it in a table with a `kind`; whatever the kind, later steps
receive the same `Transport` value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from percolyte.nouns import Noun
from percolyte.transport.closures import bruggeman, effective_medium, maxwell, percolation, tortuosity_factor
from percolyte.units import AreaResistance, Conductivity, Fraction, Length, Ratio, VoxelLength

if TYPE_CHECKING:
    from percolyte.impedance.composite import CompositeFit
    from percolyte.transport.microstructure import Structure


@dataclass(frozen=True)
class Share:
    """A share between 0 and 1, with its absolute errors; None where one was not estimated."""

    value: float
    resolution: float | None = None
    """From the voxel length."""
    sampling: float | None = None
    """Standard error over volumes or their parts."""

    def __str__(self) -> str:
        """The errors in percent of the whole; those that were not estimated are said to be missing."""
        parts = (("voxel size", self.resolution), ("sampling", self.sampling))
        return ", ".join(f"{name} " + ("not estimated" if x is None else f"{100 * x:.2g} %") for name, x in parts)


@dataclass(frozen=True)
class Alternative:
    """What another way says of the same recipe, S/m; None where no own conductivity is known."""

    means: str
    ionic: float | None
    ionic_tortuosity_factor: float | None
    electronic: float | None
    ionic_error: float | None = None
    """Relative; None where none is known."""
    electronic_error: float | None = None


@dataclass(frozen=True)
class Transport:
    """Effective conductivities of a composite in S/m; None where unknown."""

    kind: Literal["given", "closure", "microstructure", "surrogate", "impedance"]
    ionic: float | None
    electronic: float | None
    ionic_tortuosity_factor: float | None
    """φ σ/σ_eff with φ the electrolyte's volume fraction, pores included."""
    statement: str
    """How the numbers came about, for people."""
    ionic_error: float | None = None
    """Relative; None where not estimated."""
    electronic_error: float | None = None
    utilisation: Share | None = None
    """Share of the active material in particles that touch both percolating networks; None where particles are not known."""
    contact_fraction: Share | None = None
    """Surface of those particles that touches percolating electrolyte over their whole surface."""
    ignored: tuple[str, ...] = ()
    """What the design states of its microstructure and these means do not know."""
    alternatives: tuple[Alternative, ...] = ()
    """The same recipe by other means."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Why the conductivity of a carrier, ionic or electronic, is None."""
    structure: Structure | None = field(default=None, compare=False)
    """The volume that they were computed from."""
    measured: CompositeFit | None = field(default=None, compare=False)
    """The spectra that they were fitted to."""


class GivenTransport(Noun):
    """Effective conductivities that the user measured or assumed."""

    kind: Literal["given"] = "given"
    ionic: Conductivity
    electronic: Conductivity


class BruggemanLaw(Noun):
    law: Literal["bruggeman"] = "bruggeman"
    exponent: Ratio = 1.5


class MaxwellLaw(Noun):
    law: Literal["maxwell"] = "maxwell"


class PercolationLaw(Noun):
    law: Literal["percolation"] = "percolation"
    threshold: Fraction
    exponent: Ratio = 2.0


class EffectiveMediumLaw(Noun):
    law: Literal["effective-medium"] = "effective-medium"


Law = Annotated[BruggemanLaw | MaxwellLaw | PercolationLaw | EffectiveMediumLaw, Field(discriminator="law")]


class ClosureTransport(Noun):
    """Effective conductivities from the recipe by closed forms."""

    kind: Literal["closure"] = "closure"
    ionic: Law = BruggemanLaw()
    electronic: Law | None = None
    """None: carbon by percolation above 2 vol%, active material by Bruggeman, side by side."""


class Interface(Noun):
    """The resistance of the interface between two phases, or between the particles of one."""

    between: tuple[str, str]
    """Phases of the volume, or kinds of phase; the same twice means its particles."""
    resistance: AreaResistance
    """For what crosses it, ions or electrons."""


class MicrostructureTransport(Noun):
    """Effective conductivities, contact and utilisation from a voxel volume: of a file, or generated from the recipe."""

    at_most_one: ClassVar[tuple[tuple[str, ...], ...]] = (("volume", "size"), ("volume", "seed"))

    kind: Literal["microstructure"] = "microstructure"
    volume: str | None = None
    """Voxel image beside the design; without it one is generated. Axis 0 runs from the separator to the collector."""
    voxel: VoxelLength | None = None
    phases: dict[str, Annotated[int, Field(ge=0, le=255)]] | None = None
    """Component of the recipe, or kind of phase -> its label in the file, where the file does not name them."""
    size: Length | None = None
    """Edge of the generated volume."""
    seed: Annotated[int, Field(ge=0)] = 1
    interfaces: tuple[Interface, ...] = ()
    particles: str | None = None
    """Voxel image beside the design with the number of each voxel's particle; without it the particles of a file
    are told apart at their necks, and those of a generated volume are known."""

    @model_validator(mode="after")
    def _labels(self) -> MicrostructureTransport:
        if self.phases is not None and self.volume is None:
            raise ValueError("phases: name the labels of a file; write volume = 'cathode.tif' too, or leave them out")
        if self.phases is not None and len(set(self.phases.values())) < len(self.phases):
            raise ValueError("phases: two phases share a label; give each its own")
        if self.particles is not None and self.volume is None:
            raise ValueError("particles: number those of a file; a generated volume knows its own, so leave them out")
        return self


class SurrogateTransport(Noun):
    """Effective conductivities, contact and utilisation from particle sizes, by a table of solved volumes."""

    kind: Literal["surrogate"] = "surrogate"


@dataclass(frozen=True)
class Phase:
    """One phase of the layer: its volume fraction and its own conductivity, S/m."""

    name: str
    fraction: float
    conductivity: float
    role: str = ""


def apply_law(law: Law, phases: tuple[Phase, ...]) -> float:
    """Effective conductivity of the phases of one kind of carrier by a closed form.

    All laws but the effective medium know one conducting phase: they take the
    phases together, with the mean of their conductivities by volume.
    """
    fraction = sum(phase.fraction for phase in phases)
    if fraction <= 0.0:
        return 0.0
    if isinstance(law, EffectiveMediumLaw):
        return float(effective_medium(tuple(p.conductivity for p in phases), tuple(p.fraction for p in phases)))
    sigma = sum(phase.fraction * phase.conductivity for phase in phases) / fraction
    if isinstance(law, BruggemanLaw):
        return float(bruggeman(sigma, fraction, law.exponent))
    if isinstance(law, MaxwellLaw):
        return float(maxwell(sigma, fraction))
    return float(percolation(sigma, fraction, law.threshold, law.exponent))


def resolve_transport(
    choice: GivenTransport | ClosureTransport | None, ionic: tuple[Phase, ...], electronic: tuple[Phase, ...]
) -> Transport:
    """The Transport of a layer from the user's choice, by default the closed forms."""
    fraction = sum(phase.fraction for phase in ionic)
    own = sum(phase.fraction * phase.conductivity for phase in ionic) / fraction if fraction else 0.0
    if isinstance(choice, GivenTransport):
        factor = float(tortuosity_factor(own, choice.ionic, fraction)) if own else None
        return Transport("given", choice.ionic, choice.electronic, factor, "given in the design")
    law = choice or ClosureTransport()
    found = apply_law(law.ionic, ionic) if ionic else None
    statement = f"closed forms: {_say(law.ionic)} for ions, {_say_electrons(law.electronic)} for electrons"
    if choice is None:
        statement += " (the default, as the design has no transport table)"
    return Transport(
        kind="closure",
        ionic=found,
        electronic=_electrons(law.electronic, electronic) if electronic else None,
        ionic_tortuosity_factor=float(tortuosity_factor(own, found, fraction)) if found else None,
        statement=statement,
    )


def closed_forms(ionic: tuple[Phase, ...], electronic: tuple[Phase, ...]) -> tuple[Alternative, ...]:
    """The default, and the closed forms for one conductor that need no further number, for comparison."""
    choices = [(f"default: {_say(BruggemanLaw())}; {_say_electrons(None)}", ClosureTransport())]
    for law in (BruggemanLaw(), MaxwellLaw()):
        choices.append((_say(law), ClosureTransport(ionic=law, electronic=law)))
    found = [(name, resolve_transport(choice, ionic, electronic)) for name, choice in choices]
    return tuple(Alternative(name, t.ionic, t.ionic_tortuosity_factor, t.electronic) for name, t in found)


CARBON_THRESHOLD = 0.02
"""Volume fraction at which fibres and carbon blacks begin to form a network; reported
values run from below 1 vol% (fibres) to 3 and 7 vol% (blacks in polymer composites,
Falco et al. 2019, section 2.1)."""


def electrons_of_carbon(phases: tuple[Phase, ...]) -> float:
    """Conductivity of the network of carbon, σ ((φ - φ_c)/(1 - φ_c))² with φ_c = 2 vol%; zero without one."""
    carbon = tuple(phase for phase in phases if phase.role == "carbon")
    return apply_law(PercolationLaw(threshold=CARBON_THRESHOLD), carbon)


def _electrons(law: Law | None, phases: tuple[Phase, ...]) -> float:
    """Effective electronic conductivity; without a chosen law the carbon network beside the active material."""
    if law is not None:
        return apply_law(law, phases)
    others = tuple(phase for phase in phases if phase.role != "carbon")
    return electrons_of_carbon(phases) + apply_law(BruggemanLaw(), others)


def _say_electrons(law: Law | None) -> str:
    if law is not None:
        return _say(law)
    return f"carbon by percolation above {100 * CARBON_THRESHOLD:g} vol% beside the active material by Bruggeman"


def _say(law: Law) -> str:
    if isinstance(law, BruggemanLaw):
        return f"Bruggeman with exponent {law.exponent:g}"
    if isinstance(law, PercolationLaw):
        return f"percolation above {100 * law.threshold:g} vol% with exponent {law.exponent:g}"
    return "Maxwell" if isinstance(law, MaxwellLaw) else "symmetric effective medium"
