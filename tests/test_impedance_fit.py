"""Fits of synthetic measurements: recovery, options, joint fits, and refusals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from percolyte.errors import InputError
from percolyte.impedance.estimates import Fit
from percolyte.impedance.fit import Measured, fit, fit_all, fit_jointly
from percolyte.impedance.measurement import Floats, MeasuredSpectrum
from tests.impedance_models import (
    FREQUENCY,
    Arcs,
    Line,
    Transient,
    least_errors,
    polarisation,
    poor_starts,
    spectra,
)

TRUTH = (60.0, 12.0, 3e-4, 0.9)
START = {"ionic_resistance": 50.0, "electronic_resistance": 15.0, "interface_factor": 1e-3, "interface_exponent": 0.8}
LARGER = (("ionic_resistance", "electronic_resistance"),)


def deviations(fits: Sequence[Fit], truth: Sequence[float]) -> Floats:
    """Of ln p, or of p where it is no logarithm."""
    logarithmic = np.array([parameter.logarithmic for parameter in fits[0].parameters])
    values = np.array([one.optimum for one in fits])
    return np.where(logarithmic, np.log(values / truth), values - truth)


@pytest.mark.parametrize("case", ["a", "b", "c"])
def test_derivatives_of_the_models_of_these_tests_are_those_of_their_values(case: str) -> None:
    model = Line(case, series=True)  # type: ignore[arg-type]
    values, omega = np.array([*TRUTH, 2.0]), 2.0 * np.pi * FREQUENCY[::6]
    slopes = model.evaluate(values, omega)[1]
    for k in range(5):
        step = 1e-6 * values[k] * np.eye(5)[k]
        change = (model.evaluate(values + step, omega)[0] - model.evaluate(values - step, omega)[0]) / (2.0 * step[k])
        # central differences lose ten digits of Z to rounding
        assert slopes[:, k] == pytest.approx(change, rel=1e-5, abs=1e-7 * np.abs(change).max())


@pytest.mark.parametrize("case", ["a", "b", "c"])
def test_a_thousand_spectra_are_recovered_from_poor_starts_as_well_as_theory_allows(case: str) -> None:
    model = Line(case)  # type: ignore[arg-type]
    found = fit_all(
        spectra(model, TRUTH, 1000), model, start=poor_starts(model, TRUTH, 1000), larger=LARGER[: case == "c"]
    )
    assert sum(one.outcome == "done" for one in found) >= 999
    off = deviations(found, TRUTH)
    spread, bias = off.std(axis=0), np.abs(off.mean(axis=0))
    # the spread of 1000 replicates is itself known to 2.2 %, their mean to 3.2 % of the spread
    assert (spread <= 1.1 * least_errors(model, TRUTH)).all()
    assert (bias <= 0.1 * spread + 1e-12).all()


@pytest.mark.parametrize("case", ["a", "b", "c"])
def test_intervals_hold_the_truth_in_93_to_97_percent(case: str) -> None:
    model = Line(case)  # type: ignore[arg-type]
    found = fit_all(spectra(model, TRUTH, 1000, seed=7), model, start=START, larger=LARGER[: case == "c"])
    for name, true in zip(START, TRUTH, strict=True):
        covered = sum(one[name].low <= true <= one[name].high for one in found)
        # the bar is 93 to 97 %; 1000 replicates know a share of 95 % to 0.7 %
        assert 930 <= covered <= 970, name


@pytest.mark.parametrize(("model", "truth"), [
    (Line("a"), TRUTH), (Line("b"), TRUTH), (Line("c"), TRUTH), (Arcs(1), (10.0, 100.0, 1e-6)),
    (Arcs(2), (10.0, 1000.0, 1e-9, 300.0, 1e-4)),
])  # fmt: skip
def test_nobody_has_to_say_where_to_start(model: Line | Arcs, truth: Sequence[float]) -> None:
    measured = spectra(model, truth, 100, seed=3)
    found = fit_all(measured, model, profile="never")
    names = [parameter.name for parameter in model.parameters]
    best = fit_all(measured, model, start=dict(zip(names, truth, strict=True)), profile="never")
    as_good = [
        a.outcome == "done" and a.log_likelihood > b.log_likelihood - 1e-3 for a, b in zip(found, best, strict=True)
    ]
    assert sum(as_good) >= 99


def test_a_spectrum_of_the_model_itself_gives_back_its_parameters() -> None:
    (measured,) = spectra(Line("a"), TRUTH, noise=0.0)
    found = fit(measured, Line("a"))
    assert found.optimum == pytest.approx(TRUTH, rel=1e-6)
    assert not found.robust


def test_excluded_points_take_no_part() -> None:
    (clean,) = spectra(Line("c"), TRUTH)
    impedance = clean.impedance.copy()
    impedance[[4, 30]] = [1e5, np.nan]
    marked = replace(clean, impedance=impedance, excluded={4: "range switch", 30: "no number"})
    shorter = MeasuredSpectrum(np.delete(clean.frequency, [4, 30]), np.delete(clean.impedance, [4, 30]))
    assert fit(marked, Line("c"), start=START).optimum == pytest.approx(
        fit(shorter, Line("c"), start=START).optimum, rel=1e-9
    )


def test_wild_points_are_discounted_and_named() -> None:
    (clean,) = spectra(Line("c"), TRUTH)
    impedance = clean.impedance.copy()
    impedance[[10, 30, 31]] *= [1.3, 0.8, 1.2]
    wild = replace(clean, impedance=impedance)
    found = fit(wild, Line("c"), start=START, larger=LARGER)
    assert found.robust
    assert "were discounted" in " ".join(found.warnings)
    # within the 95 % intervals of the clean spectrum, which the plain loss leaves
    assert np.log(found.optimum[:2] / TRUTH[:2]) == pytest.approx([0.0, 0.0], abs=0.01)
    plain = fit(wild, Line("c"), start=START, larger=LARGER, loss="plain")
    assert np.abs(np.log(plain.optimum[:2] / TRUTH[:2])).max() > 0.02


def test_noise_in_parts_is_told_from_residuals() -> None:
    rng = np.random.default_rng(4)
    model, truth = Arcs(1), (10.0, 1000.0, 1e-6)
    impedance = model.evaluate(np.array(truth), 2.0 * np.pi * FREQUENCY)[0]
    wrong = rng.standard_normal((200, 60)) + 1j * rng.standard_normal((200, 60))
    measured = [
        MeasuredSpectrum(FREQUENCY, impedance + np.hypot(2.0, 0.005 * np.abs(impedance)) * row) for row in wrong
    ]
    start = {"R0": 10.0, "R1": 1000.0, "C1": 1e-6}
    spread = {
        weighting: deviations(fit_all(measured, model, start=start, weighting=weighting, loss="plain"), truth).std(
            axis=0
        )[0]
        for weighting in ("modulus", "residuals", "unit")
    }
    # the true weights are the best ones; estimating them must not lose it
    assert spread["residuals"] < 1.05 * min(spread["modulus"], spread["unit"])


def test_known_parameters_stay_and_are_called_given() -> None:
    (measured,) = spectra(Line("a", series=True), (*TRUTH, 2.0))
    found = fit(measured, Line("a", series=True), known={"series_resistance": 2.0})
    assert found["series_resistance"].basis == "known"
    assert found.optimum[4] == 2.0
    assert found["ionic_resistance"].low < 60.0 < found["ionic_resistance"].high


def test_spectra_of_different_points_are_fitted_together_in_the_order_given() -> None:
    measured = spectra(Line("c"), TRUTH, 3)
    shorter = replace(measured[1], frequency=FREQUENCY[:50], impedance=measured[1].impedance[:50])
    found = fit_all([measured[0], shorter, measured[2]], Line("c"), start=START)
    assert [one.residuals[0].size for one in found] == [60, 50, 60]
    alone = fit(measured[2], Line("c"), start=START)
    assert found[2].optimum == pytest.approx(alone.optimum, rel=1e-12)


@pytest.mark.parametrize("truth", [TRUTH, (200.0, 2.0, 3e-4, 0.9), (20.0, 20.0, 3e-4, 0.9), (5.0, 300.0, 3e-4, 0.9)])
def test_two_contacts_together_return_both_rails(truth: Sequence[float]) -> None:
    off = []
    for seed in range(8):
        (blocked,), (open_,) = spectra(Line("a"), truth, seed=seed), spectra(Line("b"), truth, seed=seed + 100)
        found = fit_jointly([Measured(blocked, Line("a")), Measured(open_, Line("b"))])
        off.append(np.log(found.optimum[:2] / truth[:2]))
    # the bar is 0.15 % of spread; that of 8 replicates is known to a quarter
    assert (np.std(off, axis=0) < 0.0019).all()
    assert not found.warnings


def test_a_joint_fit_finds_each_measurements_own_contact_resistance() -> None:
    (blocked,) = spectra(Line("a", series=True), (*TRUTH, 2.0), seed=1)
    (open_,) = spectra(Line("b", series=True), (*TRUTH, 0.7), seed=2)
    found = fit_jointly(
        [
            Measured(blocked, Line("a", series=True), own=("series_resistance",), label="steel"),
            Measured(open_, Line("b", series=True), own=("series_resistance",), label="electrolyte"),
        ]
    )
    for name, true in (("ionic_resistance", 60.0), ("electronic_resistance", 12.0), ("series_resistance (steel)", 2.0),
                       ("series_resistance (electrolyte)", 0.7)):  # fmt: skip
        item = found[name]
        assert item.value is not None
        # four standard errors
        assert abs(np.log(item.value / true)) < 4.0 * item.error


def test_a_pellet_of_other_size_shares_through_its_factor() -> None:
    (blocked,) = spectra(Line("a"), TRUTH, noise=0.0)
    (open_,) = spectra(Line("b"), (120.0, 24.0, 6e-4, 0.9), noise=0.0)
    double = {"ionic_resistance": 2.0, "electronic_resistance": 2.0, "interface_factor": 2.0}
    found = fit_jointly([Measured(blocked, Line("a")), Measured(open_, Line("b"), factors=double)], start=START)
    assert found.optimum == pytest.approx(TRUTH, rel=1e-6)


def test_a_polarisation_run_joins_a_spectrum_with_the_weight_of_its_own_noise() -> None:
    run = polarisation((60.0, 12.0, 400.0))
    alone = fit(run, Transient())
    assert alone["ionic_resistance"].value == pytest.approx(60.0, rel=0.01)
    assert alone["time_constant"].value == pytest.approx(400.0, rel=0.05)
    assert alone.noise[0] == pytest.approx(0.002, rel=0.15)
    (blocked,) = spectra(Line("a"), TRUTH)
    both = fit_jointly([Measured(blocked, Line("a")), Measured(run, Transient())])
    for name, true in (("ionic_resistance", 60.0), ("electronic_resistance", 12.0), ("time_constant", 400.0)):
        item = both[name]
        assert item.value is not None
        assert abs(np.log(item.value / true)) < 4.0 * item.error
        assert item.error < 1.02 * alone[name].error


def test_residuals_that_are_no_noise_are_called_so() -> None:
    (measured,) = spectra(Arcs(2), (10.0, 1000.0, 1e-9, 300.0, 1e-6))
    assert "are no noise" in " ".join(fit(measured, Arcs(1)).warnings)
    assert not fit(measured, Arcs(2)).warnings


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"known": {"ionic_resistence": 60.0}}, "did you mean 'ionic_resistance'"),
        ({"start": {"ionic_resistance": -1.0}}, "cannot be -1"),
        ({"known": {"interface_exponent": 1.2}}, "up to 1"),
        ({"known": dict.fromkeys(START, 0.5)}, "leave at least one to fit"),
        ({"larger": [("R1", "R2")]}, "no parameter 'R1'"),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(change: dict[str, object], message: str) -> None:
    (measured,) = spectra(Line("a"), TRUTH)
    with pytest.raises(InputError, match=message):
        fit(measured, Line("a"), **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("frequency", "impedance", "message"),
    [
        ([1.0, 10.0], [1 - 1j, 1 - 1j], "2 points cannot fix 4 parameters"),
        ([1.0, 10.0, 100.0], [1 - 1j, np.nan, 1.0], "point 2 .* exclude it"),
        ([0.0, 10.0, 100.0], [1 - 1j, 1.0, 1.0], "point 1 .* exclude it"),
        ([1.0, 10.0, 100.0], [1 - 1j, 1.0], "different lengths, 3 and 2"),
    ],
)
def test_measurements_that_cannot_be_fitted_are_refused(
    frequency: list[float], impedance: list[complex], message: str
) -> None:
    measured = MeasuredSpectrum(np.array(frequency), np.array(impedance), source="cell.mpt")
    with pytest.raises(InputError, match=rf"(?s)cell\.mpt.*{message}"):
        fit(measured, Line("a"))


def test_nothing_to_fit_is_refused() -> None:
    with pytest.raises(InputError, match="no measurement"):
        fit_all([], Line("a"))
    with pytest.raises(InputError, match="no measurement"):
        fit_jointly([])
