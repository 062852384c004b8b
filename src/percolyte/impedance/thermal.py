"""One conductivity law over temperature fitted to all spectra of a series at once.

Each spectrum keeps its own interface, contacts and blocking; the resistance behind every conductivity follows the law

    arrhenius   σ(T) = σ₁ (T₁/T) exp(-E/R (1/T - 1/T₁))
    vogel       σ(T) = σ₁ √(T₁/T) exp(-B/R (1/(T - T₀) - 1/(T₁ - T₀)))

with σ₁ at a temperature T₁ amid the series. Spectra that do not fix the resistance by themselves still count with what they say.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from percolyte.errors import InputError
from percolyte.impedance.cells import Conversion, MeasuredCell, conversions, impedance_model
from percolyte.impedance.estimates import Estimate, Fit
from percolyte.impedance.fit import Measured, fit_all, fit_jointly
from percolyte.impedance.measurement import Complexes, Floats, MeasuredSpectrum
from percolyte.impedance.model import ImpedanceModel, Parameter
from percolyte.impedance.series import LARGEST, Trend, fit_series
from percolyte.units import GAS_CONSTANT

ThermalLaw: TypeAlias = Literal["arrhenius", "vogel"]
MOST = 120
"""Spectra of one joint fit: 100 take some ten seconds, and from there the time grows with the third power of their number."""
FAR = 5.0
"""Standard deviations beyond which a residual counts no more for the scatter."""
ENERGY = {"arrhenius": "activation_energy", "vogel": "vtf_energy"}
IDEAL = "vtf_temperature"
_POWER = {"arrhenius": 1.0, "vogel": 0.5}


@dataclass(frozen=True)
class AtTemperature:
    """A model in which resistances follow from laws over temperature."""

    model: ImpedanceModel
    laws: tuple[Conversion, ...]
    """Of one resistance each."""
    law: ThermalLaw
    temperature: float
    """K"""
    amid: float
    """T₁, K."""
    lowest: float
    """Of the series, which T₀ stays below, K."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        replaced = {one.resistances[0] for one in self.laws}
        kept = [one for one in self.model.parameters if one.name not in replaced]
        return (*(parameter for one in self.laws for parameter in self._of_law(one.name)), *kept)

    def _of_law(self, name: str) -> list[Parameter]:
        found = [Parameter(name, "S/m"), Parameter(f"{name} {ENERGY[self.law]}", "J/mol")]
        ideal = Parameter(f"{name} {IDEAL}", "K", 0.0, 0.999 * self.lowest)
        return [*found, ideal] if self.law == "vogel" else found

    def evaluate(self, values: Floats, omega: Floats) -> tuple[Complexes, Complexes]:
        """Impedance and derivatives by the chain rule, dZ/dp = dZ/dR dR/dp."""
        number = 3 if self.law == "vogel" else 2
        inner = {one.name: k for k, one in enumerate(self.model.parameters)}
        replaced = [inner[one.resistances[0]] for one in self.laws]
        kept = [k for k in range(len(inner)) if k not in replaced]
        resistances = np.empty((*values.shape[:-1], len(inner)))
        resistances[..., kept] = values[..., number * len(self.laws) :]
        slopes = []
        for k, one in enumerate(self.laws):
            own = values[..., number * k : number * (k + 1)]
            resistances[..., replaced[k]], slope = self._resistance(one, own)
            slopes.append(slope)
        z, inner_slopes = self.model.evaluate(resistances, omega)
        found = [
            inner_slopes[..., place, None] * slope[..., None, :] for place, slope in zip(replaced, slopes, strict=True)
        ]
        return z, np.concatenate([*found, inner_slopes[..., kept]], axis=-1)

    def _resistance(self, one: Conversion, own: Floats) -> tuple[Floats, Floats]:
        """R = (L/A)/σ(T) and its derivatives by σ₁, energy and T₀."""
        sigma, energy = own[..., 0], own[..., 1]
        ideal = own[..., 2] if self.law == "vogel" else np.zeros_like(sigma)
        here, there = 1.0 / (self.temperature - ideal), 1.0 / (self.amid - ideal)
        rise = (here - there) / GAS_CONSTANT
        power = (self.temperature / self.amid) ** _POWER[self.law]
        r = one.length_per_area / sigma * power * np.exp(np.clip(energy * rise, -300.0, 300.0))
        slopes = [-r / sigma, r * rise, r * energy * (here**2 - there**2) / GAS_CONSTANT]
        return r, np.stack(slopes[: own.shape[-1]], axis=-1)


def fit_thermal(
    spectra: Sequence[MeasuredSpectrum], cells: Sequence[MeasuredCell], temperatures: Sequence[float], law: ThermalLaw
) -> dict[str, Trend]:
    """The law of each conductivity from all spectra together, by the name of the conductivity.

    `cells` are alike but for area and thickness; temperatures are in K. Where the spectra fit the law worse than each fits by itself, by
    more than their noise, the intervals are widened by that factor: samples and temperatures scatter. Limit: where every spectrum
    fixes its resistance, this is `fit_series` through their values. Conductivities of several resistances in a row are left out.

    Errors: InputError for fewer than three temperatures, four of Vogel's law, and for more than 120 spectra.
    """
    kelvins = np.asarray(temperatures, float)
    least = 4 if law == "vogel" else 3
    if np.unique(kelvins).size < least or not len(spectra) == len(cells) == kelvins.size:
        raise InputError(
            f"a joint fit of the {law} law needs spectra at {least} temperatures, each with its cell and temperature"
        )
    if kelvins.size > MOST:
        raise InputError(
            f"a joint fit takes up to {MOST} spectra, and these are {kelvins.size}; fit every second one, or parts of the range"
        )
    model = impedance_model(cells[0])
    single = fit_all(spectra, model, profile="never")
    amid = 1.0 / float(np.mean(1.0 / kelvins))
    measured = []
    for number, (spectrum, cell) in enumerate(zip(spectra, cells, strict=True)):
        laws = tuple(one for one in conversions(cell) if len(one.resistances) == 1)
        own_model = AtTemperature(model, laws, law, float(kelvins[number]), amid, float(kelvins.min()))
        own = tuple(one.name for one in own_model.parameters if one.name in single[number].values)
        measured.append(Measured(spectrum, own_model, own, label=str(number)))
    start = _start(measured, single, law, kelvins, amid)
    joint = fit_jointly(measured, start=start, profile="never", elsewhere=False)
    scatter = _scatter(joint, single)
    found = {}
    for place, one in enumerate(_laws_of(measured[0])):
        trend = _trend(joint, one.name, law, amid, scatter, kelvins)
        sigma = [_laws_of(item)[place].of(fit.values) for item, fit in zip(measured, single, strict=True)]
        away = np.log(sigma) - np.log([trend.at(kelvin) for kelvin in kelvins])
        found[one.name] = replace(trend, scatter=float(np.sqrt(np.mean(away**2))))
    return found


def _laws_of(item: Measured) -> tuple[Conversion, ...]:
    assert isinstance(item.model, AtTemperature)
    return item.model.laws


def _start(
    measured: Sequence[Measured], single: Sequence[Fit], law: ThermalLaw, kelvins: Floats, amid: float
) -> dict[str, float]:
    """The single fits, and the law through their optima whether these are known or not."""
    start = {
        f"{name} ({number})": fit.values[name]
        for number, (item, fit) in enumerate(zip(measured, single, strict=True))
        for name in item.own
    }
    for place, one in enumerate(_laws_of(measured[0])):
        sigma = [_laws_of(item)[place].of(fit.values) for item, fit in zip(measured, single, strict=True)]
        trend = fit_series(kelvins, np.array(sigma), law)
        start[one.name] = trend.at(amid)
        start[f"{one.name} {ENERGY[law]}"] = max(trend.slope.value or 0.0, 1e3)
        if law == "vogel":
            start[f"{one.name} {IDEAL}"] = trend.best_ideal
    return start


def _scatter(joint: Fit, single: Sequence[Fit]) -> float:
    """Misfit of the law over the noise: the rise of the squares from single fits to the joint one, per degree of freedom."""
    rise = 0.0
    for place, fit in enumerate(single):
        measured = fit.measurements[0]
        assert isinstance(measured, MeasuredSpectrum)
        size, noise = np.abs(measured.impedance), max(fit.noise[0], 1e-12)
        apart, together = (
            np.clip(np.stack([r.real, r.imag])[:, measured.used] / size[measured.used] / noise, -FAR, FAR)
            for r in (fit.residuals[0], joint.residuals[place])
        )
        rise += float((together**2).sum() - (apart**2).sum())
    degrees = max(len(single) * len(single[0].parameters) - len(joint.parameters), 1)
    return math.sqrt(max(rise, 0.0) / degrees)


def _trend(joint: Fit, name: str, law: ThermalLaw, amid: float, scatter: float, kelvins: Floats) -> Trend:
    """The law of one conductivity, its intervals widened to the scatter."""
    from scipy.special import stdtrit

    names = [one.name for one in joint.parameters]
    places = [names.index(one) for one in (name, f"{name} {ENERGY[law]}", f"{name} {IDEAL}") if one in names]
    sigma, energy, *rest = (joint.optimum[place] for place in places)
    ideal = float(rest[0]) if rest else 0.0
    degrees = max(kelvins.size - len(places), 1)
    reach = float(stdtrit(degrees, 0.975)) * max(1.0, scatter)
    covariance = joint.covariance[np.ix_(places, places)]
    # ln A = ln σ₁ + p ln T₁ + E/R(T₁ - T₀); the errors of σ₁ and E are those of their logarithms
    slope = energy / (GAS_CONSTANT * (amid - ideal))
    level = math.log(sigma) + _POWER[law] * math.log(amid) + slope
    gradient = np.array([1.0, slope, slope / (amid - ideal)][: len(places)])
    level_error = math.sqrt(float(gradient @ covariance @ gradient))
    errors = np.sqrt(np.diag(covariance))
    said = []
    if scatter > 2.0:
        said.append(f"all spectra at once miss the {law} law by {scatter:.3g} times their noise")
    if joint.outcome != "done" or not np.isfinite([*errors, level_error]).all():
        said.append(f"all spectra at once do not fix the {law} law")
    t0 = None
    if rest:
        low, high = max(ideal - reach * errors[2], 0.0), min(ideal + reach * errors[2], float(kelvins.min()))
        why = "an Arrhenius law fits as well" if low == 0.0 else ""
        t0 = Estimate(IDEAL, "K", None if why else ideal, low, high, float(errors[2]), why)
    width = math.exp(min(reach * errors[1], LARGEST))
    ends = level + level_error * reach * np.array([0.0, -1.0, 1.0])
    a, low_a, high_a = np.exp(np.clip(ends, -LARGEST, LARGEST)).tolist()
    return Trend(
        law,
        Estimate("prefactor", "", a, low_a, high_a, level_error),
        Estimate(ENERGY[law], "J/mol", float(energy), float(energy / width), float(energy * width), float(energy * errors[1])),
        t0, 0.0, kelvins.size, tuple(said), ideal,
    )  # fmt: skip
