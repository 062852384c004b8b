"""Laws over a series, and the choice between models."""

from __future__ import annotations

import math

import numpy as np
import pytest

from percolyte.errors import InputError
from percolyte.impedance.comparison import compare
from percolyte.impedance.estimates import Estimate
from percolyte.impedance.fit import fit, fit_all
from percolyte.impedance.measurement import Floats
from percolyte.impedance.series import Law, fit_series, series_of
from percolyte.materials.temperature import arrhenius, vogel_fulcher
from percolyte.units import FARADAY, GAS_CONSTANT
from tests.impedance_models import Arcs, spectra

KELVIN = np.linspace(258.15, 348.15, 10)


def estimates(values: Floats, error: float) -> list[Estimate]:
    return [Estimate("sigma", "S/m", float(v), v * (1 - 2 * error), v * (1 + 2 * error), error) for v in values]


def exact(law: str, x: float) -> float:
    if law == "arrhenius":
        return arrhenius(0.1, 298.15, 30e3, x)
    if law == "vogel":
        return vogel_fulcher(0.1, 298.15, 8000.0, 190.0, x)
    if law == "activated":
        return 2e-6 * math.exp(30e3 / (GAS_CONSTANT * x))
    return 3.0 * (x**1.5 if law == "power" else math.exp(2.0 * x))


def test_points_on_arrhenius_law_give_back_its_energy() -> None:
    sigma = np.array([arrhenius(0.1, 298.15, 0.35 * FARADAY, float(t)) for t in KELVIN])
    found = fit_series(KELVIN, sigma, "arrhenius")
    assert found.slope.value == pytest.approx(0.35 * FARADAY, rel=1e-9)
    assert found.at(298.15) == pytest.approx(0.1, rel=1e-9)


def test_the_energy_is_that_of_sigma_times_temperature() -> None:
    sigma = np.exp(-0.35 * FARADAY / (GAS_CONSTANT * KELVIN))
    found = fit_series(KELVIN, sigma, "arrhenius").slope.value
    # d ln T / d(1/RT) = -RT, about 26 meV at room temperature
    assert found is not None
    assert found - 0.35 * FARADAY == pytest.approx(GAS_CONSTANT * np.mean(KELVIN), rel=0.02)


def test_points_on_vogels_law_give_back_its_three_numbers() -> None:
    sigma = np.array([vogel_fulcher(0.1, 298.15, 8000.0, 190.0, float(t)) for t in KELVIN])
    found = fit_series(KELVIN, sigma, "vogel")
    assert found.ideal is not None
    # T0 is scanned in steps of 0.06 K
    assert found.ideal.value == pytest.approx(190.0, abs=0.07)
    assert found.slope.value == pytest.approx(8000.0, rel=2e-3)
    assert found.at(298.15) == pytest.approx(0.1, rel=1e-4)


@pytest.mark.parametrize("law", ["arrhenius", "vogel", "activated", "power", "exponential"])
def test_intervals_of_every_law_hold_the_truth_in_95_percent(law: str) -> None:
    rng = np.random.default_rng(8)
    x = KELVIN if law in ("arrhenius", "vogel", "activated") else np.linspace(0.1, 1.0, 10)
    clean = np.array([exact(law, float(place)) for place in x])
    truth = {"arrhenius": 30e3, "vogel": 8000.0, "activated": 30e3, "power": 1.5, "exponential": 2.0}[law]
    held = ideal = 0
    for _ in range(400):
        found = fit_series(x, clean * np.exp(0.05 * rng.standard_normal(10)), law)  # type: ignore[arg-type]
        held += found.slope.low <= truth <= found.slope.high
        ideal += found.ideal is None or found.ideal.low <= 190.0 <= found.ideal.high
    # 400 draws know a share of 95 % to 1.1 %: three of these
    assert 366 <= held <= 394
    assert ideal >= 366


def test_stated_errors_are_a_floor_and_scatter_beyond_them_is_said() -> None:
    sigma = np.array([arrhenius(0.1, 298.15, 30e3, float(t)) for t in KELVIN])
    quiet = fit_series(KELVIN, estimates(sigma, 0.02), "arrhenius")
    assert not quiet.warnings
    # standard error of a slope with ten points of 2 %, by hand; t of 8 degrees
    axis = 1.0 / (GAS_CONSTANT * KELVIN)
    error = 0.02 / np.sqrt(((axis - axis.mean()) ** 2).sum())
    assert quiet.slope.high - quiet.slope.low == pytest.approx(2 * 2.306 * error, rel=1e-3)
    loud = sigma * np.exp(0.2 * np.random.default_rng(2).standard_normal(10))
    found = fit_series(KELVIN, estimates(loud, 0.02), "arrhenius")
    assert "times their errors" in found.warnings[0]
    assert found.slope.high - found.slope.low > 4 * (quiet.slope.high - quiet.slope.low)


def test_a_vogel_law_that_an_arrhenius_law_replaces_is_called_so() -> None:
    sigma = KELVIN**0.5 * np.array([arrhenius(0.1, 298.15, 30e3, float(t)) for t in KELVIN])
    found = fit_series(KELVIN, sigma * np.exp(0.05 * np.random.default_rng(1).standard_normal(10)), "vogel")
    assert found.ideal is not None
    assert found.ideal.value is None
    assert "Arrhenius law fits as well" in found.warnings[0]
    # the curve that is drawn is the best law all the same: the points scatter by 5 % about it
    for kelvin, value in zip(KELVIN, sigma, strict=True):
        assert found.at(float(kelvin)) == pytest.approx(value, rel=0.1)


@pytest.mark.parametrize("law", ["arrhenius", "vogel", "activated", "power", "exponential"])
def test_points_that_follow_no_law_give_numbers_all_the_same(law: Law) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        kelvin = rng.uniform(200.0, 420.0, 5)
        found = fit_series(kelvin, 10 ** rng.uniform(-9.0, 1.0, 5), law)
        assert math.isfinite(found.at(300.0))
        assert 0.0 < found.prefactor.low <= found.prefactor.high < math.inf


def test_points_without_a_value_are_left_out_and_named() -> None:
    sigma = np.array([arrhenius(0.1, 298.15, 30e3, float(t)) for t in KELVIN])
    points = estimates(sigma, 0.02)
    points[3] = Estimate("sigma", "S/m", None, 0.0, math.inf, math.inf, "nothing is known")
    found = fit_series(KELVIN, points, "arrhenius")
    assert found.points == 9
    assert f"{KELVIN[3]:g}" in found.warnings[0]


def test_series_that_hold_no_law_are_refused() -> None:
    with pytest.raises(InputError, match="needs at least 3"):
        fit_series(np.array([300.0, 310.0]), np.array([1.0, 2.0]), "arrhenius")
    with pytest.raises(InputError, match="must be positive"):
        fit_series(np.array([0.0, 310.0, 320.0]), np.array([1.0, 2.0, 3.0]), "arrhenius")
    with pytest.raises(InputError, match="values must be positive"):
        fit_series(KELVIN[:3], np.array([1.0, -2.0, 3.0]), "arrhenius")
    with pytest.raises(InputError, match="3 places and 2 values"):
        fit_series(KELVIN[:3], np.array([1.0, 2.0]), "arrhenius")


def test_spectra_over_temperature_give_an_activation_energy() -> None:
    fits = []
    for number, kelvin in enumerate(KELVIN):
        resistance = 100.0 / arrhenius(1.0, 298.15, 0.3 * FARADAY, float(kelvin))
        fits.append(fit(spectra(Arcs(1), (1.0, resistance, 1e-9), seed=number)[0], Arcs(1)))
    conductances = [
        Estimate("sigma", "S", 1.0 / (item.value or math.nan), 1.0 / item.high, 1.0 / item.low, item.error)
        for item in series_of(fits, "R1")
    ]
    found = fit_series(KELVIN, conductances, "arrhenius").slope
    assert found.low < 0.3 * FARADAY < found.high
    assert (found.high - found.low) / (0.3 * FARADAY) < 0.02


def test_a_second_arc_is_preferred_where_it_is_there_and_not_where_it_is_not() -> None:
    two = spectra(Arcs(2), (10.0, 1000.0, 1e-9, 300.0, 1e-6))[0]
    better = compare({"one arc": fit(two, Arcs(1)), "two arcs": fit(two, Arcs(2))})
    assert better.ranked[0].name == "two arcs"
    assert "clearly better than one arc" in better.sentence
    one = spectra(Arcs(1), (10.0, 1000.0, 1e-9), 40, seed=2)
    simple, double = fit_all(one, Arcs(1), loss="plain"), fit_all(one, Arcs(2), loss="plain", profile="never")
    chosen = [compare({"one": a, "two": b}).ranked[0].name for a, b in zip(simple, double, strict=True)]
    # two needless parameters lower AICc in about P(chi2(2) > 4.3) = 12 % of the cases
    assert chosen.count("one") >= 30


def test_the_criteria_are_those_of_their_definition() -> None:
    found = fit(spectra(Arcs(1), (10.0, 1000.0, 1e-9))[0], Arcs(1), loss="plain", weighting="unit")
    squares = (np.abs(found.residuals[0]) ** 2).sum()
    likelihood = -60.0 * (math.log(2.0 * math.pi * squares / 120.0) + 1.0)
    assert found.log_likelihood == pytest.approx(likelihood, rel=1e-9)
    assert found.aicc == pytest.approx(8.0 - 2.0 * likelihood + 40.0 / 115.0, rel=1e-9)
    assert found.bic == pytest.approx(4.0 * math.log(120.0) - 2.0 * likelihood, rel=1e-9)


def test_fits_of_other_points_are_not_compared() -> None:
    first, second = spectra(Arcs(1), (10.0, 1000.0, 1e-9), 2)
    with pytest.raises(InputError, match="other points"):
        compare({"one": fit(first, Arcs(1)), "two": fit(second, Arcs(1))})
    with pytest.raises(InputError, match="at least two"):
        compare({"one": fit(first, Arcs(1))})
