"""Results as JSON with the unit in each key, and as text for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from percolyte import __version__, units
from percolyte.electrode import Electrode
from percolyte.evaluation import Evaluation
from percolyte.materials.substance import PROPERTIES, Substance
from percolyte.pouch.cost import Cost
from percolyte.pouch.energy import PouchEnergy
from percolyte.resolution import say_choice

if TYPE_CHECKING:
    from percolyte.cell.fit import Fit
    from percolyte.cell.rate import Diagnosis, RatePoint
    from percolyte.cell.run import Simulation
    from percolyte.cell.salt import SaltSimulation
    from percolyte.cell.spectrum import Spectrum
    from percolyte.cell.thick import LoadingSweep, Optimum


def _in(value: Any, unit: str) -> float | None:
    """A number in another unit, rounded to what double arithmetic carries."""
    return None if value is None else float(f"{float(units.to(value, unit)):.12g}")


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
        "mass_breakdown_g": {name: _in(mass, "g") for name, mass in energy.masses.items()},
        "thickness_breakdown_um": {name: _in(length, "um") for name, length in energy.thicknesses.items()},
        "volume_breakdown_mL": {name: _in(volume, "mL") for name, volume in energy.volumes.items()},
        "separator_resistance_ohm_cm2": _in(energy.separator_resistance, "ohm cm2"),
        **_cost_json(cost),
        "ev_range_km": _in(e.ev_range, "km"),
        "electrode": electrode_json(e.stack.cathode),
        "warnings": [check.meaning for check in e.checks if check.verdict == "fail" and check.name.endswith("density")],
    }
    if e.charged is not None:
        data["energy_density_charged_Wh_per_L"] = _in(e.charged.energy_density, "Wh/L")
    if e.possible is not None:
        data["at_pore_free_density"] = _core_json(e.possible)
    return data


def _core_json(energy: PouchEnergy) -> dict[str, Any]:
    return {
        "areal_capacity_mAh_per_cm2": _in(energy.areal_capacity, "mAh/cm2"),
        "np_ratio": None if energy.np_ratio is None else float(f"{float(energy.np_ratio):.12g}"),
        "capacity_Ah": _in(energy.capacity, "Ah"),
        "voltage_V": _in(energy.voltage, "V"),
        "energy_Wh": _in(energy.energy, "Wh"),
        "mass_g": _in(energy.mass, "g"),
        "volume_mL": _in(energy.volume, "mL"),
        "specific_energy_Wh_per_kg": _in(energy.specific_energy, "Wh/kg"),
        "energy_density_Wh_per_L": _in(energy.energy_density, "Wh/L"),
        "cathode_mass_fraction": float(energy.cathode_mass_fraction),
    }


def _cost_json(cost: Cost) -> dict[str, Any]:
    """Materials cost; the plain keys are null where too much of the cell has no price."""

    def per_kwh(usd: float) -> float | None:
        return _in(cost.per_energy(usd), "USD/kWh")

    return {
        "cost_USD": cost.value,
        "cost_USD_per_kWh": None if cost.value is None else per_kwh(cost.value),
        "cost_range_USD": [cost.low, cost.high],
        "cost_range_USD_per_kWh": [per_kwh(cost.low), per_kwh(cost.high)],
        "cost_of_priced_part_USD": cost.priced_part,
        "cost_scope": "materials only; range: 5th to 95th percentile over the ranges of the prices",
        "cost_breakdown_USD": cost.by_substance,
        "unpriced_mass_g": {name: _in(mass, "g") for name, mass in cost.unpriced.items()},
        "prices": {name: asdict(price) for name, price in cost.prices.items()},
    }


def electrode_json(electrode: Electrode) -> dict[str, Any]:
    return {
        "mass_fractions": {name: float(value) for name, value in electrode.mass_fractions.items()},
        "volume_fractions": {name: float(value) for name, value in electrode.volume_fractions.items()},
        "porosity": float(electrode.porosity),
        "density_g_per_cm3": _in(electrode.density, "g/cm3"),
        "pore_free_density_g_per_cm3": _in(electrode.pore_free_density, "g/cm3"),
        "thickness_um": _in(electrode.thickness, "um"),
        "loading_mg_per_cm2": _in(electrode.loading, "mg/cm2"),
        "areal_capacity_mAh_per_cm2": _in(electrode.areal_capacity, "mAh/cm2"),
        "equivalent_specific_capacity_mAh_per_g": _in(electrode.equivalent_specific_capacity, "mAh/g"),
    }


def transport_json(e: Evaluation) -> dict[str, Any]:
    transport = e.transport
    return {
        "kind": transport.kind,
        "ionic_S_per_m": transport.ionic,
        "electronic_S_per_m": transport.electronic,
        "ionic_tortuosity_factor": transport.ionic_tortuosity_factor,
        "tortuosity_convention": "volume fraction (pores included) × own conductivity ÷ effective conductivity",
        "statement": transport.statement,
    }


def evaluation_json(e: Evaluation) -> dict[str, Any]:
    """Everything of one evaluation."""
    return {
        "outcome": e.outcome,
        "name": e.design.name,
        "design_digest": e.design.digest,
        "percolyte_version": __version__,
        "energy": energy_json(e),
        "transport": transport_json(e),
        "rate": rate_json(e),
        "checks": [asdict(check) for check in e.checks],
        "sources": [asdict(entry) for entry in e.ledger.entries],
    }


def rate_json(e: Evaluation) -> dict[str, Any]:
    """Rate capability, losses and what limits; `outcome` says why where there is none."""
    if e.rate is None:
        return {"outcome": "not available", "why": e.rate_missing or "not asked for"}
    diagnosis = e.rate.diagnosis
    return {
        "outcome": "done",
        "cut_off_V": e.rate.cell.cut_off,
        "one_c_mA_per_cm2": _in(e.rate.cell.one_c, "mA/cm2"),
        "rates": rate_points_json(e.rate.points),
        "diagnosis": diagnosis_json(diagnosis),
    }


def diagnosis_json(found: Diagnosis) -> dict[str, Any]:
    return {
        "outcome": "done",
        "c_rate": found.c_rate,
        "limiting": found.limiting,
        "sentence": found.sentence,
        "mean_loss_mV": {name: 1000.0 * volts for name, volts in found.losses.items()},
        "energy_sensitivity": {item.name: item.elasticity for item in found.sensitivities},
    }


def diagnosis_text(found: Diagnosis) -> str:
    losses = sorted(found.losses.items(), key=lambda item: -item[1])
    rows: list[tuple[str, ...]] = [("mean loss", "mV")]
    rows += [(name, f"{1000 * volts:.3g}") for name, volts in losses if volts > 5e-5]
    gains: list[tuple[str, ...]] = [("a tenth more of", "changes the energy by")]
    gains += [(item.name, f"{100 * item.gain:+.2f} %") for item in found.sensitivities]
    return "\n\n".join([found.sentence, _table(rows), _table(gains)])


def simulation_json(found: Simulation, *, curves: bool = True, temperature: Any = None) -> dict[str, Any]:
    """One simulation; the keys are those that other programs rely on."""
    data: dict[str, Any] = {
        "outcome": found.outcome,
        "areal_capacity_mAh_per_cm2": _in(found.areal_capacity, "mAh/cm2"),
        "specific_capacity_mAh_per_g": _in(found.specific_capacity, "mAh/g"),
        "areal_energy_mWh_per_cm2": found.areal_energy / 3.6e4,
        "utilisation": found.utilisation,
        "charged_areal_capacity_mAh_per_cm2": _in(found.charged_capacity, "mAh/cm2"),
        "charged_areal_energy_mWh_per_cm2": found.charged_energy / 3.6e4,
        "beyond_known_potential": found.beyond,
        "lithium_balance_error": found.lithium_error,
    }
    if curves:
        data |= {
            "time_s": found.time.tolist(),
            "voltage_V": found.voltage.tolist(),
            "current_mA_per_cm2": (found.current / 10.0).tolist(),
            "protocol_step": found.step.tolist(),
            "steps": [asdict(step) for step in found.protocol],
            **({} if temperature is None else {"temperature_degC": (temperature - units.ZERO_CELSIUS).tolist()}),
            "loss_mV": {name: (1000.0 * volts).tolist() for name, volts in found.losses.items()},
        }
    return data


def simulation_text(found: Simulation, temperature: Any = None) -> str:
    """One simulation in a few lines."""
    say = units.text
    lines = [
        f"outcome             {found.outcome}",
        f"time                {float(found.time[-1]) / 3600.0 if found.time.size else 0.0:.4g} h",
        f"areal capacity      {say(found.areal_capacity, units.AREAL_CAPACITY, digits=4)}, "
        f"{100 * found.utilisation:.4g} % of the reversible",
        f"specific capacity   {say(found.specific_capacity, units.SPECIFIC_CAPACITY, digits=4)} of active material",
        f"areal energy        {found.areal_energy / 3.6e4:.4g} mWh/cm2",
        *(
            [
                f"charged             {say(found.charged_capacity, units.AREAL_CAPACITY, digits=4)}, "
                f"{found.charged_energy / 3.6e4:.4g} mWh/cm2"
            ]
            if found.charged_capacity > 0
            else []
        ),
        f"voltage             starts at {float(found.voltage[0]):.4f} V, ends at {float(found.voltage[-1]):.4f} V",
    ]
    if len(found.protocol) > 1 or any(step.end == "limit passed at once" for step in found.protocol):
        steps: list[tuple[str, ...]] = [("step", "h", "ends at", "mAh/cm2", "mWh/cm2", "ended by")]
        steps += [
            (
                s.words,
                f"{s.duration / 3600:.4g}",
                f"{s.end_voltage:.3f} V",
                f"{s.charge / 3.6e4:.4g}",
                f"{s.energy / 3.6e4:.4g}",
                s.end,
            )
            for s in found.protocol
        ]
        lines += ["", _table(steps)]
    if temperature is not None and temperature.size:
        lines.append(f"temperature         at most {float(temperature.max()) - units.ZERO_CELSIUS:.1f} degC")
    if found.beyond:
        lines.append("note: particle surfaces went beyond the stoichiometries for which the potential is known")
    return "\n".join(lines)


def rate_points_json(points: Sequence[RatePoint]) -> list[dict[str, Any]]:
    return [
        {
            "c_rate": point.c_rate,
            **simulation_json(point.simulation, curves=False),
            "specific_energy_Wh_per_kg": _in(point.specific_energy, "Wh/kg"),
            "energy_density_Wh_per_L": _in(point.energy_density, "Wh/L"),
            "specific_power_W_per_kg": point.specific_power,
        }
        for point in points
    ]


def rates_text(points: Sequence[RatePoint]) -> str:
    rows: list[tuple[str, ...]] = [("rate", "mAh/cm2", "mAh/g", "mWh/cm2", "of reversible", "Wh/kg", "Wh/L", "outcome")]
    for point in points:
        run = point.simulation
        rows.append(
            (
                f"{point.c_rate:g}C",
                f"{_in(run.areal_capacity, 'mAh/cm2'):.4g}",
                f"{_in(run.specific_capacity, 'mAh/g'):.4g}",
                f"{run.areal_energy / 3.6e4:.4g}",
                f"{100 * run.utilisation:.3g} %",
                f"{_in(point.specific_energy, 'Wh/kg'):.4g}",
                f"{_in(point.energy_density, 'Wh/L'):.4g}",
                run.outcome + (" *" if run.beyond else ""),
            )
        )
    note = "\n* particle surfaces went beyond the stoichiometries for which the potential is known"
    return _table(rows) + (note if any(point.simulation.beyond for point in points) else "")


def salt_json(found: SaltSimulation) -> dict[str, Any]:
    """One discharge with the salt concentration as an unknown."""
    return {
        "outcome": found.outcome,
        "areal_capacity_mAh_per_cm2": _in(found.areal_capacity, "mAh/cm2"),
        "specific_capacity_mAh_per_g": _in(found.specific_capacity, "mAh/g"),
        "areal_energy_mWh_per_cm2": found.areal_energy / 3.6e4,
        "utilisation": found.utilisation,
        "short_of_salt": bool(found.short_of_salt),
        "salt_balance_error": found.salt_error,
        "lithium_balance_error": found.lithium_error,
        "time_s": found.time.tolist(),
        "voltage_V": found.voltage.tolist(),
        "position_um": (1e6 * found.position).tolist(),
        "concentration_mol_per_m3": found.concentration_end.tolist(),
    }


def salt_text(found: SaltSimulation) -> str:
    say = units.text
    end = found.concentration_end
    lines = [
        f"outcome             {found.outcome}",
        f"areal capacity      {say(found.areal_capacity, units.AREAL_CAPACITY, digits=4)}, "
        f"{100 * found.utilisation:.4g} % of the reversible",
        f"specific capacity   {say(found.specific_capacity, units.SPECIFIC_CAPACITY, digits=4)} of active material",
        f"areal energy        {found.areal_energy / 3.6e4:.4g} mWh/cm2",
    ]
    if end.size:
        lines.append(
            f"salt at the end     {float(end[0]):.4g} mol/m3 at the lithium, {float(end[-1]):.4g} at the collector"
        )
    if found.short_of_salt:
        lines.append("the discharge ended for lack of salt in part of the cell")
    return "\n".join(lines)


def spectrum_json(found: Spectrum) -> dict[str, Any]:
    """One spectrum per cell area; exp(+iωt), so that capacitors have a negative imaginary part."""
    return {
        "outcome": "done",
        "frequency_Hz": found.frequency.tolist(),
        "real_ohm_cm2": (1e4 * found.impedance.real).tolist(),
        "imaginary_ohm_cm2": (1e4 * found.impedance.imag).tolist(),
        "parts": {
            name: {"real_ohm_cm2": (1e4 * part.real).tolist(), "imaginary_ohm_cm2": (1e4 * part.imag).tolist()}
            for name, part in found.parts.items()
        },
    }


def spectrum_text(found: Spectrum) -> str:
    """One row a decade."""
    rows: list[tuple[str, ...]] = [("Hz", "real (ohm cm2)", "imaginary (ohm cm2)")]
    exponents = [round(math.log10(f), 6) for f in found.frequency]
    for f, z, exponent in zip(found.frequency, 1e4 * found.impedance, exponents, strict=True):
        if abs(exponent - round(exponent)) < 1e-6:
            rows.append((f"{f:.3g}", f"{z.real:.4g}", f"{z.imag:.4g}"))
    return _table(rows)


def write_spectrum(found: Spectrum, path: Path) -> None:
    """Frequency, total and parts as CSV, with the unit in each heading."""
    names = ["total", *found.parts]
    heads = ["Frequency / Hz"] + [
        f"{part} impedance of {name} / ohm cm2" for name in names for part in ("Real", "Imaginary")
    ]
    columns = [found.frequency]
    for part in (found.impedance, *found.parts.values()):
        columns += [1e4 * part.real, 1e4 * part.imag]
    _write_csv(path, heads, columns)


def _write_csv(path: Path, heads: Sequence[str], columns: Sequence[Any]) -> None:
    import csv

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(heads)
        writer.writerows([f"{value:.9g}" for value in row] for row in zip(*columns, strict=True))


def loadings_json(sweep: LoadingSweep, best: Sequence[Optimum]) -> dict[str, Any]:
    return {
        "outcome": "done",
        "loading_mg_per_cm2": [_in(amount, "mg/cm2") for amount in sweep.amounts],
        "rates": [
            {
                "c_rate": rate.value if rate.c_rate else None,
                "current_mA_per_cm2": None if rate.c_rate else rate.value / 10.0,
                "delivered_mAh_per_cm2": [_in(point.delivered, "mAh/cm2") for point in points],
                "specific_energy_Wh_per_kg": [_in(point.specific_energy, "Wh/kg") for point in points],
                "best_loading_mg_per_cm2": _in(found.amount, "mg/cm2"),
                "best_specific_energy_Wh_per_kg": _in(found.value, "Wh/kg"),
                "best_is_at_the_edge": found.at_edge,
            }
            for rate, points, found in zip(sweep.rates, sweep.by_rate, best, strict=True)
        ],
    }


def loadings_text(sweep: LoadingSweep, best: Sequence[Optimum]) -> str:
    """Wh/kg against loading, a column a rate, with the best of each."""
    names = [f"{rate.value:g}C" if rate.c_rate else f"{rate.value / 10:g} mA/cm2" for rate in sweep.rates]
    rows: list[tuple[str, ...]] = [("mg/cm2", *(f"Wh/kg at {name}" for name in names))]
    for index, amount in enumerate(sweep.amounts):
        energies = (f"{_in(points[index].specific_energy, 'Wh/kg'):.4g}" for points in sweep.by_rate)
        rows.append((f"{_in(amount, 'mg/cm2'):.3g}", *energies))
    told = []
    for name, found in zip(names, best, strict=True):
        edge = ", the end of the range" if found.at_edge else ""
        told.append(
            f"{name}: best {_in(found.value, 'Wh/kg'):.4g} Wh/kg at {_in(found.amount, 'mg/cm2'):.3g} mg/cm2{edge}"
        )
    return _table(rows) + "\n" + "\n".join(told)


def fit_json(found: Fit, notes: Sequence[str]) -> dict[str, Any]:
    return {
        "outcome": "done",
        "parameters": {
            one.name: {
                "value": units.text(one.value, one.dimension, digits=6),
                "low": units.text(one.low, one.dimension, digits=6),
                "high": units.text(one.high, one.dimension, digits=6),
            }
            for one in found.parameters
        },
        "voltage_error_mV": 1000.0 * found.voltage_error,
        "warnings": list(found.warnings),
        "notes": list(notes),
    }


def fit_text(found: Fit, notes: Sequence[str]) -> str:
    lines = [
        *(str(one) for one in found.parameters),
        f"rms difference in voltage {1000.0 * found.voltage_error:.3g} mV",
    ]
    return "\n".join([*lines, *(f"warning: {word}" for word in found.warnings), *(f"note: {word}" for word in notes)])


def write_curves(found: Simulation, path: Path, temperature: Any = None) -> None:
    """Time, voltage, current, charge and losses as CSV, with the unit in each heading."""
    heads = [
        "Test Time / s",
        "Voltage / V",
        "Current / mA cm-2",
        "Charge / mAh cm-2",
        "Protocol step",
    ]
    columns = [found.time, found.voltage, found.current / 10.0, found.charge / 3.6e4, found.step + 1]
    if temperature is not None:
        heads.append("Temperature / degC")
        columns.append(temperature - units.ZERO_CELSIUS)
    heads += [f"Loss to {name} / mV" for name in found.losses]
    columns += [1000.0 * volts for volts in found.losses.values()]
    _write_csv(path, heads, columns)


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
        f"{_in(energy.mass, 'g'):.4g} g, {_in(energy.volume, 'mL'):.4g} mL",
        f"  areal capacity      {say(float(energy.areal_capacity), units.AREAL_CAPACITY, digits=4)}, {ratio}",
        f"  cathode             {say(float(e.stack.cathode.thickness), units.THICKNESS, digits=4)}, "
        f"{say(float(e.stack.cathode.density), units.DENSITY, digits=4)}, porosity {100 * float(e.stack.cathode.porosity):.3g} %, "
        f"{100 * float(energy.cathode_mass_fraction):.3g} % of the mass",
        f"  separator           {say(float(energy.separator_resistance), units.AREA_RESISTANCE, digits=3)}",
        f"  materials cost      {_cost_text(cost)}",
        f"  driving range       {_in(e.ev_range, 'km'):.4g} km with {e.design.vehicle.cell_mass:g} kg of "
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
    text = _table(rows) + "\n\n" + "\n".join(f"{name:30}{value}" for name, value in facts)
    if float(electrode.thickness) == 0.0:
        text += (
            "\n\nof the solid; for a layer add --porosity or --density, and --thickness, --loading or --areal-capacity"
        )
    if float(electrode.densification) > 1.0 + 1e-9:
        text += f"\n\nwarning: {100 * (float(electrode.densification) - 1):.3g} % denser than the components can be"
    return text


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


_LISTED = ("ionic_conductivity", "specific_capacity", "mean_voltage", "density", "price")


def materials_text(substances: Iterable[Substance]) -> str:
    rows: list[tuple[str, ...]] = [("name", "kind", *(name.replace("_", " ") for name in _LISTED))]
    rows += [(s.name, "/".join(s.roles), *(_default_shown(s, name) for name in _LISTED)) for s in substances]
    return _table(rows) + f"\n{len(rows) - 1} substances" if len(rows) > 1 else "no substance meets this"


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
    if substance.open_circuit_potential:
        data["open_circuit_potential"] = [
            {**curve.model_dump(mode="json", exclude_none=True, exclude={"source"}), "unit": "V vs Li/Li+",
             "source": str(curve.source) if curve.source else "your own value"}
            for curve in substance.open_circuit_potential
        ]  # fmt: skip
    return data


def _datum_json(datum: Any, unit: str) -> dict[str, Any]:
    unit = "degC" if unit == "K" else unit
    return {
        "value": _in(datum.value, unit) if unit else datum.value,
        "upper": _in(datum.upper, unit) if unit else datum.upper,
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
                     f"{float(curve(curve.range[0])):.3f} V to {float(curve(curve.range[1])):.3f} V\n     {curve.source}")  # fmt: skip
    for name, why in substance.absent.items():
        lines.append(f"\n{name.replace('_', ' ')}\n   absent: {why}")
    lines.append(
        '\n* the default in calculations; write another value in [materials."' + substance.name + '"] of a design'
    )
    return "\n".join(lines)


def compare_text(substances: list[Substance]) -> str:
    rows: list[tuple[str, ...]] = [("", *(substance.name for substance in substances))]
    for name in PROPERTIES:
        if any(substance.data(name) for substance in substances):
            rows.append((name.replace("_", " "), *(_all_shown(substance, name) for substance in substances)))
    return _table(rows)


def _all_shown(substance: Substance, name: str) -> str:
    """The default, and in brackets how many other values are published."""
    others = len(substance.data(name)) - 1
    return _default_shown(substance, name) + (f" (+{others})" if others > 0 else "")


def compare_json(substances: list[Substance]) -> dict[str, Any]:
    return {"outcome": "done", "materials": [substance_json(substance) for substance in substances]}
