"""Cost of the materials: hand calculation, range, and what a missing price does."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from percolyte.design import read_design
from percolyte.evaluation import evaluate
from percolyte.examples import shipped_designs
from percolyte.materials.substance import Substance
from percolyte.nouns import read_noun
from percolyte.pouch.cost import SPREAD, Cost, price_of
from percolyte.report.html import render_report
from tests.build import evaluated

UNIT_CELL: dict[str, Any] = {"pouch": {"convention": "unit-cell"}}
"""A unit cell of 1 cm2 has neither package nor other mass."""


def priced(**usd_per_kg: str) -> dict[str, Any]:
    own = {name.replace("_", "-"): {"price": price} for name, price in usd_per_kg.items()}
    return {"materials": dict(own.items())}


ALL = priced(
    NMC811="20 USD/kg",
    Li6PS5Cl="300 USD/kg",
    VGCF="75 USD/kg",
    PTFE="20 USD/kg",
    Li="100 USD/kg",
    Al="3 USD/kg",
    Cu="15 USD/kg",
)


def cost(**changes: Any) -> Cost:
    return evaluated(**{**UNIT_CELL, **ALL, **changes}).cost


def test_the_cost_is_the_sum_of_mass_times_price() -> None:
    evaluation = evaluated(**UNIT_CELL, **ALL)
    masses = evaluation.energy.masses
    prices = {"NMC811": 20.0, "Li6PS5Cl": 300.0, "VGCF": 75.0, "PTFE": 20.0}
    shares = {"NMC811": 0.8, "Li6PS5Cl": 0.17, "VGCF": 0.02, "PTFE": 0.01}
    cathode = masses["cathode"] * sum(shares[name] * prices[name] for name in prices)
    layers = {"separator": 300.0, "anode": 100.0, "cathode collector": 3.0, "anode collector": 15.0}
    lithium = masses.get("anode", masses.get("Li", 0.0)) * layers.pop("anode")
    expected = cathode + lithium + sum(masses[name] * price for name, price in layers.items())
    assert evaluation.cost.value == pytest.approx(expected, rel=1e-12)
    assert sum(evaluation.cost.by_substance.values()) == pytest.approx(expected, rel=1e-12)
    assert evaluation.cost.per_energy(1.0) == pytest.approx(1.0 / evaluation.energy.energy, rel=1e-15)


def test_the_range_contains_the_value() -> None:
    found = cost()
    assert found.value is not None
    assert found.low < found.value < found.high


def test_the_range_is_narrower_than_all_prices_high_together() -> None:
    found = cost()
    assert found.value is not None
    assert found.value / SPREAD < found.low
    assert found.high < found.value * SPREAD


@pytest.mark.parametrize("path", [path for path, _ in shipped_designs()], ids=lambda path: path.stem)
def test_the_range_of_every_shipped_design_contains_the_cost(path: Any) -> None:
    found = evaluate(read_design(path)).cost
    assert found.low < found.priced_part < found.high


def test_one_high_outlier_among_published_prices_leaves_the_value_in_the_range() -> None:
    data = [
        {"value": "100 USD/kg", "default": True, "source": {"citation": "one"}},
        {"value": "2000 USD/kg", "source": {"citation": "two"}},
    ]
    found = cost(materials={**ALL["materials"], "Li6PS5Cl": {"price": data}})
    assert found.value is not None
    assert found.low <= found.value <= found.high


def test_the_cost_is_the_same_every_time() -> None:
    assert cost() == cost()


def test_a_missing_price_leaves_the_cost_unknown_and_named() -> None:
    own = {"mine": {"kind": "cathode", "density": "4.5 g/cm3"}}
    found = cost(cathode={"recipe": {"mine": "80 %", "Li6PS5Cl": "20 %"}}, materials={**ALL["materials"], **own})
    assert found.value is None
    assert list(found.unpriced) == ["mine"]
    assert found.unpriced["mine"] > 0.0
    assert found.priced_part > 0.0


def test_a_trace_without_price_does_not_hide_the_cost() -> None:
    own = {"glue": {"kind": "binder", "density": "1 g/cm3"}}
    recipe = {"NMC811": "80 %", "Li6PS5Cl": "19.9 %", "glue": "0.1 %"}
    found = cost(cathode={"recipe": recipe}, materials={**ALL["materials"], **own})
    assert found.value is not None
    assert list(found.unpriced) == ["glue"]


def test_the_tornado_runs_from_the_widest_swing_to_the_narrowest() -> None:
    found = cost()
    bars = found.tornado
    widths = [high - low for _, low, high in bars]
    assert widths == sorted(widths, reverse=True)
    assert bars[0][0] == "Li6PS5Cl"
    for _, low, high in bars:
        assert low <= found.priced_part <= high


def a_priced(**fields: Any) -> Substance:
    return read_noun(Substance, {"name": "x", "kind": "carbon", **fields})


def test_a_single_price_ranges_over_a_factor_of_two() -> None:
    price = price_of(a_priced(price="100 USD/kg"))
    assert price is not None
    assert price.high / price.low == pytest.approx(2.0, rel=1e-15)
    assert price.value == 100.0


def test_published_prices_widen_the_range() -> None:
    price = price_of(
        a_priced(price=[{"value": "100 USD/kg", "default": True}, {"value": "10 USD/kg", "upper": "500 USD/kg"}])
    )
    assert price is not None
    assert (price.low, price.high) == (10.0, 500.0)


def test_a_price_per_area_is_divided_by_the_mass_per_area() -> None:
    price = price_of(a_priced(price_per_area="0.2 USD/m2", thickness="20 um", density="1 g/cm3"))
    assert price is not None
    assert price.value == pytest.approx(10.0, rel=1e-12)
    assert price_of(a_priced(price_per_area="0.2 USD/m2", thickness="20 um")) is None


def test_without_any_price_there_is_none() -> None:
    assert price_of(a_priced()) is None


def test_every_price_is_in_the_ledger_with_its_date_and_source() -> None:
    evaluation = evaluated(**UNIT_CELL)
    entries = {entry.where: entry for entry in evaluation.ledger.entries}
    for name, price in evaluation.cost.prices.items():
        entry = entries[f"{name}.price"]
        assert entry.source.partition(": ")[2] == price.source
        assert "range" in entry.note


def test_sources_in_the_report_are_whole_and_a_doubt_is_none_of_them() -> None:
    evaluation = evaluated()
    package = next(entry for entry in evaluation.ledger.entries if entry.where == "package.price")
    assert "doubtful: less than its aluminium" in package.note
    page = html.unescape(render_report(evaluation))
    listed = re.findall("<li>(.*?)</li>", page[page.index("<h2>Sources</h2>") :])
    assert evaluation.cost.prices["package"].source in listed
    assert not any("less than its aluminium" in source for source in listed)
    assert "Doubtful: less than its aluminium" in page
