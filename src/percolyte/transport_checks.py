"""Checks of what conducts in each composite of a cell: its volume, its particles, its measured impedance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from percolyte import units
from percolyte.check import Check, say
from percolyte.design import Cathode
from percolyte.electrode import Electrode
from percolyte.impedance.composite import MISFIT
from percolyte.impedance.estimates import percent
from percolyte.microstructure.pack import formless
from percolyte.transport.effective import Transport

if TYPE_CHECKING:
    from percolyte.evaluation import Evaluation
    from percolyte.transport.microstructure import Structure


@dataclass(frozen=True)
class Composite:
    """A composite electrode of an evaluated cell."""

    side: str
    transport: Transport
    layer: Electrode
    design: Cathode
    evaluation: Evaluation


def check_transport(e: Evaluation) -> Iterator[Check]:
    """What there is to ask of the transport in each composite."""
    composites = [Composite("cathode", e.transport, e.stack.cathode, e.design.cathode, e)]
    if e.anode_transport is not None and e.stack.anode.electrode is not None and isinstance(e.design.anode, Cathode):
        composites.append(Composite("anode", e.anode_transport, e.stack.anode.electrode, e.design.anode, e))
    return (check for ask in _CHECKS for one in composites for check in ask(one))


DISAGREEMENT = 0.02
"""Difference of volume fractions beyond which an imported volume is not the composite of the recipe."""


def _straighter_than_straight(one: Composite) -> Iterator[Check]:
    """Whether a stated or measured ionic conductivity is within what its electrolyte could carry at all."""
    side, transport = one.side, one.transport
    factor = transport.ionic_tortuosity_factor
    if factor is None or transport.kind not in ("given", "impedance"):
        return
    yield Check(
        f"tortuosity factor of the ions in the {side}",
        "pass" if factor >= 1.0 else "fail",
        f"{factor:.3g}",
        "at least 1, that of straight channels",
        "O. Wiener, Abh. Math.-Phys. Kl. Königl. Sächs. Ges. Wiss. 32 (1912) 509",
        "below one the composite conducts better than its electrolyte could: a conductivity, area, thickness or the recipe is wrong",
    )


def _impedance(one: Composite) -> Iterator[Check]:
    """Whether measured impedance is fitted by the cells that it is said to be of."""
    side, transport = one.side, one.transport
    measured = transport.measured
    if measured is None:
        return
    worst = max(measured.fit.noise)
    yield Check(
        f"fit of the {side}'s measured impedance",
        "fail" if worst > MISFIT else "warn" if measured.warnings else "pass",
        f"residuals {percent(worst)} of |Z|" + (f"; {measured.warnings[0]}" if measured.warnings else ""),
        f"at most {100.0 * MISFIT:g} %, and no warning",
        ", ".join(file.label for file in measured.files),
        "which rail is which rests on the terminals that the design states: exchanged ones fit as well",
    )


SAME_TEMPERATURE = 2.0
"""K: a hop of 0.3 eV changes by a twelfth over 2 K, about what thermostats and rooms leave open."""


def _temperature_measured(one: Composite) -> Iterator[Check]:
    """Whether measured impedance is of the temperature at which the design runs."""
    here = one.evaluation.design.temperature
    side, transport = one.side, one.transport
    measured = transport.measured
    if measured is None:
        return
    read = zip(measured.files, measured.measurements, strict=True)
    known = [(file.label, measurement.temperature) for file, measurement in read]
    stated = [(name, at) for name, at in known if at is not None]
    silent = ", ".join(name for name, at in known if at is None)
    apart = [at for _, at in stated if abs(at - here) > SAME_TEMPERATURE]
    shown = ", ".join(f"{name} {say(at, units.TEMPERATURE, 4)}" for name, at in stated)
    limit = f"within {SAME_TEMPERATURE:g} K of the design"
    done = ""
    if apart:
        done = "; its conductivities are used as measured, uncorrected"
        limit += f"; measure there, or write temperature = '{say(apart[0], units.TEMPERATURE, 4)}' in the design"
    elif silent:
        limit += "; write temperature = '25 degC' into the measurement"
    yield Check(
        f"temperature of the {side}'s measured impedance",
        "warn" if apart else "info" if silent else "pass",
        f"measured at: {shown or 'not stated'}; the design runs at {say(here, units.TEMPERATURE, 4)}{done}",
        limit,
        ", ".join(name for name, _ in known),
        f"not stated by {silent}"
        if silent
        else 'values that were carried over by an activation energy are given with kind = "given"',
    )


A_WAY = "a way from the separator to the collector"


def _volume(one: Composite) -> Iterator[Check]:
    """Whether the volume that transport comes from conducts, and is of this recipe."""
    side, transport = one.side, one.transport
    structure = transport.structure
    if structure is not None:
        yield from _ways(side, structure)
        if structure.imported:
            yield _of_the_recipe(side, structure)
    elif transport.kind == "surrogate" and transport.ionic == 0.0:
        yield Check(
            f"ways of ions through the {side}",
            "fail",
            "the electrolyte does not percolate: nothing is conducted",
            A_WAY,
            _means(transport),
            "take more electrolyte, smaller particles of it, or fewer voids",
        )


def _ways(side: str, structure: Structure) -> Iterator[Check]:
    for carriers, found in (("ions", structure.ionic), ("electrons", structure.electronic)):
        if found is None:
            continue
        share = found.percolating_fraction / found.volume_fraction if found.volume_fraction else 0.0
        yield Check(
            f"ways of {carriers} through the {side}",
            "pass" if found.percolates else "fail",
            f"{say(share, units.FRACTION)} of what conducts percolates"
            if found.percolates
            else "do not percolate: nothing is conducted",
            A_WAY,
            _source(structure),
            "what does not percolate carries nothing; a small volume may percolate, or not, by chance",
        )


def _of_the_recipe(side: str, structure: Structure) -> Check:
    """Every phase that is further from the recipe than the limit, or the one that is furthest."""
    shares = {
        name: (structure.fractions.get(name, 0.0), structure.recipe.get(name, 0.0))
        for name in dict.fromkeys((*structure.recipe, *structure.fractions))
    }
    ordered = sorted(shares, key=lambda name: abs(shares[name][0] - shares[name][1]), reverse=True)
    beyond = [name for name in ordered if abs(shares[name][0] - shares[name][1]) > DISAGREEMENT]
    said = ", ".join(
        f"{name} {say(shares[name][0], units.FRACTION)} of the volume and {say(shares[name][1], units.FRACTION)} by the recipe"
        for name in beyond or ordered[:1]
    )
    return Check(
        f"volume and recipe of the {side}",
        "warn" if beyond else "pass",
        said,
        f"at most {100 * DISAGREEMENT:g} % of the layer apart in any phase",
        _source(structure),
        "transport and contact are those of the volume, capacity and mass those of the recipe",
    )


def _means(transport: Transport) -> str:
    """Where transport comes from in a few words, as it stands beside several checks; its own section says all."""
    if transport.structure is not None:
        return _source(transport.structure)
    return "the table of sphere packings" if transport.kind == "surrogate" else transport.statement


def _source(structure: Structure) -> str:
    return f"the volume {structure.volume.source}" if structure.imported else "the generated volume"


def _ignored(one: Composite) -> Iterator[Check]:
    """What the design states of a microstructure and its transport does not know."""
    side, transport = one.side, one.transport
    if transport.ignored:
        yield Check(
            f"microstructure that the {side}'s transport ignores",
            "warn",
            "; ".join(transport.ignored),
            "should be nothing: kind = 'microstructure' in its transport table packs and solves the volume",
            _means(transport),
            "the errors stated do not hold what this changes",
        )


def _without_component(one: Composite) -> Iterator[Check]:
    """Forms that the design states for components that its recipe lacks, where transport asks for the forms."""
    side, transport, layer, written = one.side, one.transport, one.layer, one.design
    generated = transport.structure is not None and not transport.structure.imported
    lacking = formless(
        written.microstructure, {one.evaluation.substances[name].phase for name in layer.volume_fractions}
    )
    if lacking and (generated or transport.kind == "surrogate"):
        yield Check(
            f"forms in the {side}'s microstructure",
            "warn",
            f"stated of {', '.join(lacking)}, which the recipe lacks",
            f"only of what is in [{side}.recipe]; add a component of that kind there, or take its form out",
            "the design file",
            "how much there is of a phase says the recipe: without a component the form draws nothing",
        )


SCARCE = 0.35
"""Volume fraction of electrolyte in a layer, below which generated volumes conduct ions better than measured composites do."""


def _scarce(one: Composite) -> Iterator[Check]:
    """Whether perfect contacts between electrolyte particles still describe a generated composite."""
    side, transport, layer, written = one.side, one.transport, one.layer, one.design
    generated = transport.structure is not None and not transport.structure.imported
    if written.microstructure.seams == "open" or not (generated or transport.kind == "surrogate"):
        return
    parts = layer.volume_fractions.items()
    share = sum(float(part) for name, part in parts if one.evaluation.substances[name].phase == "electrolyte")
    yield Check(
        f"electrolyte of a generated {side}",
        "pass" if share >= SCARCE or share == 0.0 else "warn",
        f"{say(share, units.FRACTION)} of the layer",
        f"at least {100 * SCARCE:g} %",
        _means(transport),
        "with less, measured composites conduct ions 1.5 to 8 times worse, as not all particles of electrolyte are pressed together; "
        f"with crystalline argyrodite that is not coarser than the active material by far write seams = 'open' in [{side}.microstructure], or measure",
    )


UNCERTAIN = 1.0
"""Relative error of an ionic conductivity beyond which the rates of a cell are not known."""


def _errors(one: Composite) -> Iterator[Check]:
    """Whether the ionic conductivity of particles says more than its order of magnitude."""
    side, transport = one.side, one.transport
    if transport.ionic_error is None or transport.kind not in ("microstructure", "surrogate"):
        return
    if one.design.microstructure.seams == "open":
        advice = "open seams go on losing contacts with smaller voxels: take them and closed ones as bounds, or measure"
    elif transport.structure is not None:
        advice = "take smaller voxels, a larger volume, or the mean of several seeds"
    else:
        advice = "write kind = 'microstructure' with voxels of your own"
    yield Check(
        f"error of the ionic conductivity of the {side}",
        "pass" if transport.ionic_error <= UNCERTAIN else "warn",
        units.error_text(transport.ionic_error),
        f"at most {units.error_text(UNCERTAIN)}",
        _means(transport),
        f"rates rest on it; {advice}",
    )


LEAST_USED = 0.5
"""Share of the active material below which an electrode is mostly dead."""


def _utilisation(one: Composite) -> Iterator[Check]:
    """Whether ions and electrons reach the active material of a microstructure."""
    side, transport = one.side, one.transport
    share = transport.utilisation
    if share is None:
        return
    yield Check(
        f"active material of the {side} that ions and electrons reach",
        "fail" if share.value == 0.0 else "warn" if share.value < LEAST_USED else "pass",
        say(share.value, units.FRACTION),
        f"at least {100 * LEAST_USED:g} %",
        _means(transport),
        "particles that do not touch both percolating networks deliver nothing; take more of what does not percolate",
    )


_CHECKS: tuple[Callable[[Composite], Iterator[Check]], ...] = (
    _volume,
    _ignored,
    _without_component,
    _scarce,
    _errors,
    _utilisation,
    _impedance,
    _temperature_measured,
    _straighter_than_straight,
)
