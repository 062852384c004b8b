"""Fitting a cell to discharges: what the data fix is found, what they do not is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

from percolyte.cell.fit import Fit, fit_cell, properties
from percolyte.cell.kernel import Planar
from percolyte.cell.measured import Discharge
from percolyte.cell.model import Cell, ParticleClass, PorousElectrode
from percolyte.cell.protocol import Current, Step
from percolyte.cell.run import simulate
from percolyte.errors import InputError

NOISE = 1e-3
"""V, of the synthetic measurements."""


def falling(x: Any) -> Any:
    """A potential that falls throughout, with a knee near x = 0.95."""
    x = np.asarray(x, dtype=float)
    return 4.4 - 0.9 * x - 0.1 * np.tanh(8.0 * (x - 0.5)) - np.exp(60.0 * (x - 0.98))


def a_cell(**changes: Any) -> Cell:
    """Lithium against a cathode in which ions, diffusion and kinetics all cost something."""
    part = ParticleClass("any", 2.5e-6, 0.55, 5e-15, 50e3, 1.0, falling, 0.3, 0.9, contact=0.8)
    electrode = PorousElectrode(100e-6, 0.03, 5.0, (part,))
    cell = Cell(
        electrode, Planar(0.0, 10.0, 0.0, 298.15), 1.5e-4, 5e-4, 298.15, electrode.capacity, 0.2, 2.8, 4.6
    )  # fmt: skip
    for name, value in changes.items():
        cell = properties(cell)[name.replace("_", " ")].put(cell, value)
    return cell


def measured(cell: Cell, rates: tuple[float, ...] = (0.3, 1.0, 2.0), noise: float = NOISE) -> list[Discharge]:
    """Discharges of a known cell, as a cycler would write them."""
    random = np.random.default_rng(7)
    found = []
    for rate in rates:
        current = rate * cell.one_c
        run = simulate(cell, [Step("current", Current(current), until_voltage=2.8)], rtol=2e-5)
        charge = np.linspace(0.0, float(run.charge[-1]), 300)
        volts = PchipInterpolator(run.charge, run.voltage)(charge) + noise * random.standard_normal(charge.size)
        volts[-1] = 2.8
        found.append(Discharge(current, charge, volts, f"{rate:g}C"))
    return found


def within(fit: Fit, name: str, truth: float) -> bool:
    return fit[name].low < truth < fit[name].high


def test_properties_of_synthetic_data_are_recovered_within_their_intervals() -> None:
    truth = {"cathode ionic conductivity": 0.03, "cathode solid diffusivity": 5e-15, "series resistance": 5e-4}
    start = a_cell(cathode_ionic_conductivity=0.06, cathode_solid_diffusivity=2e-14, series_resistance=1e-3)
    fit = fit_cell(start, measured(a_cell()), list(truth))
    assert fit.outcome == "done"
    for name, value in truth.items():
        assert within(fit, name, value)
        # the noise is 1 mV on 40 points a curve, so that a factor of 1.5 would be no interval worth having
        assert fit[name].high / fit[name].low < 1.5
        assert fit[name].start != pytest.approx(value, abs=0.0)
    # halfway between two points, on average, noise is sqrt(2/3) of that of a point; three numbers cannot fit it away,
    # and the scatter of 120 values is known to some 10 %
    assert fit.voltage_error == pytest.approx(NOISE * np.sqrt(2.0 / 3.0), rel=0.2)
    assert max(map(abs, fit.charge_errors)) < 1e-3
    assert not any("do not fix" in said or "misfit" in said or "edge" in said for said in fit.warnings)


def test_a_contact_fraction_or_a_film_is_recovered_where_the_rest_is_known() -> None:
    start = a_cell(cathode_contact_fraction=0.4)
    fit = fit_cell(start, measured(a_cell()), ["cathode contact fraction"])
    assert within(fit, "cathode contact fraction", 0.8)
    filmed = a_cell(cathode_film_resistance=4e-3)
    assert properties(a_cell())["cathode film resistance"].get(a_cell()) == 0.0
    fit = fit_cell(a_cell(), measured(filmed), ["cathode film resistance"])
    assert within(fit, "cathode film resistance", 4e-3)
    assert fit.cell.cathode.classes[0].film == fit["cathode film resistance"].value


def test_two_resistances_in_series_are_reported_as_one() -> None:
    fit = fit_cell(a_cell(), measured(a_cell()), ["series resistance", "separator resistance"])
    assert fit.correlation[0, 1] == pytest.approx(-1.0, abs=1e-3)
    assert any("series resistance and separator resistance cannot be told apart" in said for said in fit.warnings)
    assert sum("do not fix" in said for said in fit.warnings) == 2


def test_exchange_current_and_contact_fraction_without_a_film_are_one_product() -> None:
    names = ["cathode exchange current density", "cathode contact fraction"]
    fit = fit_cell(a_cell(cathode_contact_fraction=0.6), measured(a_cell()), names)
    assert any(" and ".join(names) + " cannot be told apart" in said for said in fit.warnings)
    # the product itself is what the data hold; 5 % is three times what 1 mV in 3 mV per percent allows
    assert fit[names[0]].value * fit[names[1]].value == pytest.approx(0.8, rel=0.05)


def test_a_property_that_does_not_matter_is_said_not_to_be_fixed() -> None:
    cell = a_cell(cathode_electronic_conductivity=1e4)
    fit = fit_cell(cell, measured(cell), ["cathode electronic conductivity", "series resistance"])
    assert any("do not fix the cathode electronic conductivity" in said for said in fit.warnings)
    assert not any("series resistance" in said for said in fit.warnings)
    assert fit["cathode electronic conductivity"].high / fit["cathode electronic conductivity"].low > 10.0
    assert within(fit, "series resistance", 5e-4)


def test_data_of_another_model_warn_of_a_misfit_that_is_not_random() -> None:
    other = [replace(curve, voltage=curve.voltage + 0.02 * np.sin(9.0 * curve.charge / curve.charge[-1])) for curve in measured(a_cell())]  # fmt: skip
    fit = fit_cell(a_cell(), other, ["cathode ionic conductivity"])
    assert any("is not random" in said for said in fit.warnings)


def test_particles_of_two_classes_keep_their_ratio() -> None:
    cell = a_cell()
    first = cell.cathode.classes[0]
    blend = replace(cell, cathode=replace(cell.cathode, classes=(first, replace(first, diffusivity=1e-14))))
    changed = properties(blend)["cathode solid diffusivity"].put(blend, 1e-15)
    assert [part.diffusivity for part in changed.cathode.classes] == pytest.approx([1e-15, 2e-15])


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["cathode ionic conductivty"], "did you mean 'cathode ionic conductivity'"),
        (["anode ionic conductivity"], "cannot be fitted"),
        ([], "name the properties"),
        (["series resistance", "series resistance"], "each once"),
    ],
)
def test_properties_that_cannot_be_fitted_are_refused(names: list[str], said: str) -> None:
    curve = Discharge(10.0, np.linspace(0.0, 1e5, 10), np.linspace(4.0, 3.0, 10))
    with pytest.raises(InputError, match=said):
        fit_cell(a_cell(), [curve], names)


@pytest.mark.parametrize(
    ("curve", "said"),
    [
        (Discharge(-1.0, np.linspace(0.0, 1e5, 10), np.linspace(4.0, 3.0, 10)), "is positive"),
        (Discharge(1.0, np.linspace(1e5, 0.0, 10), np.linspace(4.0, 3.0, 10)), "must rise"),
        (Discharge(1.0, np.linspace(0.0, 1e5, 4), np.linspace(4.0, 3.0, 4)), "five points"),
        (Discharge(1.0, np.linspace(0.0, 1e5, 10), np.full(10, np.nan)), "all finite"),
    ],
)
def test_data_that_are_no_discharge_are_refused(curve: Discharge, said: str) -> None:
    with pytest.raises(InputError, match=said):
        fit_cell(a_cell(), [curve], ["series resistance"])
