"""Results of the cell model as JSON with the unit in each key, and as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from percolyte import units
from percolyte.evaluation import Evaluation
from percolyte.report.layout import aligned, converted

if TYPE_CHECKING:
    from percolyte.cell.fit import Fit
    from percolyte.cell.heat import Heat
    from percolyte.cell.measured import Comparison
    from percolyte.cell.rate import Diagnosis, RatePoint
    from percolyte.cell.simulation import SaltHistory, Simulation
    from percolyte.cell.spectrum import Spectrum
    from percolyte.cell.thick import CriticalThickness, LoadingSweep, Optimum, RagonePoint, ThickPoint


def rate_json(e: Evaluation) -> dict[str, Any]:
    """Rate capability, losses and what limits; `outcome` says why where there is none."""
    if e.rate is None:
        return {"outcome": "not available", "why": e.rate_missing or "not asked for"}
    diagnosis = e.rate.diagnosis
    return {
        "outcome": "done",
        "cut_off_V": e.rate.cell.cut_off,
        "one_c_mA_per_cm2": converted(e.rate.cell.one_c, "mA/cm2"),
        "rates": rate_points_json(e.rate.points),
        "diagnosis": diagnosis_json(diagnosis),
    }


def measured_json(e: Evaluation) -> dict[str, Any]:
    """Measured discharges against the model's; errors are the model's less the measured."""
    return {
        "discharges": [
            {
                "label": str(one.discharge),
                "current_mA_per_cm2": converted(one.discharge.current, "mA/cm2"),
                "c_rate": one.c_rate,
                "end_voltage_V": float(one.discharge.voltage[-1]),
                "measured_areal_capacity_mAh_per_cm2": converted(one.discharge.charge[-1], "mAh/cm2"),
                "areal_capacity_mAh_per_cm2": converted(one.simulation.areal_capacity, "mAh/cm2"),
                "capacity_error": one.charge_error,
                "voltage_error_mV": 1000.0 * one.voltage_error,
            }
            for one in e.measured
        ],
        "notes": list(e.measured_notes),
    }


def measured_text(found: Sequence[Comparison]) -> str:
    """One row a measured discharge."""
    rows: list[tuple[str, ...]] = [("measured", "rate", "mAh/cm2", "model", "capacity", "voltage (rms)")]
    for one in found:
        rows.append(
            (
                str(one.discharge),
                f"{one.c_rate:.3g}C",
                f"{converted(one.discharge.charge[-1], 'mAh/cm2'):.4g}",
                f"{converted(one.simulation.areal_capacity, 'mAh/cm2'):.4g}",
                f"{100 * one.charge_error:+.1f} %",
                f"{1000 * one.voltage_error:.3g} mV",
            )
        )
    return aligned(rows)


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
    return "\n\n".join([found.sentence, aligned(rows), aligned(gains)])


def simulation_json(found: Simulation, heat: Heat, *, curves: bool = True, temperature: Any = None) -> dict[str, Any]:
    """One simulation; the keys are those that other programs rely on."""
    data: dict[str, Any] = {
        "outcome": found.outcome,
        "model": found.model,
        "areal_capacity_mAh_per_cm2": converted(found.areal_capacity, "mAh/cm2"),
        "specific_capacity_mAh_per_g": converted(found.specific_capacity, "mAh/g"),
        "areal_energy_mWh_per_cm2": found.areal_energy / 3.6e4,
        "utilisation": found.utilisation,
        "charged_areal_capacity_mAh_per_cm2": converted(found.charged_capacity, "mAh/cm2"),
        "charged_areal_energy_mWh_per_cm2": found.charged_energy / 3.6e4,
        "beyond_known_potential": found.beyond,
        "lithium_balance_error": found.lithium_error,
        "heat_J_per_m2": {
            "irreversible": heat.irreversible_total,
            "reversible": heat.reversible_total,
            "mixing": heat.mixing,
            "total": heat.total,
        },
        **({} if found.salt is None else {"salt": salt_json(found.salt)}),
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
            "irreversible_heat_W_per_m2": heat.irreversible.tolist(),
            "reversible_heat_W_per_m2": heat.reversible.tolist(),
        }
    return data


def simulation_text(found: Simulation, heat: Heat, temperature: Any = None) -> str:
    """One simulation in a few lines."""
    say = units.text
    lines = [
        f"outcome             {found.outcome}",
        f"model               {found.model}",
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
        f"heat                {heat.total / 3.6e4:.4g} mWh/cm2: irreversible {heat.irreversible_total / 3.6e4:.4g}, "
        f"reversible {heat.reversible_total / 3.6e4:.4g}, of mixing {heat.mixing / 3.6e4:.4g}",
    ]
    if found.salt is not None:
        lines += _salt_lines(found.salt)
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
        lines += ["", aligned(steps)]
    if temperature is not None and temperature.size:
        lines.append(f"temperature         at most {float(temperature.max()) - units.ZERO_CELSIUS:.1f} degC")
    if found.beyond:
        lines.append("note: particle surfaces went beyond the stoichiometries for which the potential is known")
    return "\n".join(lines)


def rate_points_json(points: Sequence[RatePoint]) -> list[dict[str, Any]]:
    return [
        {
            "c_rate": point.c_rate,
            **simulation_json(point.simulation, point.heat, curves=False),
            "specific_energy_Wh_per_kg": converted(point.specific_energy, "Wh/kg"),
            "energy_density_Wh_per_L": converted(point.energy_density, "Wh/L"),
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
                f"{converted(run.areal_capacity, 'mAh/cm2'):.4g}",
                f"{converted(run.specific_capacity, 'mAh/g'):.4g}",
                f"{run.areal_energy / 3.6e4:.4g}",
                f"{100 * run.utilisation:.3g} %",
                f"{converted(point.specific_energy, 'Wh/kg'):.4g}",
                f"{converted(point.energy_density, 'Wh/L'):.4g}",
                run.outcome + (" *" if run.beyond else ""),
            )
        )
    note = "\n* particle surfaces went beyond the stoichiometries for which the potential is known"
    return aligned(rows) + (note if any(point.simulation.beyond for point in points) else "")


def salt_json(found: SaltHistory) -> dict[str, Any]:
    """Where the salt is at the end."""
    return {
        "rest_concentration_mol_per_m3": found.rest,
        "position_um": (1e6 * found.position).tolist(),
        "concentration_mol_per_m3": found.concentration_end.tolist(),
        "least_concentration_mol_per_m3": float(found.least_concentration.min(initial=found.rest)),
        "short_of_salt": found.short,
        "beyond_known_concentrations": found.beyond,
        "balance_error": found.error,
    }


def _salt_lines(found: SaltHistory) -> list[str]:
    end = found.concentration_end
    lines = [f"salt at the end     {end[0]:.4g} mol/m3 at the lithium, {end[-1]:.4g} at the collector"]
    if found.short:
        lines.append("note: part of the cell ran short of salt, below a hundredth of that at rest")
    if found.beyond:
        lines.append("note: the salt went beyond the concentrations for which its properties are known")
    return lines


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
    return aligned(rows)


def loadings_json(sweep: LoadingSweep, best: Sequence[Optimum]) -> dict[str, Any]:
    return {
        "outcome": "done",
        "loading_mg_per_cm2": [converted(amount, "mg/cm2") for amount in sweep.amounts],
        "rates": [
            {
                "c_rate": rate.value if rate.c_rate else None,
                "current_mA_per_cm2": None if rate.c_rate else rate.value / 10.0,
                "delivered_mAh_per_cm2": [converted(point.delivered, "mAh/cm2") for point in points],
                "specific_energy_Wh_per_kg": [converted(point.specific_energy, "Wh/kg") for point in points],
                "best_loading_mg_per_cm2": converted(found.amount, "mg/cm2"),
                "best_specific_energy_Wh_per_kg": converted(found.value, "Wh/kg"),
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
        energies = (f"{converted(points[index].specific_energy, 'Wh/kg'):.4g}" for points in sweep.by_rate)
        rows.append((f"{converted(amount, 'mg/cm2'):.3g}", *energies))
    told = []
    for name, found in zip(names, best, strict=True):
        edge = ", the end of the range" if found.at_edge else ""
        told.append(
            f"{name}: best {converted(found.value, 'Wh/kg'):.4g} Wh/kg at {converted(found.amount, 'mg/cm2'):.3g} mg/cm2{edge}"
        )
    return aligned(rows) + "\n" + "\n".join(told)


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


def critical_json(found: CriticalThickness, at: ThickPoint, share: float) -> dict[str, Any]:
    return {
        "outcome": "done",
        "c_rate": at.c_rate,
        "current_mA_per_cm2": at.current / 10.0,
        "delivered_share": share,
        "critical_thickness_um": converted(found.thickness, "um"),
        "loading_mg_per_cm2": converted(at.loading, "mg/cm2"),
        "areal_capacity_mAh_per_cm2": converted(found.areal_capacity, "mAh/cm2"),
        "specific_energy_Wh_per_kg": converted(at.specific_energy, "Wh/kg"),
        "energy_density_Wh_per_L": converted(at.energy_density, "Wh/L"),
    }


def critical_text(found: CriticalThickness, at: ThickPoint, share: float, own: float) -> str:
    """The critical thickness, the cell with it, and the design's own beside."""
    say = units.text
    return "\n".join(
        [
            f"critical thickness  {say(found.thickness, units.THICKNESS, digits=3)} of the cathode at {at.c_rate:.3g}C "
            f"({at.current / 10.0:.3g} mA/cm2): thicker ones deliver less than {100 * share:.3g} %",
            f"loading             {say(at.loading, units.LOADING, digits=3)}, "
            f"{say(found.areal_capacity, units.AREAL_CAPACITY, digits=3)}",
            f"energy at that rate {say(at.specific_energy, units.SPECIFIC_ENERGY, digits=4)}, "
            f"{say(at.energy_density, units.ENERGY_DENSITY, digits=4)}",
            f"this design         {say(own, units.THICKNESS, digits=3)}",
        ]
    )


def ragone_json(points: Sequence[RagonePoint]) -> dict[str, Any]:
    return {
        "outcome": "done",
        "points": [
            {
                "outcome": point.outcome,
                "specific_power_W_per_kg": point.specific_power,
                "power_mW_per_cm2": point.power / 10.0,
                "specific_energy_Wh_per_kg": converted(point.specific_energy, "Wh/kg"),
                "areal_energy_mWh_per_cm2": point.areal_energy / 3.6e4,
            }
            for point in points
        ],
    }


def ragone_text(points: Sequence[RagonePoint]) -> str:
    rows: list[tuple[str, ...]] = [("W/kg", "mW/cm2", "Wh/kg", "mWh/cm2", "h", "outcome")]
    for point in points:
        rows.append(
            (
                f"{point.specific_power:.4g}",
                f"{point.power / 10.0:.4g}",
                f"{converted(point.specific_energy, 'Wh/kg'):.4g}",
                f"{point.areal_energy / 3.6e4:.4g}",
                f"{point.areal_energy / point.power / 3600.0:.3g}",
                point.outcome,
            )
        )
    return aligned(rows)
