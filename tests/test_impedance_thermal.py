"""Laws over temperature fitted to all spectra of a series at once."""

from __future__ import annotations

import numpy as np
import pytest

from percolyte.errors import InputError
from percolyte.impedance.cells import Electrolyte, MeasuredCell, conversions, impedance_model
from percolyte.impedance.conductivity import conductivities
from percolyte.impedance.fit import fit_all
from percolyte.impedance.measurement import MeasuredSpectrum
from percolyte.impedance.series import fit_series
from percolyte.impedance.thermal import AtTemperature, ThermalLaw, fit_thermal
from percolyte.materials.temperature import arrhenius, vogel_fulcher

CELL = MeasuredCell(terminals="separator", area=0.785e-4, electrolyte=Electrolyte(thickness=5e-4, arc=True))
NAME = "electrolyte_conductivity"
FREQUENCY = np.logspace(6.8, 0, 40)
KELVIN = [273.15, 288.15, 303.15, 318.15, 333.15, 348.15]
ENERGY = 34e3


def at_conductivity(sigma: float, rng: np.random.Generator, cell: MeasuredCell = CELL) -> MeasuredSpectrum:
    """A pellet between steel, with noise of 0.5 % in either part."""
    assert cell.electrolyte is not None
    values = {
        "electrolyte_resistance": cell.electrolyte.thickness / (sigma * cell.area),
        "electrolyte_cpe": 1e-10,
        "electrolyte_exponent": 0.95,
        "electrode_cpe": 2e-6,
        "electrode_exponent": 0.85,
    }
    model = impedance_model(cell)
    z, _ = model.evaluate(np.array([values[one.name] for one in model.parameters]), 2.0 * np.pi * FREQUENCY)
    return MeasuredSpectrum(FREQUENCY, z * (1.0 + 0.005 * (rng.standard_normal(40) + 1j * rng.standard_normal(40))))


def on_arrhenius(seed: int, scatter: float = 0.0) -> list[MeasuredSpectrum]:
    rng = np.random.default_rng(seed)
    return [
        at_conductivity(arrhenius(0.05, 298.15, ENERGY, kelvin) * np.exp(scatter * rng.standard_normal()), rng)
        for kelvin in KELVIN
    ]


@pytest.mark.parametrize("law", ["arrhenius", "vogel"])
def test_derivatives_are_those_of_differences(law: ThermalLaw) -> None:
    model = AtTemperature(impedance_model(CELL), conversions(CELL), law, 310.0, 300.0, 290.0)
    values = np.array([0.05, 1e4, *([180.0] if law == "vogel" else []), 1e-10, 0.95, 2e-6, 0.85])
    omega = 2.0 * np.pi * FREQUENCY
    _, slopes = model.evaluate(values, omega)
    for place, value in enumerate(values):
        step = np.zeros_like(values)
        step[place] = 1e-6 * value
        difference = model.evaluate(values + step, omega)[0] - model.evaluate(values - step, omega)[0]
        # central differences of 1e-6 keep about seven digits
        assert np.abs(difference / (2e-6 * value) - slopes[:, place]).max() < 1e-6 * np.abs(slopes[:, place]).max()


def test_spectra_that_fix_their_resistance_give_the_law_through_their_values() -> None:
    spectra = on_arrhenius(1)
    fits = fit_all(spectra, impedance_model(CELL), profile="never")
    steps = fit_series(KELVIN, [conductivities(fit, CELL)[NAME] for fit in fits], "arrhenius")
    joint = fit_thermal(spectra, [CELL] * 6, KELVIN, "arrhenius")[NAME]
    assert joint.slope.value == pytest.approx(steps.slope.value, abs=0.1 * steps.slope.error)
    # both widen by scatter over noise of four degrees of freedom, where that is above one
    assert joint.slope.high - joint.slope.low == pytest.approx(steps.slope.high - steps.slope.low, rel=0.1)
    assert joint.slope.low < ENERGY < joint.slope.high
    assert joint.at(298.15) == pytest.approx(0.05, rel=0.005)
    assert not joint.warnings


def test_the_law_of_vogel_is_found_with_its_ideal_temperature() -> None:
    rng = np.random.default_rng(2)
    spectra = [at_conductivity(vogel_fulcher(0.01, 298.15, 8000.0, 190.0, kelvin), rng) for kelvin in KELVIN]
    found = fit_thermal(spectra, [CELL] * 6, KELVIN, "vogel")[NAME]
    assert found.ideal is not None
    assert found.ideal.low < 190.0 < found.ideal.high
    assert found.ideal.high - found.ideal.low < 20.0
    assert found.slope.low < 8000.0 < found.slope.high


def test_cells_of_other_thickness_share_the_law() -> None:
    rng = np.random.default_rng(6)
    thin = CELL.model_copy(update={"electrolyte": Electrolyte(thickness=2.5e-4, arc=True)})
    cells = [CELL, thin] * 3
    spectra = [
        at_conductivity(arrhenius(0.05, 298.15, ENERGY, kelvin), rng, cell)
        for kelvin, cell in zip(KELVIN, cells, strict=True)
    ]
    found = fit_thermal(spectra, cells, KELVIN, "arrhenius")[NAME]
    assert found.slope.low < ENERGY < found.slope.high
    assert found.scatter < 0.005


def test_spectra_that_scatter_beyond_their_noise_are_said_to() -> None:
    found = fit_thermal(on_arrhenius(4, scatter=0.05), [CELL] * 6, KELVIN, "arrhenius")[NAME]
    assert "times their noise" in found.warnings[0]


def test_a_long_series_is_fitted_at_once() -> None:
    rng = np.random.default_rng(7)
    kelvins = np.linspace(273.15, 348.15, 40)
    spectra = [at_conductivity(arrhenius(0.05, 298.15, ENERGY, kelvin), rng) for kelvin in kelvins]
    found = fit_thermal(spectra, [CELL] * 40, kelvins.tolist(), "arrhenius")[NAME]
    fits = fit_all(spectra, impedance_model(CELL), profile="never")
    steps = fit_series(kelvins, [conductivities(fit, CELL)[NAME] for fit in fits], "arrhenius")
    # over 30 draws the two ways differ by 0.1 standard errors
    assert found.slope.value == pytest.approx(steps.slope.value, abs=0.4 * found.slope.error)
    assert found.slope.high - found.slope.low == pytest.approx(steps.slope.high - steps.slope.low, rel=0.1)


def test_too_few_temperatures_and_too_many_spectra_are_refused() -> None:
    spectra = on_arrhenius(5)
    with pytest.raises(InputError, match="needs spectra at 3 temperatures"):
        fit_thermal(spectra[:2], [CELL] * 2, KELVIN[:2], "arrhenius")
    with pytest.raises(InputError, match="needs spectra at 4 temperatures"):
        fit_thermal(spectra[:3], [CELL] * 3, KELVIN[:3], "vogel")
    with pytest.raises(InputError, match="up to 120 spectra, and these are 126; fit every second one"):
        fit_thermal(spectra * 21, [CELL] * 126, KELVIN * 21, "arrhenius")
