"""Results as JSON with the unit in each key, and as text for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from percolyte import __version__, units
from percolyte.electrode import Electrode
from percolyte.evaluation import Evaluation
from percolyte.materials.substance import CURVES, PROPERTIES, Substance
from percolyte.pouch.cost import Cost
from percolyte.pouch.energy import PouchEnergy
from percolyte.report.cells import measured_json, rate_json
from percolyte.report.conduction import interfaces_json
from percolyte.report.layout import aligned, converted
from percolyte.resolution import say_choice
from percolyte.transport.conduction import Conduction
from percolyte.transport.effective import Share, Transport
from percolyte.transport.microstructure import Structure


def convention_json(energy: PouchEnergy) -> dict[str, str]:
    """Every choice of the convention in words."""
    record = energy.convention
    names = [name for name in type(record).model_fields if name not in ("name", "overrides", "source")]
    return {name: say_choice(name, getattr(record, name)) for name in names}


def energy_json(e: Evaluation) -> dict[str, Any]:
    """The `energy` keys of one evaluation."""
    energy, cost = e.energy, e.cost
    data: dict[str, Any] = {
        "convention": energy.convention.name,
        "convention_overrides": list(energy.convention.overrides),
        "convention_choices": convention_json(energy),
        **_core_json(energy),
        "mass_breakdown_g": {name: converted(mass, "g") for name, mass in energy.masses.items()},
        "thickness_breakdown_um": {name: converted(length, "um") for name, length in energy.thicknesses.items()},
        "volume_breakdown_mL": {name: converted(volume, "mL") for name, volume in energy.volumes.items()},
        "separator_resistance_ohm_cm2": converted(energy.separator_resistance, "ohm cm2"),
        **_cost_json(cost),
        "ev_range_km": converted(e.ev_range, "km"),
        "electrode": electrode_json(e.stack.cathode),
        "warnings": [check.meaning for check in e.checks if check.verdict == "fail" and check.name.endswith("density")],
    }
    if e.charged is not None:
        data["energy_density_charged_Wh_per_L"] = converted(e.charged.energy_density, "Wh/L")
    if e.possible is not None:
        data["at_pore_free_density"] = _core_json(e.possible)
    return data


def _core_json(energy: PouchEnergy) -> dict[str, Any]:
    return {
        "areal_capacity_mAh_per_cm2": converted(energy.areal_capacity, "mAh/cm2"),
        "np_ratio": None if energy.np_ratio is None else float(f"{float(energy.np_ratio):.12g}"),
        "capacity_Ah": converted(energy.capacity, "Ah"),
        "voltage_V": converted(energy.voltage, "V"),
        "energy_Wh": converted(energy.energy, "Wh"),
        "mass_g": converted(energy.mass, "g"),
        "volume_mL": converted(energy.volume, "mL"),
        "specific_energy_Wh_per_kg": converted(energy.specific_energy, "Wh/kg"),
        "energy_density_Wh_per_L": converted(energy.energy_density, "Wh/L"),
        "cathode_mass_fraction": float(energy.cathode_mass_fraction),
    }


def _cost_json(cost: Cost) -> dict[str, Any]:
    """Materials cost; the plain keys are null where too much of the cell has no price."""

    def per_kwh(usd: float) -> float | None:
        return converted(cost.per_energy(usd), "USD/kWh")

    return {
        "cost_USD": cost.value,
        "cost_USD_per_kWh": None if cost.value is None else per_kwh(cost.value),
        "cost_range_USD": [cost.low, cost.high],
        "cost_range_USD_per_kWh": [per_kwh(cost.low), per_kwh(cost.high)],
        "cost_of_priced_part_USD": cost.priced_part,
        "cost_scope": "materials only; range: 5th to 95th percentile over the ranges of the prices",
        "cost_breakdown_USD": cost.by_substance,
        "unpriced_mass_g": {name: converted(mass, "g") for name, mass in cost.unpriced.items()},
        "prices": {name: asdict(price) for name, price in cost.prices.items()},
    }


def electrode_json(electrode: Electrode) -> dict[str, Any]:
    return {
        "mass_fractions": {name: float(value) for name, value in electrode.mass_fractions.items()},
        "volume_fractions": {name: float(value) for name, value in electrode.volume_fractions.items()},
        "porosity": float(electrode.porosity),
        "density_g_per_cm3": converted(electrode.density, "g/cm3"),
        "pore_free_density_g_per_cm3": converted(electrode.pore_free_density, "g/cm3"),
        "thickness_um": converted(electrode.thickness, "um"),
        "loading_mg_per_cm2": converted(electrode.loading, "mg/cm2"),
        "areal_capacity_mAh_per_cm2": converted(electrode.areal_capacity, "mAh/cm2"),
        "equivalent_specific_capacity_mAh_per_g": converted(electrode.equivalent_specific_capacity, "mAh/g"),
    }


def transport_json(transport: Transport) -> dict[str, Any]:
    return {
        "kind": transport.kind,
        "ionic_S_per_m": transport.ionic,
        "electronic_S_per_m": transport.electronic,
        "ionic_tortuosity_factor": transport.ionic_tortuosity_factor,
        "tortuosity_convention": "volume fraction (pores included) × own conductivity ÷ effective conductivity",
        "statement": transport.statement,
        "unknown": dict(transport.unknown),
        "ignored": list(transport.ignored),
        "utilisation": _share_value(transport.utilisation),
        "contact_fraction": _share_value(transport.contact_fraction),
        "errors": {
            "ionic_relative": _finite(transport.ionic_error),
            "electronic_relative": _finite(transport.electronic_error),
            "utilisation": _share_error_json(transport.utilisation),
            "contact_fraction": _share_error_json(transport.contact_fraction),
        },
        "comparison": [
            {
                "means": other.means,
                "ionic_S_per_m": other.ionic,
                "ionic_tortuosity_factor": other.ionic_tortuosity_factor,
                "electronic_S_per_m": other.electronic,
                "ionic_relative_error": _finite(other.ionic_error),
                "electronic_relative_error": _finite(other.electronic_error),
            }
            for other in transport.alternatives
        ],
        **({} if transport.measured is None else {"fit_warnings": list(transport.measured.warnings)}),
        **({} if transport.structure is None else structure_json(transport.structure)),
    }


def _share_value(share: Share | None) -> float | None:
    return None if share is None else share.value


def _finite(value: float | None) -> float | None:
    """None for what has no finite error, such as octants without a way."""
    return value if value is None or math.isfinite(value) else None


def structure_json(structure: Structure) -> dict[str, Any]:
    """What a volume adds to the transport; errors of conductivities relative."""
    return {
        "volume": structure.volume.source,
        "volume_origin": structure.volume.origin,
        "shape": list(structure.volume.labels.shape),
        "voxel_um": [converted(length, "um") for length in structure.volume.voxel],
        "volume_fraction": dict(structure.fractions),
        "recipe_volume_fraction": dict(structure.recipe),
        "error_parts": {"ionic": _error_json(structure.ionic), "electronic": _error_json(structure.electronic)},
        "interfaces": interfaces_json(structure.interfaces),
        "particles": structure.particles,
        "percolates": {
            name: None if found is None else found.percolates
            for name, found in (("ions", structure.ionic), ("electrons", structure.electronic))
        },
        "warnings": list(structure.warnings),
    }


def _error_json(found: Conduction | None) -> dict[str, float | None] | None:
    if found is None or found.relative_error is None:
        return None
    error = found.relative_error
    return {name: _finite(part) for name, part in asdict(error).items()}


def _share_error_json(share: Share | None) -> dict[str, float | None] | None:
    return None if share is None else {"resolution": share.resolution, "sampling": share.sampling}


def evaluation_json(e: Evaluation) -> dict[str, Any]:
    """Everything of one evaluation."""
    return {
        "outcome": e.outcome,
        "name": e.design.name,
        "design_digest": e.design.digest,
        "percolyte_version": __version__,
        "energy": energy_json(e),
        "transport": transport_json(e.transport),
        **({} if e.anode_transport is None else {"anode_transport": transport_json(e.anode_transport)}),
        "rate": rate_json(e),
        **({"measured": measured_json(e)} if e.measured else {}),
        "checks": [asdict(check) for check in e.checks],
        "sources": [asdict(entry) for entry in e.ledger.entries],
    }


def energy_text(e: Evaluation) -> str:
    """The result of one design in a screenful."""
    energy, cost = e.energy, e.cost
    say = units.text
    ratio = "anode-free" if energy.np_ratio is None else f"N/P {float(energy.np_ratio):.3g}"
    lines = [
        e.design.name,
        f"  convention          {energy.convention.title}",
        f"  specific energy     {say(float(energy.specific_energy), units.SPECIFIC_ENERGY, digits=4)}",
        f"  energy density      {say(float(energy.energy_density), units.ENERGY_DENSITY, digits=4)}{_charged_text(e)}",
        f"  cell                {say(float(energy.capacity), units.CAPACITY, digits=4)}, "
        f"{float(energy.voltage):.4g} V, {say(float(energy.energy), units.ENERGY, digits=4)}, "
        f"{converted(energy.mass, 'g'):.4g} g, {converted(energy.volume, 'mL'):.4g} mL",
        f"  areal capacity      {say(float(energy.areal_capacity), units.AREAL_CAPACITY, digits=4)}, {ratio}",
        f"  cathode             {say(float(e.stack.cathode.thickness), units.THICKNESS, digits=4)}, "
        f"{say(float(e.stack.cathode.density), units.DENSITY, digits=4)}, porosity {100 * float(e.stack.cathode.porosity):.3g} %, "
        f"{100 * float(energy.cathode_mass_fraction):.3g} % of the mass",
        f"  separator           {say(float(energy.separator_resistance), units.AREA_RESISTANCE, digits=3)}",
        f"  materials cost      {_cost_text(cost)}",
        f"  driving range       {converted(e.ev_range, 'km'):.4g} km with {e.design.vehicle.cell_mass:g} kg of "
        f"{'cells' if e.design.vehicle.pack_factor == 1 else 'battery'}",
        "",
        "  mass by part        " + _shares(energy.masses),
        "  thickness by part   " + _shares(energy.thicknesses),
        "",
    ]
    lines += [f"  {check.verdict:4}  {check.name}: {check.value}; {check.limit}" for check in e.checks]
    return "\n".join(lines)


def _charged_text(e: Evaluation) -> str:
    """The energy density with the lithium plated, where that is another one."""
    if e.charged is None:
        return ""
    return f" as assembled, {units.text(float(e.charged.energy_density), units.ENERGY_DENSITY, digits=4)} charged"


def _shares(parts: Mapping[str, Any]) -> str:
    whole = sum(float(part) for part in parts.values())
    return ", ".join(f"{name} {100 * float(part) / whole:.3g} %" for name, part in parts.items() if part)


def _cost_text(cost: Cost) -> str:
    per_kwh = [units.text(cost.per_energy(usd), units.COST_PER_ENERGY, digits=3) for usd in (cost.low, cost.high)]
    span = f"{cost.low:.3g} to {cost.high:.3g} USD a cell, {per_kwh[0]} to {per_kwh[1]}"
    if not cost.prices:
        return "unknown: no substance has a price"
    if cost.value is None:
        return f"unknown: {', '.join(cost.unpriced)} without a price; the rest is {span}"
    return span + (f" (without {', '.join(cost.unpriced)})" if cost.unpriced else "")


def recipe_json(electrode: Electrode) -> dict[str, Any]:
    return {"outcome": "done", **electrode_json(electrode)}


def recipe_text(electrode: Electrode) -> str:
    rows = [("component", "weight", "volume")]
    volumes = electrode.volume_fractions
    rows += [
        (name, f"{100 * float(w):.4g} %", f"{100 * float(volumes[name]):.4g} %")
        for name, w in electrode.mass_fractions.items()
    ]
    rows.append(("pores", "", f"{100 * float(electrode.porosity):.4g} %"))
    say = units.text
    facts = [
        ("density", say(float(electrode.density), units.DENSITY, digits=4)),
        ("pore-free density", say(float(electrode.pore_free_density), units.DENSITY, digits=4)),
    ]
    layer = [
        ("thickness", say(float(electrode.thickness), units.THICKNESS, digits=4)),
        ("loading of active material", say(float(electrode.loading), units.LOADING, digits=4)),
        ("areal capacity", say(float(electrode.areal_capacity), units.AREAL_CAPACITY, digits=4)),
        (
            "equivalent specific capacity",
            say(float(electrode.equivalent_specific_capacity), units.SPECIFIC_CAPACITY, digits=4),
        ),
    ]
    if float(electrode.thickness) > 0.0:
        facts += layer
    text = aligned(rows) + "\n\n" + "\n".join(f"{name:30}{value}" for name, value in facts)
    if float(electrode.thickness) == 0.0:
        text += (
            "\n\nof the solid; for a layer add --porosity or --density, and --thickness, --loading or --areal-capacity"
        )
    if float(electrode.densification) > 1.0 + 1e-9:
        text += f"\n\nwarning: {100 * (float(electrode.densification) - 1):.3g} % denser than the components can be"
    return text


_LISTED = ("ionic_conductivity", "specific_capacity", "mean_voltage", "density", "price")


def materials_text(substances: Iterable[Substance]) -> str:
    rows: list[tuple[str, ...]] = [("name", "kind", *(name.replace("_", " ") for name in _LISTED))]
    rows += [(s.name, "/".join(s.roles), *(_default_shown(s, name) for name in _LISTED)) for s in substances]
    return aligned(rows) + f"\n{len(rows) - 1} substances" if len(rows) > 1 else "no substance meets this"


def _default_shown(substance: Substance, name: str) -> str:
    datum = substance.default(name)
    if datum is None:
        return ""
    predicted = name == "ionic_conductivity" and datum.method == "calculation"
    return datum.shown(PROPERTIES[name]) + (" (predicted)" if predicted else "")


def materials_json(substances: Iterable[Substance]) -> dict[str, Any]:
    return {"outcome": "done", "materials": [substance_json(substance) for substance in substances]}


def substance_json(substance: Substance) -> dict[str, Any]:
    """Every value with unit, conditions and source."""
    data: dict[str, Any] = {
        "name": substance.name,
        "kind": substance.kind,
        "also": list(substance.also),
        "aliases": list(substance.aliases),
        "formula": substance.formula,
        "family": substance.family,
        "note": substance.note,
        "properties": {
            name: [_datum_json(datum, dimension.unit) for datum in substance.data(name)]
            for name, dimension in PROPERTIES.items()
            if substance.data(name)
        },
        "absent": substance.absent,
    }
    for name, unit in zip(CURVES, ("V vs Li/Li+", "V/K"), strict=True):
        curves = getattr(substance, name)
        if curves:
            data[name] = [
                {
                    **curve.model_dump(mode="json", exclude_none=True, exclude={"source"}),
                    "unit": unit,
                    "source": curve.said,
                }
                for curve in curves
            ]
    return data


def _datum_json(datum: Any, unit: str) -> dict[str, Any]:
    unit = "degC" if unit == "K" else unit
    return {
        "value": converted(datum.value, unit) if unit else datum.value,
        "upper": converted(datum.upper, unit) if unit else datum.upper,
        "unit": unit,
        "qualifier": datum.qualifier,
        "default": datum.default,
        "conditions": datum.conditions,
        "doubt": datum.doubt,
        "note": datum.note,
        "source": datum.said,
    }


def substance_text(substance: Substance) -> str:
    """A substance as a page: the default of each property first, then what else is published."""
    head = f"{substance.name} ({', '.join(substance.roles)}{', ' + substance.family if substance.family else ''})"
    lines = [head]
    if substance.formula and substance.formula != substance.name:
        lines.append(f"  formula {substance.formula}")
    if substance.aliases:
        lines.append(f"  also called {', '.join(substance.aliases)}")
    if substance.note:
        lines.append(f"  {substance.note}")
    for name, dimension in PROPERTIES.items():
        data = sorted(substance.data(name), key=lambda datum: not datum.default)
        if not data:
            continue
        lines.append(f"\n{name.replace('_', ' ')}")
        for datum in data:
            mark = "*" if datum.default or len(data) == 1 else " "
            conditions = f"  ({datum.conditions})" if datum.conditions else ""
            lines.append(f" {mark} {datum.shown(dimension)}{conditions}")
            lines += [f"     {word}: {told}" for word, told in (("doubt", datum.doubt), ("note", datum.note)) if told]
            lines.append(f"     {datum.said}")
    for curve in substance.open_circuit_potential:
        shape = "table" if curve.potential else "equation"
        lines.append(f"\nopen circuit potential\n {'*' if curve.default or len(substance.open_circuit_potential) == 1 else ' '} {shape} "
                     f"for stoichiometries {curve.range[0]:g} to {curve.range[1]:g}, "
                     f"{float(curve(curve.range[0])):.3f} V to {float(curve(curve.range[1])):.3f} V\n     {curve.said}")  # fmt: skip
    lines += _entropy_lines(substance)
    for name, why in substance.absent.items():
        lines.append(f"\n{name.replace('_', ' ')}\n   absent: {why}")
    lines.append(
        '\n* the default in calculations; write another value in [materials."' + substance.name + '"] of a design'
    )
    return "\n".join(lines)


def _entropy_lines(substance: Substance) -> list[str]:
    """dU/dT as one value, or the span of a curve."""
    stated = substance.entropy_coefficient
    lines = ["\nentropy coefficient"] if stated else []
    for curve in stated:
        shown = " to ".join(dict.fromkeys(units.text(end, units.ENTROPY_COEFFICIENT, digits=3) for end in curve.span))
        if curve.value is None:
            shown += f" for stoichiometries {curve.range[0]:g} to {curve.range[1]:g}"
        lines.append(f" {'*' if curve.default or len(stated) == 1 else ' '} {shown}")
        lines += [f"     {word}: {told}" for word, told in (("doubt", curve.doubt), ("note", curve.note)) if told]
        lines.append(f"     {curve.said}")
    return lines


def compare_text(substances: list[Substance]) -> str:
    rows: list[tuple[str, ...]] = [("", *(substance.name for substance in substances))]
    for name in PROPERTIES:
        if any(substance.data(name) for substance in substances):
            rows.append((name.replace("_", " "), *(_all_shown(substance, name) for substance in substances)))
    return aligned(rows)


def _all_shown(substance: Substance, name: str) -> str:
    """The default, and in brackets how many other values are published."""
    others = len(substance.data(name)) - 1
    return _default_shown(substance, name) + (f" (+{others})" if others > 0 else "")


def compare_json(substances: list[Substance]) -> dict[str, Any]:
    return {"outcome": "done", "materials": [substance_json(substance) for substance in substances]}
