"""Checks of a design: verdict, number, limit and source for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from percolyte import units
from percolyte.check import Check, Verdict, say
from percolyte.pouch.lifetime import cycles_compound, cycles_linear, cycles_reserve, resistance_limit, self_discharge
from percolyte.pouch.stack import FoilAnodeInputs
from percolyte.transport_checks import check_transport
from percolyte.units import Dimension

if TYPE_CHECKING:
    from percolyte.evaluation import Evaluation

WANG = "Wang et al., Energy Environ. Sci. 14 (2021) 2577, doi:10.1039/d1ee00551k"
FALCO = "Falco et al., Mol. Syst. Des. Eng. 4 (2019) 850, doi:10.1039/C9ME00050J, section 5"
SONG = "Song et al., Adv. Energy Mater. (2023), doi:10.1002/aenm.202301142"


def check_design(evaluation: Evaluation) -> list[Check]:
    """All checks that apply to an evaluated design, in the order of the chain."""
    return [check for ask in _CHECKS for check in ask(evaluation)]


ROUNDING = 1e-3
"""Relative margin of every limit: inputs are printed with three digits or four."""


def _at_least(value: float, limit: float) -> bool:
    return value >= limit * (1.0 - ROUNDING)


def _at_most(value: float, limit: float) -> bool:
    return value <= limit * (1.0 + ROUNDING)


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
                    f"; at the pore-free density the cell has {say(e.possible.specific_energy, units.SPECIFIC_ENERGY)} "
                    f"and {say(e.possible.energy_density, units.ENERGY_DENSITY)}"
                )
        yield Check(
            f"{side} density",
            "pass" if possible else "fail",
            say(electrode.density, units.DENSITY),
            f"at most {say(electrode.pore_free_density, units.DENSITY)} (pore-free)",
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
        say(value, units.AREA_RESISTANCE),
        f"at most {say(limit, units.AREA_RESISTANCE)} for 90 % round trip at 1C ({say(current, units.CURRENT_DENSITY)})",
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
        say(value, units.AREAL_CAPACITY),
        "at least 4 mAh/cm2",
        f"{WANG}, section 7",
        "thin cathodes let foils, separator and package dominate the mass",
    )


def _active_content(e: Evaluation) -> Iterator[Check]:
    value = float(e.stack.cathode.active_fraction)
    yield Check(
        "active material in the cathode",
        "pass" if _at_least(value, 0.85) and _at_most(value, 0.9) else "warn",
        say(value, units.FRACTION),
        "85 % to 90 % by weight",
        f"{WANG}, section 6.1",
        "less costs energy; more leaves too little electrolyte for contact",
    )


def _thicknesses(e: Evaluation) -> Iterator[Check]:
    cathode = float(e.stack.cathode.thickness)
    yield Check(
        "cathode thickness",
        "pass" if _at_most(cathode, 250e-6) else "warn",
        say(cathode, units.THICKNESS),
        "at most 250 um",
        "the thickest pressed cathode of a sulfide pouch cell in Yang et al., eTransportation (2022), Table 1",
        "thicker ones exist as infiltrated scaffolds only",
    )
    separator = float(e.stack.separator.thickness)
    yield Check(
        "separator thickness",
        "pass" if _at_least(separator, 15e-6) and _at_most(separator, 30e-6) else "warn",
        say(separator, units.THICKNESS),
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
            say(foil, units.THICKNESS),
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
        say(plated, units.THICKNESS),
        "no limit; the stack must breathe this much per unit cell",
        "Q/(q ρ), for lithium 4.85 um per mAh/cm2; Yang et al., eTransportation (2022), section 3"
        if float(e.inputs.anode.growth) == 1.0
        else f"Q/(q ρ) times the share that lithium adds to {e.inputs.anode.material}, by its volume change in the library",
        f"the whole stack grows by {say(plated * float(e.stack.unit_cells), units.THICKNESS)} on charge",
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
        f"{100 * share:.2g} % per month at {say(datum.number, units.CONDUCTIVITY, 2)} electronic",
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
        f"{say(price.value, units.PRICE)} ({say(price.low, units.PRICE)} to {say(price.high, units.PRICE)})",
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
            "unknown: a price is missing" if value is None else say(value, dimension, 4),
            f"{'at least' if more else 'at most'} {say(wanted, dimension, 4)}",
            "the design file",
            "`percolyte solve` finds the value of any one field that meets it",
        )


_CHECKS: tuple[Callable[[Evaluation], Iterator[Check]], ...] = (
    _densification,
    check_transport,
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
