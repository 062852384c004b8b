"""Conductivities and resistances of interfaces of a batch over the condition that varies, the others held: series, and the law of each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from percolyte.errors import InputError
from percolyte.impedance.batch import Entry, Number
from percolyte.impedance.cells import MeasuredCell
from percolyte.impedance.conditions import SERIES
from percolyte.impedance.conductivity import QUANTILE
from percolyte.impedance.estimates import Estimate
from percolyte.impedance.series import Law, Trend, fit_series
from percolyte.impedance.thermal import ThermalLaw, fit_thermal
from percolyte.units import FRACTION, PRESSURE, TEMPERATURE, ZERO_CELSIUS, Dimension, text

DIMENSIONS: dict[str, Dimension] = {
    "temperature": TEMPERATURE,
    "pressure": PRESSURE,
    "state_of_charge": FRACTION,
    "composition": FRACTION,
}
LAWS: dict[str, tuple[Law, ...]] = {
    "temperature": ("arrhenius", "vogel"),
    "pressure": ("power",),
    "state_of_charge": ("exponential",),
    "composition": ("exponential",),
}
"""What is fitted to conductivities over each condition."""
ACTIVATED: tuple[Law, ...] = ("activated",)
"""What is fitted to resistances of interfaces over temperature."""
THERMAL: tuple[ThermalLaw, ...] = ("arrhenius", "vogel")
ALIKE = 1.0
"""K; temperatures that a controller holds this near to each other are one."""
FEWEST = 3
"""Places that make a series."""


@dataclass(frozen=True)
class Series:
    """Spectra that differ in one condition, in its order."""

    over: str
    held: str
    """What they have in common, in words; empty where nothing is said."""
    entries: tuple[Entry, ...]

    @property
    def places(self) -> tuple[float, ...]:
        """The condition of each spectrum, SI."""
        return tuple(getattr(one.condition, self.over) for one in self.entries)

    @property
    def title(self) -> str:
        return f"over {self.over.replace('_', ' ')}" + (f", {self.held}" if self.held else "")


@dataclass(frozen=True)
class Course:
    """One conductivity, or resistance of an interface, along a series."""

    series: Series
    quantity: str
    points: tuple[tuple[float, Entry, Number], ...]
    """Place, spectrum, value in SI; spectra without a value are left out."""
    laws: tuple[Trend, ...]
    """Through the values, each weighed by its error."""
    joint: tuple[Trend, ...]
    """Fitted to all spectra at once, where these follow the law within their noise."""
    problems: tuple[str, ...]
    """Why a law could not be fitted."""


def series_in(entries: Sequence[Entry]) -> tuple[Series, ...]:
    """Every group of spectra in which one condition takes three values or more while sample and other conditions are the same.

    Temperatures within the same kelvin count as one. A series over composition runs through samples, of which each has
    one composition.
    """
    found = []
    for over in SERIES:
        groups: dict[tuple[object, ...], list[Entry]] = {}
        for one in entries:
            if getattr(one.condition, over) is not None:
                groups.setdefault(_held(one, over), []).append(one)
        for group in groups.values():
            if len({_place(one, over) for one in group}) >= FEWEST:
                ordered = sorted(group, key=lambda one: getattr(one.condition, over))
                found.append(Series(over, _words(group[0], over), tuple(ordered)))
    return tuple(found)


def _place(one: Entry, name: str) -> float | None:
    value: float | None = getattr(one.condition, name)
    return round((value - ZERO_CELSIUS) / ALIKE) if name == "temperature" and value is not None else value


def _held(one: Entry, over: str) -> tuple[object, ...]:
    sample = None if over == "composition" else one.condition.sample
    return (sample, *(_place(one, name) for name in SERIES if name != over))


def _words(one: Entry, over: str) -> str:
    said = [] if one.condition.sample is None or over == "composition" else [one.condition.sample]
    for name in SERIES:
        value = getattr(one.condition, name)
        if name != over and value is not None:
            shown = text(value, DIMENSIONS[name], digits=4)
            said.append(shown if name in ("temperature", "pressure") else f"{name.replace('_', ' ')} {shown}")
    return ", ".join(said)


def courses(series: Series, cell: MeasuredCell) -> Iterator[Course]:
    """Each conductivity and resistance of an interface along a series, with the laws that the condition has.

    Laws go through the values of the spectra, each weighed by its error, the intervals widened to the scatter about the law.
    Those over temperature are fitted to all spectra at once too. Where the spectra miss the law by more than twice their noise that is
    left out: such a fit takes the farthest spectra for noisy ones, and discounts them.
    """
    together, apart = _together(series, cell) if series.over == "temperature" else ({}, ())
    for name in dict.fromkeys(name for one in series.entries for name in one.fitted.quantities):
        points = tuple(
            (place, one, number)
            for place, one in zip(series.places, series.entries, strict=True)
            if (number := one.fitted.quantities.get(name)) is not None and number.value is not None
        )
        laws, problems = [], []
        resistance = name not in series.entries[0].fitted.conductivities
        for law in ACTIVATED if resistance and series.over == "temperature" else LAWS[series.over]:
            try:
                laws.append(
                    fit_series([at for at, _, _ in points], [_estimate(name, one) for _, _, one in points], law)
                )
            except InputError as error:
                problems.append("; ".join(str(problem) for problem in error.problems))
        joint = together.get(name, ())
        if points or joint:
            yield Course(series, name, points, tuple(laws), joint, (*problems, *(() if resistance else apart)))


def _together(series: Series, cell: MeasuredCell) -> tuple[dict[str, tuple[Trend, ...]], tuple[str, ...]]:
    """The laws of each conductivity from all spectra at once, and why there are none."""
    cells = [one.condition.of_cell(cell) for one in series.entries]
    found: dict[str, tuple[Trend, ...]] = {}
    apart: list[str] = []
    for law in THERMAL:
        try:
            trends = fit_thermal([one.fitted.spectrum for one in series.entries], cells, series.places, law)
        except InputError as error:
            apart += [str(problem) for problem in error.problems]
            continue
        missed = {warning for one in trends.values() for warning in one.warnings}
        apart += sorted(missed)
        if not missed:
            found = {name: (*found.get(name, ()), one) for name, one in trends.items()}
    return found, tuple(dict.fromkeys(apart))


def _estimate(name: str, number: Number) -> Estimate:
    low, high = number.low or 0.0, math.inf if number.high is None else number.high
    error = math.log(high / low) / (2.0 * QUANTILE) if low and math.isfinite(high) else math.inf
    return Estimate(name, number.unit, number.value, low, high, error)
