"""Simulating a cell: one protocol, or a discharge at each of many rates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from percolyte.cell.control import CAPACITY, DEPLETED, HIGH, LOW, TAPER, TIME
from percolyte.cell.model import SHELLS, Cell, ParticleClass, PorousElectrode
from percolyte.cell.protocol import Step, discharge
from percolyte.cell.runner import Runner, compiled, runner_of
from percolyte.cell.simulation import LOSSES, SALT_LOSS, Outcome, Profile, Simulation, StepResult
from percolyte.errors import InputError

BEYOND = 0.02
"""Stoichiometry by which a surface may leave the known range of the potential unmentioned."""
_ENDS = {
    TIME: "time", LOW: "lower voltage", HIGH: "upper voltage", CAPACITY: "capacity", TAPER: "current",
    DEPLETED: "salt depleted",
}  # fmt: skip
"""Why a step ended."""


def simulate(
    cell: Cell, protocol: Sequence[Step], *, cells: int | None = None, shells: int = SHELLS, rtol: float | None = None
) -> Simulation:
    """Run a protocol on a rested, charged cell.

    Equations: see `percolyte.cell.kernel`, and `percolyte.cell.salt_kernel` for
    a cell with a salt, which in the limit t+ = 1 is the former. Holds
    isothermal, without ageing. The outcome is 'done', or 'no convergence' if
    a step could not be solved; the rows up to there are kept.

    Errors: InputError for an empty protocol.
    """
    if not protocol:
        raise InputError("the protocol is empty; write for example 'discharge at 1C until 2.5 V'")
    runner = runner_of(cell, cells=cells, shells=shells, rtol=rtol)
    return collect(runner, protocol)


def collect(runner: Runner, protocol: Sequence[Step]) -> Simulation:
    """Run the steps of a protocol one after the other and put their rows together."""
    start, before = runner.lithium(), runner.profiles()
    parts, numbers, results = [], [], []
    outcome: Outcome = "done"
    passed, elapsed, given, steps, iterations = 0.0, 0.0, 0.0, 0, 0
    for number, step in enumerate(protocol):
        rows, end = runner.run(step)
        results.append(_step_result(step, rows, _ENDS.get(end, "no convergence")))
        if rows.shape[0]:
            rows[:, 0] += elapsed
            rows[:, 3] += passed
            rows[:, -1] += given
            elapsed, passed, given = (float(rows[-1, column]) for column in (0, 3, -1))
            parts.append(rows)
            numbers.append(np.full(rows.shape[0], number))
        steps += int(runner.counts[0])
        iterations += int(runner.counts[1])
        if end not in _ENDS:
            outcome = "no convergence"
            break
    data = np.concatenate(parts) if parts else np.zeros((0, runner.out.shape[1] + 1))
    flat = np.concatenate(numbers) if numbers else np.zeros(0)
    found = _result(runner, outcome, data, flat, start, before, steps, iterations)
    salt = runner.salt_history(data, any(result.end == "salt depleted" for result in results))
    return replace(found, protocol=tuple(results), salt=salt)


def _step_result(step: Step, rows: Any, end: str) -> StepResult:
    """One step from its rows, whose time and charge begin at zero."""
    if rows.shape[0] < 2:
        volts = float(rows[0, 1]) if rows.shape[0] else math.nan
        return StepResult(step.words, end if end == "no convergence" else "limit passed at once", 0.0, volts, 0.0, 0.0)
    return StepResult(step.words, end, *(float(rows[-1, column]) for column in (0, 1, 3, -1)))


def _result(
    runner: Runner,
    outcome: Outcome,
    data: Any,
    numbers: Any,
    start: float,
    before: tuple[Profile, ...],
    steps: int,
    iterations: int,
) -> Simulation:
    cell = runner.cell
    time, volts, current, charge, energy = (data[:, column] for column in (0, 1, 2, 3, -1))
    passed = float(charge[-1]) if charge.size else 0.0
    moved = np.diff(charge)
    work = np.diff(energy)
    out = moved > 0.0
    discharged = float(moved[out].sum())
    expected = start + (0.0 if runner.porous else passed)
    scale = max(abs(start), abs(passed), 1e-30)
    names = LOSSES if runner.cell.salt is None else (*LOSSES, SALT_LOSS)
    losses = dict(zip(names, data[:, 6 : 6 + len(names)].T, strict=True))
    return Simulation(
        outcome=outcome,
        time=time,
        voltage=volts,
        current=current,
        charge=charge,
        energy=energy,
        step=numbers,
        losses=losses,
        areal_capacity=discharged,
        areal_energy=float(work[out].sum()),
        charged_capacity=-float(moved[~out].sum()),
        charged_energy=-float(work[~out].sum()),
        utilisation=discharged / cell.areal_capacity,
        specific_capacity=discharged / cell.loading,
        lithium_error=(runner.lithium() - expected) / scale,
        beyond=_beyond(runner),
        protocol=(),
        before=before,
        after=runner.profiles(),
        steps=steps,
        iterations=iterations,
    )


def _beyond(runner: Runner) -> bool:
    """Whether a particle surface ended outside the range of its potential's source."""
    pairs = [(runner.cell.cathode, runner.state)]
    if isinstance(runner.cell.anode, PorousElectrode):
        pairs.append((runner.cell.anode, runner.anode_state))
    for electrode, state in pairs:
        for index, part in enumerate(electrode.classes):
            surface = state.surface[0, :, index]
            if surface.size and (surface.min() < part.trusted[0] - BEYOND or surface.max() > part.trusted[1] + BEYOND):
                return True
    return False


def rate_capability(
    cell: Cell, rates: Sequence[float], *, cut_off: float | None = None, cells: int | None = None, shells: int = SHELLS
) -> list[Simulation]:
    """A discharge from the charged state at each C-rate."""
    if not rates or any(not (math.isfinite(rate) and rate > 0.0) for rate in rates):
        raise InputError("C-rates are positive numbers, such as 0.1, 1, 3")
    runner = runner_of(cell, cells=cells, shells=shells)
    found = []
    for rate in rates:
        runner.reset()
        found.append(collect(runner, [discharge(rate, cut_off if cut_off is not None else cell.cut_off)]))
    return found


def warm_up() -> float:
    """Compile the equations by one short run; the seconds that it took."""
    from time import perf_counter

    start = perf_counter()
    part = ParticleClass("any", 2e-6, 0.5, 1e-14, 5e4, 1.0, lambda x: 4.3 - np.asarray(x), 0.2, 0.9)
    electrode = PorousElectrode(5e-5, 0.05, 1.0, (part,))
    cell = Cell(
        electrode, compiled().Planar(0.0, 10.0, 0.0, 298.15), 1e-3, 0.0, 298.15, electrode.capacity, 0.1, 2.5, 4.5
    )
    rate_capability(cell, [1.0])
    return perf_counter() - start
