"""Conductivity against temperature: Arrhenius for crystals and glasses, VTF for polymers."""

from __future__ import annotations

import math

from percolyte.materials.substance import Substance
from percolyte.units import ACTIVATION_ENERGY, GAS_CONSTANT, TEMPERATURE, text


def arrhenius(conductivity: float, reference: float, energy: float, temperature: float) -> float:
    """σ(T) = σ0 (T0/T) exp(-E/R (1/T - 1/T0)), from σT = A exp(-E/RT).

    Holds for one activated hop without phase change. T0 = `reference` and T in
    K, E in J/mol. Limit: T = T0 gives σ0.
    """
    return conductivity * reference / temperature * math.exp(-energy / GAS_CONSTANT * (1 / temperature - 1 / reference))


def vogel_fulcher(conductivity: float, reference: float, energy: float, ideal: float, temperature: float) -> float:
    """σ(T) = σ0 sqrt(T0/T) exp(-B/R (1/(T - Tg0) - 1/(T0 - Tg0))), from σ = A T^-1/2 exp(-B/R(T - Tg0)).

    Holds for amorphous polymers above the ideal glass temperature Tg0 =
    `ideal`; B in J/mol. Limits: T = T0 gives σ0; Tg0 = 0 is an Arrhenius law
    with the prefactor T^-1/2.
    """
    if temperature <= ideal:
        return 0.0
    exponent = -energy / GAS_CONSTANT * (1 / (temperature - ideal) - 1 / (reference - ideal))
    return conductivity * math.sqrt(reference / temperature) * math.exp(exponent)


def conductivity_at(substance: Substance, temperature: float) -> tuple[float, str]:
    """Ionic conductivity in S/m at a temperature in K, and how it was carried over.

    The default value is taken to its own temperature (25 degC where the source
    gives none) and moved from there by the default activation energy or VTF
    parameters; without either it is returned unchanged, and the text says so.
    The text is empty where nothing had to be done.
    """
    datum = substance.need("ionic_conductivity")
    reference = datum.temperature or 298.15
    if abs(temperature - reference) < 0.5:
        return datum.number, ""
    vtf, ideal = substance.default("vtf_energy"), substance.default("vtf_temperature")
    if vtf is not None and ideal is not None:
        value = vogel_fulcher(datum.number, reference, vtf.number, ideal.number, temperature)
        return value, f"VTF law with B = {text(vtf.number, ACTIVATION_ENERGY, digits=3)} ({vtf.said})"
    energy = substance.default("activation_energy")
    if energy is None:
        at = text(reference, TEMPERATURE, digits=4)
        return datum.number, f"the value at {at} unchanged: no activation energy of {substance.name} is known"
    value = arrhenius(datum.number, reference, energy.number, temperature)
    return value, f"Arrhenius law with {text(energy.number, ACTIVATION_ENERGY, digits=3)} ({energy.said})"
