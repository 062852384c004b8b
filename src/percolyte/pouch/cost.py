"""Cost of the materials in a cell, with the range that uncertain prices leave.

Prices are dated and sourced. The range of each spans the published values and
at least a factor of two, because that is how battery prices move within a few
years. Processing, formation and overhead are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from percolyte.materials.substance import Substance
from percolyte.pouch.energy import PouchEnergy
from percolyte.pouch.stack import Stack
from percolyte.sources import Ledger
from percolyte.units import PRICE, text

SPREAD = 2.0**0.5
"""Least ratio of the upper end to the value, and of the value to the lower end."""
NEGLIGIBLE = 0.02
"""Share of the cell's mass that may lack a price before a cost is refused."""
SAMPLES = 20_000


@dataclass(frozen=True)
class Price:
    """USD per kg with the ends of its range."""

    value: float
    low: float
    high: float
    source: str
    doubt: str | None
    dated: str | None


@dataclass(frozen=True)
class Cost:
    """Materials cost of one cell in USD; per energy in USD/J."""

    value: float | None
    """None where substances without a price make more than 2 % of the mass."""
    low: float
    high: float
    """5th and 95th percentile over the ranges of the prices."""
    energy: float
    by_substance: dict[str, float]
    prices: dict[str, Price]
    unpriced: dict[str, float] = field(default_factory=dict)
    """Mass in kg of each substance without a price."""

    @property
    def priced_part(self) -> float:
        return sum(self.by_substance.values())

    def per_energy(self, cost: float) -> float:
        return cost / self.energy

    @property
    def tornado(self) -> list[tuple[str, float, float]]:
        """Substance, cost of the cell at its low and at its high price; widest first."""
        swings = []
        for name, price in self.prices.items():
            share = self.by_substance[name] / price.value if price.value else 0.0
            low, high = (self.priced_part + share * (end - price.value) for end in (price.low, price.high))
            swings.append((name, low, high))
        return sorted(swings, key=lambda swing: swing[1] - swing[2])


def masses_by_substance(stack: Stack, energy: PouchEnergy) -> dict[str, float]:
    """Mass in kg of each substance in the cell; package and other mass by those names."""
    masses: dict[str, float] = {}
    for layer in stack.layers:
        for name, fraction in layer.composition.items():
            masses[name] = masses.get(name, 0.0) + float(layer.mass * fraction)
    for name in ("package", "other"):
        if name in energy.masses:
            masses[name] = float(energy.masses[name])
    return {name: mass for name, mass in masses.items() if mass > 0.0}


def price_of(substance: Substance) -> Price | None:
    """The dated price of a substance, USD/kg; an areal price is divided by the areal mass."""
    per_kg = 1.0
    data = substance.data("price")
    datum = substance.default("price")
    if datum is None and (area := substance.default("price_per_area")) is not None:
        thickness, density = substance.default("thickness"), substance.default("density")
        if thickness is None or density is None:
            return None
        per_kg, data, datum = 1.0 / (thickness.number * density.number), substance.data("price_per_area"), area
    if datum is None:
        return None
    value = datum.number * per_kg
    trusted = [other for other in data if other.doubt is None or other is datum]
    ends = [end * per_kg for other in trusted for end in (other.value, other.upper) if end is not None]
    return Price(
        value,
        min(*ends, value / SPREAD),
        max(*ends, value * SPREAD),
        datum.said,
        datum.doubt,
        datum.date,
    )


def materials_cost(
    stack: Stack, energy: PouchEnergy, substances: Mapping[str, Substance], package: Substance | None, ledger: Ledger
) -> Cost:
    """Σ m_i p_i over every substance of the cell, with a Monte-Carlo range.

    The logarithm of each price is drawn from the triangle over its range with
    the peak at the value, independently of the others, 20,000 times with a
    fixed seed. "Other" mass (tabs, tape) is counted without cost.
    """
    masses = masses_by_substance(stack, energy)
    known = {**substances, **({"package": package} if package else {})}
    prices = {name: price for name in masses if name in known and (price := price_of(known[name])) is not None}
    unpriced = {name: mass for name, mass in masses.items() if name not in prices and name != "other"}
    for name, price in prices.items():
        note = f"range {text(price.low, PRICE, digits=3)} to {text(price.high, PRICE, digits=3)}"
        note += f"; doubtful: {price.doubt}" if price.doubt else ""
        ledger.add(
            f"{name}.price",
            text(price.value, PRICE, digits=4),
            "library",
            f"{known[name].name}: {price.source}",
            f"{price.dated or 'undated'}; {note}",
        )
    by_substance = {name: masses[name] * price.value for name, price in prices.items()}
    low, high = _percentiles({name: masses[name] for name in prices}, prices)
    low, high = min(low, sum(by_substance.values())), max(high, sum(by_substance.values()))
    complete = sum(unpriced.values()) <= NEGLIGIBLE * float(energy.mass)
    value = sum(by_substance.values()) if complete else None
    return Cost(value, low, high, float(energy.energy), by_substance, prices, unpriced)


def _percentiles(masses: Mapping[str, float], prices: Mapping[str, Price]) -> tuple[float, float]:
    import numpy as np

    draw = np.random.default_rng(20221)
    total = np.zeros(SAMPLES)
    for name, mass in masses.items():
        price = prices[name]
        total += mass * (
            np.exp(draw.triangular(np.log(price.low), np.log(price.value), np.log(price.high), SAMPLES))
            if price.high > price.low
            else price.value
        )
    low, high = np.percentile(total, [5.0, 95.0])
    return float(low), float(high)
