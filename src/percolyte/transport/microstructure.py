"""Transport, contact and utilisation of a composite from a voxel volume, generated from its recipe or imported.

Effective conductivities are those of `voxels.conduct` along axis 0, from the
separator to the collector; utilisation and contact fraction those of
`measure`. One process solves and measures each volume once, however many
discharges ask for it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from percolyte.errors import InputError, Problem, suggestion
from percolyte.microstructure.edit import coarsen
from percolyte.microstructure.pack import ROLES
from percolyte.microstructure.volume import Volume
from percolyte.transport.composite_volume import (
    Generated,
    Imported,
    redrawn,
    source_particles,
    source_volume,
    told_apart_in,
)
from percolyte.transport.conduction import Conduction, Interfaces, interface_text, transport_of
from percolyte.transport.effective import Interface, Phase, Share, Transport
from percolyte.transport.voxel_image import ROUGH
from percolyte.transport.voxels import conduct

if TYPE_CHECKING:
    from percolyte.microstructure.measure import Estimate, Measures, Reach
    from percolyte.microstructure.networks import Roles

AXIS = 0
"""From the separator to the collector."""
ORDER = 0.5
"""Of the voxel length, in which contacts between particles are wrong."""

log = logging.getLogger("percolyte")


@dataclass(frozen=True)
class Component:
    """One component of the recipe: its phase in a microstructure and its volume fraction in the layer."""

    phase: str
    fraction: float


@dataclass(frozen=True)
class Structure:
    """A volume of a composite, and what the cell takes from it."""

    volume: Volume
    roles: Roles
    warnings: tuple[str, ...]
    ionic: Conduction | None
    """None where no conductivity is known."""
    electronic: Conduction | None
    ionic_conductivities: Mapping[str, float]
    """Of the phases of the volume, S/m."""
    interfaces: Interfaces
    """Between phases of the volume, those without effect left out."""
    particles: str | None
    """How the particles of one phase were told apart; None where there is no interface between them."""
    recipe: Mapping[str, float]
    """Volume fractions that the recipe asks for, by phase, void included."""
    fractions: Mapping[str, float]
    """Volume fractions of the same phases in the volume."""
    imported: bool
    """Whether the volume is of a file."""


@lru_cache(maxsize=8)
def _measured(source: Generated | Imported, roles: Roles) -> Measures:
    from percolyte.microstructure.measure import measure

    volume = source_volume(source)[0]
    log.info("measuring %d voxels", volume.labels.size)
    return measure(volume, roles, AXIS)


@lru_cache(maxsize=8)
def _reached(source: Generated | Imported, roles: Roles, times: float) -> Reach | None:
    """What is reached at so many times the voxel length; None where the volume cannot be had there."""
    from percolyte.microstructure.measure import measure_reach

    volume = _at(source, times)
    if volume is None:
        return None
    log.info("measuring %d voxels", volume.labels.size)
    return measure_reach(volume, roles, AXIS)


def _at(source: Generated | Imported, times: float) -> Volume | None:
    """The volume at so many times its voxel length: its particles drawn anew, or the image coarsened."""
    volume = source_volume(source)[0]
    if isinstance(source, Generated):
        again = redrawn(source, int(len(volume.labels) / times))
        return None if again is None else again.volume
    return coarsen(volume, int(times)) if times >= 1.0 and min(volume.labels.shape) > 3 else None


@lru_cache(maxsize=16)
def _conducted(
    source: Generated | Imported,
    conductivities: tuple[tuple[str, float], ...],
    interfaces: tuple[tuple[tuple[str, str], float], ...],
) -> Conduction:
    volume, sigma, between = source_volume(source)[0], dict(conductivities), dict(interfaces)
    own = _within(between)
    particles = source_particles(source, own)[0] if own else None
    log.info("solving conduction through %s", ", ".join(name for name, _ in conductivities))
    # threads add up in an order of their own: with one, the same design gives the same digits
    found = conduct(volume, sigma, axis=AXIS, interfaces=between, particles=particles, threads=1)
    if found.relative_error is None or isinstance(source, Imported):
        return found

    along = len(volume.labels)
    coarser, finer = (_redrawn_conductivity(source, number, sigma, between) for number in (along // 2, 2 * along))
    if coarser is None or finer is None:
        return found
    resolution = resolution_error(found.effective_conductivity, coarser, finer) / found.effective_conductivity
    return replace(found, relative_error=replace(found.relative_error, resolution=resolution))


def _redrawn_conductivity(
    source: Generated, along: int, sigma: Mapping[str, float], interfaces: Interfaces
) -> float | None:
    """S/m, with as many voxels along each edge; None where these are too few or too many."""
    packed = redrawn(source, along)
    if packed is None:
        return None
    volume = packed.volume
    # what is thinner than a voxel may be missing
    sigma = {name: value for name, value in sigma.items() if name in volume.phases}
    crossed = {pair: value for pair, value in interfaces.items() if {*pair} <= {*sigma}}
    own = _within(crossed)
    particles = told_apart_in(volume, packed.particles, own)[0] if own else None
    found = conduct(
        volume, sigma, axis=AXIS, interfaces=crossed, particles=particles, rtol=ROUGH, errors=False, threads=1
    )
    return found.effective_conductivity


def resolution_error(here: float, coarser: float, finer: float) -> float:
    """Error by voxel size of a number, from drawings of double and of half the voxel length.

    Where σ(h) - σ(0) goes as h^p, it is (σ(h) - σ(h/2))/(1 - 2^-p). Particles that touch have necks as wide as √(h d),
    so that p = ½ is taken; staircases alone have p = 1, of which this is 1.7 times the error. Half of the change to the
    coarser drawing counts where that is more, so that no accident makes the error vanish.
    """
    return max(abs(here - finer) / (1.0 - math.pow(0.5, ORDER)), 0.5 * abs(coarser - here))


def _within(interfaces: Interfaces) -> tuple[str, ...]:
    """Phases with an interface between their particles."""
    return tuple(one for one, other in interfaces if one == other)


def volume_transport(
    source: Generated | Imported,
    components: Mapping[str, Component],
    ionic: tuple[Phase, ...],
    electronic: tuple[Phase, ...],
    interfaces: tuple[Interface, ...] = (),
) -> Transport:
    """Effective transport of a volume, with its `structure`.

    `components` are those of the recipe; `ionic` and `electronic` those of them
    whose conductivity is known. A phase of the volume is named after a component,
    which conducts as it does, or after a kind of phase (active, electrolyte,
    carbon, ...), which conducts as the mean by volume of its components. An
    interface resists the carrier that both of its phases conduct.

    Limits: layers along axis 0 conduct as their volume fraction; an electrolyte that
    does not percolate conducts nothing, which is a result: `ionic` is 0. Electrons are unknown where
    nothing whose conductivity is known percolates, and the active material has none.

    Errors: InputError for a file that is no volume, for phases that the recipe
    does not know, and for interfaces that nothing crosses.
    """
    try:
        volume, warnings, _ = source_volume(source)
    except InputError as error:
        stated = dict(source.phases or ()) if isinstance(source, Imported) else {}
        named = [name for name in stated if name != "shell"]
        raise InputError([*error.problems, *_strangers(named, components)]) from None
    phases = _phases(volume, components)
    roles = _roles(phases)
    ions, electrons = (_conductivities(phases, components, carriers) for carriers in (ionic, electronic))
    contacts = _contacts(interfaces, phases, ((*roles.ionic, *ions), (*roles.electronic, *electrons)))
    through_ions, through_electrons = (_through(source, sigma, contacts) for sigma in (ions, electrons))
    acting = {pair: contacts[pair] for found in (through_ions, through_electrons) if found for pair in found.interfaces}
    warnings += tuple(
        f"{interface_text(pair, value)} changes nothing, as the conductivity of one side is not known"
        for pair, value in contacts.items()
        if pair not in acting
    )
    silent = any(name not in electrons for name in roles.active)
    if silent and through_electrons is not None and not through_electrons.percolates:
        through_electrons = None
    here = _measured(source, roles)
    others = [_reached(source, roles, times) for times in (2.0, 0.5)]
    structure = Structure(
        volume=volume,
        roles=roles,
        warnings=warnings,
        ionic=through_ions,
        electronic=through_electrons,
        ionic_conductivities=ions,
        interfaces=acting,
        particles=source_particles(source, _within(acting))[1] if _within(acting) else None,
        recipe=_by_phase(components),
        fractions=_found(volume, phases),
        imported=isinstance(source, Imported),
    )
    return replace(
        _conducting(structure),
        utilisation=_share(here.utilisation, *(each.utilisation if each else None for each in others)) or Share(0.0),
        contact_fraction=_share(here.contact_fraction, *(each.contact_fraction if each else None for each in others)),
        structure=structure,
    )


def _through(
    source: Generated | Imported, sigma: Mapping[str, float], contacts: Mapping[tuple[str, str], float]
) -> Conduction | None:
    """Conduction through phases with the interfaces between them; None where no conductivity is known."""
    if not sigma:
        return None
    crossed = [(pair, value) for pair, value in contacts.items() if sigma.keys() >= {*pair}]
    return _conducted(source, tuple(sigma.items()), tuple(crossed))


def _conducting(structure: Structure) -> Transport:
    """The conductivities alone."""
    if structure.ionic is None:
        statement = f"the electrolyte's own conductivity is not known; {structure.volume.source}"
        electronic = None if structure.electronic is None else structure.electronic.effective_conductivity
        return Transport("microstructure", None, electronic, None, statement)
    transport = transport_of(structure.ionic, structure.electronic)
    error = structure.ionic.relative_error
    alone = structure.imported and error is not None and error.resolution is not None
    said = f"{structure.volume.source}{'; the error by voxel size is from the image alone' if alone else ''}"
    return replace(transport, statement=f"{transport.statement} ({said})")


def _share(here: Estimate | None, coarser: float | None, finer: float | None) -> Share | None:
    if here is None:
        return None
    if coarser is None:
        resolution = None
    elif finer is None:
        resolution = abs(here.value - coarser)
    else:
        resolution = resolution_error(here.value, coarser, finer)
    return Share(here.value, resolution, here.error)


def _phases(volume: Volume, components: Mapping[str, Component]) -> dict[str, str]:
    """Kind of each phase of the volume; InputError for names that the recipe does not know."""
    found = {name: components[name].phase if name in components else _kind(name) for name in volume.phases}
    problems = _strangers(volume.phases, components)
    for needed in ("active", "electrolyte"):
        if not problems and needed in _by_phase(components) and needed not in found.values():
            names = ", ".join(volume.phases)
            problems.append(Problem("phases", f"no phase of the volume is {needed}; it has {names}"))
    if problems:
        raise InputError(problems, source=volume.source)
    return found


def _strangers(names: Iterable[str], components: Mapping[str, Component]) -> list[Problem]:
    """Names of phases that neither the recipe knows nor any other."""
    kinds = (*ROLES, "void")
    known = (*components, *kinds)
    return [
        Problem(
            "phases",
            f"'{name}' is neither a component of the recipe nor a kind of phase{suggestion(name, known)}; "
            f"name the labels, such as phases = {{ active = 1, electrolyte = 2, void = 0 }}, "
            f"after {', '.join(components)}, {', '.join(kinds)}",
        )
        for name in names
        if name not in components and _kind(name) not in kinds
    ]


def _kind(name: str) -> str:
    """A coating by its name in the library, which an image may show where the recipe leaves it out; else the name."""
    from percolyte.materials.library import Library

    substance = Library().find(name)
    return "coating" if substance is not None and substance.phase == "coating" else name


def _roles(phases: Mapping[str, str]) -> Roles:
    """What each phase of the volume does; coatings let ions through, as they are made to."""
    from percolyte.microstructure.networks import Roles

    def of(*kinds: str) -> tuple[str, ...]:
        return tuple(name for name, kind in phases.items() if kind in kinds)

    return Roles(of("active"), of("electrolyte", "coating"), of("active", "carbon"))


def _contacts(
    interfaces: tuple[Interface, ...], phases: Mapping[str, str], carriers: tuple[tuple[str, ...], ...]
) -> dict[tuple[str, str], float]:
    """Resistance of each pair of phases of the volume, ohm m²; InputError for a pair that no carrier crosses."""
    found: dict[tuple[str, str], float] = {}
    problems = []
    for number, interface in enumerate(interfaces, start=1):
        where = f"interfaces.{number}.between"
        absent = [name for name in dict.fromkeys(interface.between) if name not in {*phases, *phases.values()}]
        known = ", ".join(dict.fromkeys([*phases, *phases.values()]))
        for name in absent:
            problems.append(
                Problem(where, f"no phase of the volume is '{name}'{suggestion(name, phases)}; it has {known}")
            )
        one, other = ([name for name, kind in phases.items() if wanted in (name, kind)] for wanted in interface.between)
        for pair in dict.fromkeys((min(a, b), max(a, b)) for a in one for b in other):
            if pair in found:
                problems.append(
                    Problem(where, f"the resistance between {pair[0]} and {pair[1]} is given twice; keep one")
                )
            elif not any({*pair} <= {*names} for names in carriers):
                problems.append(Problem(where, _uncrossed(*pair)))
            found[pair] = interface.resistance
    if problems:
        raise InputError(problems)
    return found


def _uncrossed(one: str, other: str) -> str:
    return (
        f"neither ions nor electrons are led from {one} to {other}; name two phases that conduct the same, such as "
        "electrolyte and electrolyte (a film on active material is its film_resistance)"
    )


def _conductivities(
    phases: Mapping[str, str], components: Mapping[str, Component], carriers: tuple[Phase, ...]
) -> dict[str, float]:
    """Own conductivity of each phase of the volume that conducts, S/m."""
    found = {}
    for name, kind in phases.items():
        within = {
            component: part.fraction
            for component, part in components.items()
            if component == name or (kind == name and part.phase == kind)
        }
        carried = sum(carrier.fraction * carrier.conductivity for carrier in carriers if carrier.name in within)
        if carried > 0.0:
            found[name] = carried / sum(within.values())
    return found


def _by_phase(components: Mapping[str, Component]) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in components.values():
        found[part.phase] = found.get(part.phase, 0.0) + part.fraction
    return {**found, "void": max(0.0, 1.0 - math.fsum(found.values()))}


def _found(volume: Volume, phases: Mapping[str, str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, fraction in volume.fractions.items():
        found[phases[name]] = found.get(phases[name], 0.0) + fraction
    return found
