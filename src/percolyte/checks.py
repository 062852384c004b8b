"""Checks of a design: verdict, number, limit and source for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from percolyte import units
from percolyte.design import Cathode
from percolyte.electrode import Electrode
from percolyte.impedance.composite import MISFIT
from percolyte.impedance.estimates import percent
from percolyte.microstructure.pack import formless
from percolyte.pouch.lifetime import cycles_compound, cycles_linear, cycles_reserve, resistance_limit, self_discharge
from percolyte.pouch.stack import FoilAnodeInputs
from percolyte.transport.effective import Transport
from percolyte.units import Dimension, Number, text

if TYPE_CHECKING:
    from percolyte.evaluation import Evaluation
    from percolyte.transport.microstructure import Structure

Verdict = Literal["pass", "warn", "fail", "info"]

WANG = "Wang et al., Energy Environ. Sci. 14 (2021) 2577, doi:10.1039/d1ee00551k"
FALCO = "Falco et al., Mol. Syst. Des. Eng. 4 (2019) 850, doi:10.1039/C9ME00050J, section 5"
SONG = "Song et al., Adv. Energy Mater. (2023), doi:10.1002/aenm.202301142"


@dataclass(frozen=True)
class Check:
    """One question asked of a design, and its answer."""

    name: str
    verdict: Verdict
    value: str
    limit: str
    source: str
    meaning: str
    """What follows from it, in one sentence."""


def check_design(evaluation: Evaluation) -> list[Check]:
    """All checks that apply to an evaluated design, in the order of the chain."""
    return [check for ask in _CHECKS for check in ask(evaluation)]


ROUNDING = 1e-3
"""Relative margin of every limit: inputs are printed with three digits or four."""


def _at_least(value: float, limit: float) -> bool:
    return value >= limit * (1.0 - ROUNDING)


def _at_most(value: float, limit: float) -> bool:
    return value <= limit * (1.0 + ROUNDING)


def _say(value: Number, dimension: Dimension, digits: int = 3) -> str:
    return text(float(value), dimension, digits=digits)


def _densification(e: Evaluation) -> Iterator[Check]:
    for side, electrode in (("cathode", e.stack.cathode), ("anode", e.stack.anode.electrode)):
        if electrode is None:
            continue
        ratio = float(electrode.densification)
        possible = ratio <= 1.0 + 1e-9
        meaning = f"the layer has {100 * max(1 - ratio, 0):.3g} % pores"
        if not possible:
            meaning = f"the {side} as designed is {100 * (ratio - 1):.3g} % denser than its components can be"
            if e.possible is not None:
                meaning += (
                    f"; at the pore-free density the cell has {_say(e.possible.specific_energy, units.SPECIFIC_ENERGY)} "
                    f"and {_say(e.possible.energy_density, units.ENERGY_DENSITY)}"
                )
        yield Check(
            f"{side} density",
            "pass" if possible else "fail",
            _say(electrode.density, units.DENSITY),
            f"at most {_say(electrode.pore_free_density, units.DENSITY)} (pore-free)",
            "conservation of volume; densities of the components as in the sources",
            meaning,
        )


def _separator_resistance(e: Evaluation) -> Iterator[Check]:
    current = float(e.energy.areal_capacity) / 3600.0
    voltage = float(e.energy.voltage / e.stack.in_series)
    if voltage <= 0.0:
        return
    limit = resistance_limit(voltage, current)
    value = float(e.energy.separator_resistance)
    yield Check(
        "separator resistance",
        "pass" if _at_most(value, limit / 2) else "warn" if _at_most(value, limit) else "fail",
        _say(value, units.AREA_RESISTANCE),
        f"at most {_say(limit, units.AREA_RESISTANCE)} for 90 % round trip at 1C ({_say(current, units.CURRENT_DENSITY)})",
        f"R = U/(19 i); {WANG}, section 7",
        f"the separator alone takes {100 * value / limit:.3g} % of the resistance that the whole cell may have",
    )


def _np_ratio(e: Evaluation) -> Iterator[Check]:
    ratio = e.energy.np_ratio
    if ratio is None:
        return
    ratio = float(ratio)
    foil = isinstance(e.inputs.anode, FoilAnodeInputs)
    basis = f"{e.energy.convention.np_basis} capacities"
    if foil:
        verdict: Verdict = "pass" if ratio >= 1.0 and _at_most(ratio, 2.5) else "warn"
        limit, meaning = "1 to 2.5", "more lithium than that costs energy density without need"
        if ratio < 1.0:
            meaning = "less lithium than the cathode takes: the cathode's own lithium must cover every loss"
    else:
        verdict = "pass" if _at_least(ratio, 1.05) else "warn" if _at_least(ratio, 1.0) else "fail"
        limit, meaning = "at least 1.05", "below one, lithium is plated on the anode and its capacity limits the cell"
    yield Check(
        "N/P ratio", verdict, f"{ratio:.3g} of {basis}", limit, f"{WANG}, Table 2 (1.05 for hosts, 2 for Li)", meaning
    )


def _areal_capacity(e: Evaluation) -> Iterator[Check]:
    value = float(e.stack.cathode.areal_capacity)
    yield Check(
        "areal capacity",
        "pass" if _at_least(value, units.si(4.0, "mAh/cm2")) else "warn",
        _say(value, units.AREAL_CAPACITY),
        "at least 4 mAh/cm2",
        f"{WANG}, section 7",
        "thin cathodes let foils, separator and package dominate the mass",
    )


def _active_content(e: Evaluation) -> Iterator[Check]:
    value = float(e.stack.cathode.active_fraction)
    yield Check(
        "active material in the cathode",
        "pass" if _at_least(value, 0.85) and _at_most(value, 0.9) else "warn",
        _say(value, units.FRACTION),
        "85 % to 90 % by weight",
        f"{WANG}, section 6.1",
        "less costs energy; more leaves too little electrolyte for contact",
    )


def _thicknesses(e: Evaluation) -> Iterator[Check]:
    cathode = float(e.stack.cathode.thickness)
    yield Check(
        "cathode thickness",
        "pass" if _at_most(cathode, 250e-6) else "warn",
        _say(cathode, units.THICKNESS),
        "at most 250 um",
        "the thickest pressed cathode of a sulfide pouch cell in Yang et al., eTransportation (2022), Table 1",
        "thicker ones exist as infiltrated scaffolds only",
    )
    separator = float(e.stack.separator.thickness)
    yield Check(
        "separator thickness",
        "pass" if _at_least(separator, 15e-6) and _at_most(separator, 30e-6) else "warn",
        _say(separator, units.THICKNESS),
        "15 um to 30 um",
        f"{WANG}, section 6.1: ideally below 30 um, 15 um very challenging",
        "thicker wastes mass; thinner has not been shown in large sheets",
    )
    if (
        isinstance(e.inputs.anode, FoilAnodeInputs)
        and e.inputs.anode.kind == "lithium"
        and e.inputs.anode.material == "Li"
    ):
        foil = float(e.stack.anode.thickness)
        yield Check(
            "lithium foil thickness",
            "pass" if _at_least(foil, 20e-6) and _at_most(foil, 40e-6) else "warn",
            _say(foil, units.THICKNESS),
            "20 um to 40 um",
            f"{WANG}, section 3.2 (below 40 um); {SONG}, Fig. 1 (20 um)",
            "460 um is common in the laboratory and hides the losses; below 20 um no foil is on offer",
        )


def _lithium_moved(e: Evaluation) -> Iterator[Check]:
    plated = float(e.stack.anode.plated_thickness)
    if plated <= 0.0 or not isinstance(e.inputs.anode, FoilAnodeInputs):
        return
    yield Check(
        "lithium plated per cycle",
        "info",
        _say(plated, units.THICKNESS),
        "no limit; the stack must breathe this much per unit cell",
        "Q/(q ρ), for lithium 4.85 um per mAh/cm2; Yang et al., eTransportation (2022), section 3"
        if float(e.inputs.anode.growth) == 1.0
        else f"Q/(q ρ) times the share that lithium adds to {e.inputs.anode.material}, by its volume change in the library",
        f"the whole stack grows by {_say(plated * float(e.stack.unit_cells), units.THICKNESS)} on charge",
    )


def _self_discharge(e: Evaluation) -> Iterator[Check]:
    electrolyte = e.substances[e.stack.separator.electrolyte]
    datum = electrolyte.default("electronic_conductivity")
    if datum is None:
        yield Check(
            "self-discharge through the separator",
            "info",
            f"unknown: {electrolyte.name} has no electronic conductivity",
            "at most 5 % per month",
            "i = U σ/L",
            "electrons leak through the electrolyte while the cell rests; give electronic_conductivity in [materials]",
        )
        return
    voltage = float(e.energy.voltage / e.stack.in_series)
    share = self_discharge(voltage, datum.number, float(e.stack.separator.thickness), float(e.energy.areal_capacity))
    yield Check(
        "self-discharge through the separator",
        "pass" if share <= 0.05 else "fail",
        f"{100 * share:.2g} % per month at {_say(datum.number, units.CONDUCTIVITY, 2)} electronic",
        "at most 5 % per month",
        f"i = U σ/L; σ: {datum.said}; the outlook of the same review wants 1e-12 S/cm",
        "electrons leak through the electrolyte while the cell rests",
    )


def _cycle_life(e: Evaluation) -> Iterator[Check]:
    targets = e.design.targets
    efficiency, wanted = targets.coulombic_efficiency, targets.cycles
    deciding = "compound loss"
    counts = {"compound loss": cycles_compound(efficiency), "linear loss": cycles_linear(efficiency)}
    if (
        isinstance(e.inputs.anode, FoilAnodeInputs)
        and e.inputs.anode.kind == "lithium"
        and e.inputs.anode.material == "Li"
    ):
        reserve = float(e.stack.anode.areal_capacity / e.stack.cathode.areal_capacity)
        deciding = "lithium reserve of the foil"
        counts[deciding] = cycles_reserve(efficiency, 1.0 + reserve)
    shown = ", ".join(f"{count:.0f} by {name}" for name, count in counts.items())
    yield Check(
        "cycle life from coulombic efficiency",
        "pass" if counts[deciding] >= wanted else "fail",
        f"{shown} at {100 * efficiency:.4g} %",
        f"at least {wanted:g} cycles to 80 %",
        f"{WANG}, section 3.2, which mixes the compound and the linear count",
        f"the count by {deciding} decides; {wanted:g} cycles by compound loss need {100 * 0.8 ** (1 / wanted):.4g} %",
    )


def _set_plan(e: Evaluation) -> Iterator[Check]:
    metal = isinstance(e.inputs.anode, FoilAnodeInputs)
    wh_kg, wh_l = (400.0, 1200.0) if metal else (350.0, 1000.0)
    mass, volume = (
        float(units.to(e.energy.specific_energy, "Wh/kg")),
        float(units.to(e.energy.energy_density, "Wh/L")),
    )
    reached = (mass > wh_kg) + (volume > wh_l)
    whole = e.energy.convention.package is not None
    yield Check(
        "SET plan target, " + ("lithium metal" if metal else "lithium ion"),
        ("fail", "warn", "pass")[reached] if whole else "info",
        f"{mass:.4g} Wh/kg and {volume:.4g} Wh/L ({e.energy.convention.title})",
        f"above {wh_kg:g} Wh/kg and {wh_l:g} Wh/L",
        f"EU SET plan as in {FALCO}",
        "a target for whole cells" + ("" if whole else "; this convention counts no package, so there is no verdict"),
    )


def _electrolyte_price(e: Evaluation) -> Iterator[Check]:
    name = e.stack.separator.electrolyte
    price = e.cost.prices.get(name)
    if price is None:
        yield Check(
            "price of the electrolyte",
            "info",
            f"unknown: {name} has no price",
            "at most 50 USD/kg",
            f"{WANG}, section 7",
            "give price in [materials]",
        )
        return
    yield Check(
        "price of the electrolyte",
        "pass" if price.value <= 50.0 else "warn" if price.low <= 50.0 else "fail",
        f"{_say(price.value, units.PRICE)} ({_say(price.low, units.PRICE)} to {_say(price.high, units.PRICE)})",
        "at most 50 USD/kg",
        f"{WANG}, section 7, after J. Schnell et al., Energy Technol. 8 (2020) 1901237; price: {price.source}",
        f"{name} is {100 * e.cost.by_substance[name] / e.cost.priced_part:.3g} % of the priced materials cost",
    )


def _own_targets(e: Evaluation) -> Iterator[Check]:
    """Targets that the design itself states."""
    targets = e.design.targets
    found: list[tuple[str, float | None, float | None, Dimension, bool]] = [
        ("specific energy", targets.specific_energy, float(e.energy.specific_energy), units.SPECIFIC_ENERGY, True),
        ("energy density", targets.energy_density, float(e.energy.energy_density), units.ENERGY_DENSITY, True),
        (
            "materials cost per energy",
            targets.cost_per_energy,
            None if e.cost.value is None else e.cost.per_energy(e.cost.value),
            units.COST_PER_ENERGY,
            False,
        ),
    ]
    for name, wanted, value, dimension, more in found:
        if wanted is None:
            continue
        reached = value is not None and (value >= wanted if more else value <= wanted)
        yield Check(
            f"target: {name}",
            "pass" if reached else "fail",
            "unknown: a price is missing" if value is None else _say(value, dimension, 4),
            f"{'at least' if more else 'at most'} {_say(wanted, dimension, 4)}",
            "the design file",
            "`percolyte solve` finds the value of any one field that meets it",
        )


DISAGREEMENT = 0.02
"""Difference of volume fractions beyond which an imported volume is not the composite of the recipe."""


def _composites(e: Evaluation) -> Iterator[tuple[str, Transport, Electrode, Cathode]]:
    """Side, transport, layer and design table of each composite."""
    yield "cathode", e.transport, e.stack.cathode, e.design.cathode
    if e.anode_transport is not None and e.stack.anode.electrode is not None and isinstance(e.design.anode, Cathode):
        yield "anode", e.anode_transport, e.stack.anode.electrode, e.design.anode


def _straighter_than_straight(e: Evaluation) -> Iterator[Check]:
    """Whether a stated or measured ionic conductivity is within what its electrolyte could carry at all."""
    for side, transport, _, _ in _composites(e):
        factor = transport.ionic_tortuosity_factor
        if factor is None or transport.kind not in ("given", "impedance"):
            continue
        yield Check(
            f"tortuosity factor of the ions in the {side}",
            "pass" if factor >= 1.0 else "fail",
            f"{factor:.3g}",
            "at least 1, that of straight channels",
            "O. Wiener, Abh. Math.-Phys. Kl. Königl. Sächs. Ges. Wiss. 32 (1912) 509",
            "below one the composite conducts better than its electrolyte could: a conductivity, area, thickness or the recipe is wrong",
        )


def _impedance(e: Evaluation) -> Iterator[Check]:
    """Whether measured impedance is fitted by the cells that it is said to be of."""
    for side, transport, _, _ in _composites(e):
        measured = transport.measured
        if measured is None:
            continue
        worst = max(measured.fit.noise)
        yield Check(
            f"fit of the {side}'s measured impedance",
            "fail" if worst > MISFIT else "warn" if measured.warnings else "pass",
            f"residuals {percent(worst)} of |Z|" + (f"; {measured.warnings[0]}" if measured.warnings else ""),
            f"at most {100.0 * MISFIT:g} %, and no warning",
            ", ".join(one.label for one in measured.files),
            "which rail is which rests on the terminals that the design states: exchanged ones fit as well",
        )


SAME_TEMPERATURE = 2.0
"""K: a hop of 0.3 eV changes by a twelfth over 2 K, about what thermostats and rooms leave open."""


def _temperature_measured(e: Evaluation) -> Iterator[Check]:
    """Whether measured impedance is of the temperature at which the design runs."""
    here = e.design.temperature
    for side, transport, _, _ in _composites(e):
        measured = transport.measured
        if measured is None:
            continue
        read = zip(measured.files, measured.measurements, strict=True)
        known = [(one.label, measurement.temperature) for one, measurement in read]
        stated = [(name, at) for name, at in known if at is not None]
        silent = ", ".join(name for name, at in known if at is None)
        apart = [at for _, at in stated if abs(at - here) > SAME_TEMPERATURE]
        shown = ", ".join(f"{name} {_say(at, units.TEMPERATURE, 4)}" for name, at in stated)
        limit = f"within {SAME_TEMPERATURE:g} K of the design"
        done = ""
        if apart:
            done = "; its conductivities are used as measured, uncorrected"
            limit += f"; measure there, or write temperature = '{_say(apart[0], units.TEMPERATURE, 4)}' in the design"
        elif silent:
            limit += "; write temperature = '25 degC' into the measurement"
        yield Check(
            f"temperature of the {side}'s measured impedance",
            "warn" if apart else "info" if silent else "pass",
            f"measured at: {shown or 'not stated'}; the design runs at {_say(here, units.TEMPERATURE, 4)}{done}",
            limit,
            ", ".join(name for name, _ in known),
            f"not stated by {silent}"
            if silent
            else 'values that were carried over by an activation energy are given with kind = "given"',
        )


A_WAY = "a way from the separator to the collector"


def _volume(e: Evaluation) -> Iterator[Check]:
    """Whether the volume that transport comes from conducts, and is of this recipe."""
    for side, transport, _, _ in _composites(e):
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
            f"{_say(share, units.FRACTION)} of what conducts percolates"
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
        f"{name} {_say(shares[name][0], units.FRACTION)} of the volume and {_say(shares[name][1], units.FRACTION)} by the recipe"
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


def _ignored(e: Evaluation) -> Iterator[Check]:
    """What the design states of a microstructure and its transport does not know."""
    for side, transport, _, _ in _composites(e):
        if transport.ignored:
            yield Check(
                f"microstructure that the {side}'s transport ignores",
                "warn",
                "; ".join(transport.ignored),
                "should be nothing: kind = 'microstructure' in its transport table packs and solves the volume",
                _means(transport),
                "the errors stated do not hold what this changes",
            )


def _without_component(e: Evaluation) -> Iterator[Check]:
    """Forms that the design states for components that its recipe lacks, where transport asks for the forms."""
    for side, transport, layer, written in _composites(e):
        generated = transport.structure is not None and not transport.structure.imported
        lacking = formless(written.microstructure, {e.substances[name].phase for name in layer.volume_fractions})
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


def _scarce(e: Evaluation) -> Iterator[Check]:
    """Whether perfect contacts between electrolyte particles still describe a generated composite."""
    for side, transport, layer, written in _composites(e):
        generated = transport.structure is not None and not transport.structure.imported
        if written.microstructure.seams == "open" or not (generated or transport.kind == "surrogate"):
            continue
        parts = layer.volume_fractions.items()
        share = sum(float(part) for name, part in parts if e.substances[name].phase == "electrolyte")
        yield Check(
            f"electrolyte of a generated {side}",
            "pass" if share >= SCARCE or share == 0.0 else "warn",
            f"{_say(share, units.FRACTION)} of the layer",
            f"at least {100 * SCARCE:g} %",
            _means(transport),
            "with less, measured composites conduct ions 1.5 to 8 times worse, as not all particles of electrolyte are pressed together; "
            f"with crystalline argyrodite that is not coarser than the active material by far write seams = 'open' in [{side}.microstructure], or measure",
        )


UNCERTAIN = 1.0
"""Relative error of an ionic conductivity beyond which the rates of a cell are not known."""


def _errors(e: Evaluation) -> Iterator[Check]:
    """Whether the ionic conductivity of particles says more than its order of magnitude."""
    for side, transport, _, _ in _composites(e):
        if transport.ionic_error is None or transport.kind not in ("microstructure", "surrogate"):
            continue
        remedy = "smaller voxels, a larger volume, or the mean of several seeds"
        yield Check(
            f"error of the ionic conductivity of the {side}",
            "pass" if transport.ionic_error <= UNCERTAIN else "warn",
            units.error_text(transport.ionic_error),
            f"at most {units.error_text(UNCERTAIN)}",
            _means(transport),
            f"rates rest on it; take {remedy if transport.structure is not None else 'a volume of your own'}",
        )


LEAST_USED = 0.5
"""Share of the active material below which an electrode is mostly dead."""


def _utilisation(e: Evaluation) -> Iterator[Check]:
    """Whether ions and electrons reach the active material of a microstructure."""
    for side, transport, _, _ in _composites(e):
        share = transport.utilisation
        if share is None:
            continue
        yield Check(
            f"active material of the {side} that ions and electrons reach",
            "fail" if share.value == 0.0 else "warn" if share.value < LEAST_USED else "pass",
            _say(share.value, units.FRACTION),
            f"at least {100 * LEAST_USED:g} %",
            _means(transport),
            "particles that do not touch both percolating networks deliver nothing; take more of what does not percolate",
        )


_CHECKS: tuple[Callable[[Evaluation], Iterator[Check]], ...] = (
    _densification,
    _volume,
    _ignored,
    _without_component,
    _scarce,
    _errors,
    _utilisation,
    _impedance,
    _temperature_measured,
    _straighter_than_straight,
    _active_content,
    _areal_capacity,
    _thicknesses,
    _np_ratio,
    _separator_resistance,
    _lithium_moved,
    _self_discharge,
    _cycle_life,
    _electrolyte_price,
    _set_plan,
    _own_targets,
)
