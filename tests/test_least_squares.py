"""Many small problems at once against exact optima and another solver."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import least_squares

from percolyte.numerics.least_squares import Floats, Residuals, solve

TIME = np.linspace(0.0, 4.0, 40)
DECAY = np.array([True, True, False])


def decays(measured: Floats) -> Residuals:
    """a exp(-t/b) + c, with a and b positive."""

    def residuals(values: Floats, index: Any) -> tuple[Floats, Floats]:
        a, b, c = (values[:, k, None] for k in range(3))
        e = np.exp(-TIME / b)
        slopes = np.stack([e, a * e * TIME / b**2, np.ones_like(e)], axis=-1)
        return a * e + c - measured[index], slopes

    return residuals


def noisy_decays(number: int, noise: float) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(5)
    truth = np.stack([rng.uniform(1, 5, number), rng.uniform(0.3, 2, number), rng.uniform(-1, 1, number)], axis=1)
    a, b, c = (truth[:, k, None] for k in range(3))
    return truth, a * np.exp(-TIME / b) + c + noise * rng.standard_normal((number, TIME.size))


def test_a_linear_problem_ends_at_its_normal_equations() -> None:
    rng = np.random.default_rng(1)
    slopes, right = rng.standard_normal((7, 12, 3)), rng.standard_normal((7, 12))

    def residuals(values: Floats, index: Any) -> tuple[Floats, Floats]:
        return (slopes[index] @ values[:, :, None])[:, :, 0] - right[index], slopes[index]

    found = solve(residuals, np.zeros((7, 3)), np.zeros(3, bool))
    exact = [np.linalg.lstsq(a, b)[0] for a, b in zip(slopes, right, strict=True)]
    assert found.converged.all()
    # the last step, which would gain less than 1e-10 of F, is not taken
    assert found.values == pytest.approx(np.array(exact), rel=1e-6, abs=1e-6)


def test_data_of_the_model_itself_give_back_its_values_from_far_starts() -> None:
    truth, measured = noisy_decays(200, 0.0)
    start = truth * np.exp(np.random.default_rng(2).standard_normal(truth.shape) * DECAY)
    found = solve(decays(measured), start, DECAY)
    assert found.converged.all()
    assert found.values == pytest.approx(truth, rel=1e-7)


def test_optima_agree_with_another_solver() -> None:
    truth, measured = noisy_decays(20, 0.05)
    found = solve(decays(measured), np.ones((20, 3)), DECAY)
    for row, values in zip(measured, found.values, strict=True):

        def other(v: Floats, row: Floats = row) -> Floats:
            residuals: Floats = decays(row[None])(v[None], np.array([0]))[0][0]
            return residuals

        # cost is flat at its optimum: two solvers agree in it far better than in the values
        assert values == pytest.approx(least_squares(other, truth[0], xtol=1e-12, ftol=1e-12).x, rel=1e-4, abs=1e-5)


def test_a_problem_ends_the_same_alone_and_among_many() -> None:
    _, measured = noisy_decays(50, 0.05)
    together = solve(decays(measured), np.ones((50, 3)), DECAY)
    alone = solve(decays(measured[17:18]), np.ones((1, 3)), DECAY)
    assert alone.values[0] == pytest.approx(together.values[17], rel=1e-12)
    assert alone.iterations[0] == together.iterations[17]


def test_problems_that_have_ended_are_not_evaluated_again() -> None:
    _, measured = noisy_decays(50, 0.05)
    counted = np.zeros(50, int)
    plain = decays(measured)

    def residuals(values: Floats, index: Any) -> tuple[Floats, Floats]:
        counted[index] += 1
        return plain(values, index)

    found = solve(residuals, np.ones((50, 3)), DECAY)
    assert np.array_equal(counted, found.iterations)
    assert counted.min() < counted.max()


def test_a_value_is_held_at_a_bound_and_the_others_are_optimal_beside_it() -> None:
    _, measured = noisy_decays(3, 0.01)
    high = np.array([np.inf, 0.25, np.inf])
    found = solve(decays(measured), np.array([[1.0, 0.2, 0.0]] * 3), DECAY, high=high)
    assert not found.free[:, 1].any()
    assert found.values[:, 1] == pytest.approx(0.25, rel=1e-12)
    e = np.exp(-TIME / 0.25)
    exact = [np.linalg.lstsq(np.stack([e, np.ones_like(e)], axis=1), row)[0] for row in measured]
    assert found.values[:, [0, 2]] == pytest.approx(np.array(exact), rel=1e-5, abs=1e-6)


def test_equal_bounds_hold_a_value_of_each_problem_at_its_own() -> None:
    _, measured = noisy_decays(4, 0.01)
    low, high = np.tile([0.0, 0.0, -np.inf], (4, 1)), np.full((4, 3), np.inf)
    low[:, 1] = high[:, 1] = [0.5, 1.0, 1.5, 2.0]
    found = solve(decays(measured), np.ones((4, 3)), DECAY, low=low, high=high)
    assert found.values[:, 1] == pytest.approx([0.5, 1.0, 1.5, 2.0], rel=1e-12)


def test_the_robust_loss_ignores_wild_points_and_keeps_its_efficiency_on_clean_ones() -> None:
    _, measured = noisy_decays(500, 0.05)
    wild = measured.copy()
    wild[:, [12, 20, 31]] += [5.0, -4.0, 6.0]
    cutoff = 2.385 * 0.05
    clean = solve(decays(measured), np.ones((500, 3)), DECAY).values
    robust = solve(decays(measured), np.ones((500, 3)), DECAY, cutoff=cutoff).values
    plain = solve(decays(wild), np.ones((500, 3)), DECAY).values
    held = solve(decays(wild), plain, DECAY, cutoff=cutoff).values
    # 2.385 is chosen for 95 % efficiency: the two estimates differ by sqrt(1/0.95 - 1) = 0.23 of the spread of one
    truth, _ = noisy_decays(500, 0.0)
    spread = (clean - truth).std(axis=0)
    assert ((robust - clean).std(axis=0) < 0.35 * spread).all()
    assert ((held - clean).std(axis=0) < 0.6 * spread).all()
    assert (np.abs(plain - clean).mean(axis=0) > spread).all()


def test_a_start_without_finite_residuals_does_not_converge_and_stops_nothing() -> None:
    _, measured = noisy_decays(2, 0.01)
    measured[0, 0] = np.nan
    found = solve(decays(measured), np.ones((2, 3)), DECAY)
    assert found.converged.tolist() == [False, True]


def test_a_value_without_effect_stays_where_it_started() -> None:
    def residuals(values: Floats, index: Any) -> tuple[Floats, Floats]:
        slopes = np.zeros((len(values), 2, 2))
        slopes[:, 0, 0] = 1.0
        return np.stack([values[:, 0] - 3.0, np.full(len(values), 0.1)], axis=1), slopes

    found = solve(residuals, np.array([[1.0, 7.0]]), np.array([True, True]))
    assert found.converged.all()
    assert found.values[0] == pytest.approx([3.0, 7.0], rel=1e-6)
