"""Simulating a cell: one protocol, or a discharge at each of many rates."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from percolyte.cell.electrolyte import known_range
from percolyte.cell.electrolyte import mesh as salt_mesh
from percolyte.cell.model import SHELLS, Cell, ParticleClass, PorousElectrode
from percolyte.cell.protocol import Step, discharge
from percolyte.errors import InputError

Outcome = Literal["done", "no convergence"]

STORAGE = 20_000
BEYOND = 0.02
"""Stoichiometry by which a surface may leave the known range of the potential unmentioned."""
TOLERANCE = 2e-4
"""Error allowed in the stoichiometry of the surface per step."""
SALT_CELLS, SALT_TOLERANCE = 20, 5e-5
"""Where a salt moves: cells of the separator, and of the cathode, and the error allowed as above."""


def compiled() -> Any:
    """The compiled equations, with a cache folder that can be written."""
    if "NUMBA_CACHE_DIR" not in os.environ and not os.access(Path(__file__).parent, os.W_OK):
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = home / "percolyte"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            folder = Path(tempfile.gettempdir()) / f"percolyte-{os.getuid() if hasattr(os, 'getuid') else 'cache'}"
        os.environ["NUMBA_CACHE_DIR"] = str(folder)
    from percolyte.cell import kernel

    return kernel


@dataclass(frozen=True)
class StepResult:
    """How one step of a protocol went."""

    words: str
    end: str
    """Why it ended; 'limit passed at once' where there was nothing to do."""
    duration: float
    """s"""
    end_voltage: float
    charge: float
    """C/m2, positive on discharge."""
    energy: float
    """J/m2, positive on discharge."""


@dataclass(frozen=True)
class Profile:
    """Where the lithium of one electrode is.

    In particles of constant diffusivity, whose state is the mean and the
    surface, the stoichiometry is the parabola between them that a steady
    current ends in: exact then and at rest, too much held in between for some
    R²/(20 D) after a change of the current.
    """

    average: Any
    """Mean stoichiometry of the particles: points across × classes."""
    surface: Any
    """At their surfaces, likewise."""
    shells: Any
    """Of the shells, where the diffusivity varies: points across × classes × shells; else None."""
    across: Any
    """Share of each point across in the thickness."""
    edges: Any
    """Of the shells, over the radius."""

    @property
    def x(self) -> Any:
        """Stoichiometry: points across × classes × points of a particle."""
        if self.shells is not None:
            return self.shells
        rise = self.surface - self.average
        return self.average[:, :, None] + rise[:, :, None] * 2.5 * (_gauss()[0] ** 2 - 0.6)

    def mean(self, values: Any) -> Any:
        """The mean of each class, of values of the shape of `x`."""
        points = np.diff(self.edges**3) if self.shells is not None else _gauss()[1]
        return np.einsum("kjm,k,m->j", values, self.across, points)


@lru_cache(maxsize=1)
def _gauss() -> tuple[Any, Any]:
    """Radii in a sphere and their shares in its volume, by Gauss and Legendre; exact for a parabola squared."""
    x, weights = np.polynomial.legendre.leggauss(6)
    radius = 0.5 * (x + 1.0)
    return radius, 1.5 * radius**2 * weights


@dataclass(frozen=True)
class SaltHistory:
    """What the salt of a polymer did, one row an accepted time step; SI."""

    rest: float
    """Concentration of the rested cell, mol/m3."""
    position: Any
    """Centres of the cells from the lithium, m; the separator comes first."""
    concentration_end: Any
    """At those positions."""
    anode_concentration: Any
    """At the surface of the lithium, against time."""
    collector_concentration: Any
    """In the last cell of the cathode, against time."""
    least_concentration: Any
    """Anywhere, against time."""
    error: float
    """Relative error of the amount of salt."""
    beyond: bool
    """Whether the salt left the concentrations of a table."""
    depleted: bool
    """Whether a step ended for lack of salt at the lithium."""

    @property
    def short(self) -> bool:
        """Whether somewhere less than a hundredth of the salt was left at some time, or a step ended for lack of it."""
        least = self.least_concentration
        return self.depleted or bool(least.size and least.min() < SHORT * self.rest)


SHORT = 0.01
"""Concentration over that at rest below which a cell is short of salt."""


@dataclass(frozen=True)
class Simulation:
    """What a cell did, one row an accepted time step; SI."""

    outcome: Outcome
    time: Any
    voltage: Any
    current: Any
    """A/m2, positive on discharge."""
    charge: Any
    """C/m2 passed since the start, positive on discharge."""
    energy: Any
    """J/m2 given out since the start."""
    step: Any
    """Number of the protocol step of each row."""
    losses: dict[str, Any]
    """Volts lost at each time to each process, see `LOSSES`."""
    areal_capacity: float
    """Discharged, in all steps together, C/m2."""
    areal_energy: float
    """Discharged, J/m2."""
    charged_capacity: float
    charged_energy: float
    utilisation: float
    """Discharged capacity over the reversible one."""
    specific_capacity: float
    """Discharged C per kg of active material of the cathode."""
    lithium_error: float
    """Relative error of the lithium inventory."""
    beyond: bool
    """Whether a particle surface left the stoichiometries for which its potential is known."""
    protocol: tuple[StepResult, ...]
    before: tuple[Profile, ...]
    """Of the porous electrodes, the cathode first."""
    after: tuple[Profile, ...]
    steps: int
    iterations: int
    salt: SaltHistory | None = None
    """Where anions move too; None for a single-ion electrolyte."""

    @property
    def model(self) -> Literal["single-ion electrolyte", "salt in a polymer"]:
        """Which equations were solved."""
        return "single-ion electrolyte" if self.salt is None else "salt in a polymer"


LOSSES = (
    "separator and contacts",
    "ions in the cathode",
    "electrons in the cathode",
    "kinetics of the cathode",
    "diffusion in the cathode particles",
    "ions in the anode",
    "electrons in the anode",
    "kinetics of the anode",
    "diffusion in the anode particles",
)
"""Where voltage is lost, in the order of the kernel's columns."""
SALT_LOSS = "salt concentration"
"""The column after them in a cell with a salt: gradients of c, and what a c other than that at rest changes."""


class Runner:
    """A cell on its mesh, with the state it is in."""

    tolerance = TOLERANCE

    def __init__(
        self, cell: Cell, *, cells: int | None = None, shells: int = SHELLS, rtol: float | None = None
    ) -> None:
        self.kernel = compiled()
        self.cell = cell
        self.rtol = self.tolerance if rtol is None else rtol
        self.cathode = self._cathode_mesh(cells, shells)
        self.porous = isinstance(cell.anode, PorousElectrode)
        if isinstance(cell.anode, PorousElectrode):
            self.anode = cell.anode.mesh(cell.temperature, cells, shells)
            self.planar = self.kernel.Planar(0.0, 1.0, 0.0, cell.temperature)
        else:
            self.anode, self.planar = self.cathode, cell.anode
        self.out = np.empty((STORAGE, self.kernel.COLUMNS))
        self.reset()

    def _cathode_mesh(self, cells: int | None, shells: int) -> Any:
        return self.cell.cathode.mesh(self.cell.temperature, cells, shells)

    def reset(self, *, charged: bool = True) -> None:
        """Back to rest at one end of the windows."""
        self.state = self._rested(self.cathode, self.cell.cathode, charged)
        self.anode_state = self._rested(self.anode, self.cell.anode, charged) if self.porous else self.state
        self.current = 0.0

    def _rested(self, mesh: Any, electrode: Any, charged: bool) -> Any:
        ends = [part.charged if charged else part.discharged for part in electrode.classes]
        state = self.kernel.new_state(mesh, np.array(ends))
        rest = [float(part.potential(np.array([x]))[0]) for part, x in zip(electrode.classes, ends, strict=True)]
        state.phi[:] = sum(rest) / len(rest)
        return state

    def profiles(self) -> tuple[Profile, ...]:
        """Where the lithium of the porous electrodes is now, the cathode first."""
        pairs = ((self.cathode, self.state), (self.anode, self.anode_state))[: len(self.cell.porous)]
        return tuple(self._profile(mesh, state) for mesh, state in pairs)

    def _profile(self, mesh: Any, state: Any) -> Profile:
        shells = state.q[0].copy() if mesh.diffusivity_table.size else None
        average = self.kernel.mean_stoichiometry(mesh, state).copy()
        return Profile(average, state.surface[0].copy(), shells, mesh.volumes / mesh.volumes.sum(), mesh.edges)

    def lithium(self) -> float:
        """Lithium in the particles of both electrodes, C/m2; a foil is not counted."""
        pairs = zip(self.cell.porous, self.profiles(), strict=True)
        return float(sum(profile.across @ profile.average @ electrode.sites for electrode, profile in pairs))

    def run(self, step: Step) -> tuple[Any, int]:
        """One protocol step from the present state: its rows, and how it ended."""
        kernel, cell = self.kernel, self.cell
        mode = {"current": kernel.CURRENT, "voltage": kernel.VOLTAGE, "power": kernel.POWER,
                "resistance": kernel.RESISTANCE, "profile": kernel.PROFILE}[step.mode]  # fmt: skip
        goal = step.current.density(cell.one_c) if step.mode == "current" else step.goal
        times = np.array([row[0] for row in step.profile] or [0.0])
        values = np.array([row[1] for row in step.profile] or [0.0])
        longest = (
            step.duration if step.duration is not None else (times[-1] if step.profile else self._longest(goal, step))
        )
        falling = step.until_voltage is not None and (goal > 0 or step.mode in ("power", "resistance"))
        guess = self.current or self._guess(step)
        self._start(goal if step.mode == "current" else guess)
        rows, end = self._advance(
            mode, goal, times, values, guess,
            step.until_voltage if falling else cell.cut_off,
            step.until_voltage if step.until_voltage is not None and not falling else cell.upper_limit,
            longest, step.until_charge or 0.0,
            step.until_current.density(cell.one_c) if step.until_current else 0.0,
            self.rtol, self._largest(goal, step), self.out, counts := np.zeros(3),
        )  # fmt: skip
        self.counts = counts
        found = np.column_stack([self.out[:rows], running_integral(self.out[:rows, 1], self.out[:rows, 3])])
        if rows:
            self.current = float(found[-1, 2])
        return found, int(end)

    def _advance(self, *step: Any) -> tuple[int, int]:
        """The compiled equations."""
        found: tuple[int, int] = self.kernel.run_step(
            self.cathode, self.state, self.porous, self.anode, self.anode_state, self.planar,
            self.cell.series_resistance, *step,
        )  # fmt: skip
        return found

    def salt_history(self, rows: Any, depleted: bool) -> SaltHistory | None:
        """What the salt did; None where there is none."""
        return None

    def _start(self, total: float) -> None:
        """Reasonable current densities where there are none yet."""
        for mesh, state, share in ((self.cathode, self.state, total), (self.anode, self.anode_state, -total)):
            if state is self.state and mesh is not self.cathode:
                continue
            if not state.current.any():
                state.current[:] = share / (mesh.parts.area.sum() * mesh.volumes.sum())
            if not self.porous:
                break

    def _guess(self, step: Step) -> float:
        volts = self.cell.open_circuit_voltage(charged=True)
        if step.mode == "power":
            return step.goal / volts
        return volts / step.goal if step.mode == "resistance" else 0.1 * self.cell.one_c

    def _longest(self, goal: float, step: Step) -> float:
        """Three times as long as the capacity lasts."""
        drawn = abs(goal) if step.mode == "current" and goal else self.cell.one_c / 50.0
        return 3.0 * self.cell.areal_capacity / drawn if drawn else 3.6e6

    def _largest(self, goal: float, step: Step) -> float:
        if step.profile:
            gaps = np.diff([row[0] for row in step.profile])
            return float(gaps.min()) if gaps.size else 1.0
        if step.duration is not None:
            return step.duration / 10.0
        drawn = abs(goal) if step.mode == "current" and goal else self.cell.one_c
        return self.cell.areal_capacity / drawn / 20.0


class SaltRunner(Runner):
    """A cell whose electrolyte is a salt in a polymer, see `percolyte.cell.salt_kernel`."""

    tolerance = SALT_TOLERANCE

    def __init__(
        self, cell: Cell, *, cells: int | None = None, shells: int = SHELLS, rtol: float | None = None
    ) -> None:
        assert cell.salt is not None
        from percolyte.cell import salt_kernel

        cells = SALT_CELLS if cells is None else cells
        self.equations, self.filling = salt_kernel, cell.salt
        separator, cathode = self.filling.factors(cell.separator_resistance, cell.cathode.ionic)
        layers = [
            (cells, self.filling.separator_thickness, self.filling.separator_fraction, separator),
            (cells, cell.cathode.thickness, self.filling.cathode_fraction, cathode),
        ]
        self.mesh = salt_mesh(self.filling.electrolyte, layers, cell.temperature)
        self.held = self.mesh.fraction * self.mesh.width
        super().__init__(cell, cells=cells, shells=shells, rtol=rtol)
        self.out = np.empty((STORAGE, salt_kernel.COLUMNS))

    def _cathode_mesh(self, cells: int | None, shells: int) -> Any:
        mesh = super()._cathode_mesh(cells, shells)
        # finite volumes, as the salt needs them, in place of the points of the single-ion model
        return mesh._replace(volumes=self.mesh.width[self.mesh.separator :])

    def reset(self, *, charged: bool = True) -> None:
        super().reset(charged=charged)
        self.salt = self.equations.new_salt(self.mesh, self.cathode.parts.size)
        self.amount = float(self.held @ self.salt.c)

    def _advance(self, *step: Any) -> tuple[int, int]:
        found: tuple[int, int] = self.equations.run_step(
            self.mesh, self.salt, self.cathode, self.state, self.planar, self.cell.contact_resistance, *step
        )
        return found

    def salt_history(self, rows: Any, depleted: bool) -> SaltHistory:
        low, high = known_range(self.filling.electrolyte)
        seen = np.concatenate([self.salt.c, *rows[:, 16:19].T])
        return SaltHistory(
            rest=self.mesh.rest,
            position=np.cumsum(self.mesh.width) - 0.5 * self.mesh.width,
            concentration_end=self.salt.c.copy(),
            anode_concentration=rows[:, 16],
            collector_concentration=rows[:, 17],
            least_concentration=rows[:, 18],
            error=float(self.held @ self.salt.c) / self.amount - 1.0,
            beyond=bool(seen.min() < low or seen.max() > high),
            depleted=depleted,
        )


def runner_of(cell: Cell, *, cells: int | None = None, shells: int = SHELLS, rtol: float | None = None) -> Runner:
    """The cell on its mesh, with the equations that its electrolyte asks for."""
    kind = Runner if cell.salt is None else SaltRunner
    return kind(cell, cells=cells, shells=shells, rtol=rtol)


_ENDS = {1: "time", 2: "lower voltage", 3: "upper voltage", 4: "capacity", 5: "current", 8: "salt depleted"}
"""Why a step ended, by the kernel's number."""


def running_integral(y: Any, x: Any) -> Any:
    """∫ y dx up to each point: trapezoids less h²/12 of the change of slope, of fourth order where x runs one way."""
    h = np.diff(x)
    areas = 0.5 * h * (y[1:] + y[:-1])
    if h.size > 1 and ((h > 0.0).all() or (h < 0.0).all()):
        areas -= h * h / 12.0 * np.diff(np.gradient(y, x, edge_order=2))
    return np.concatenate([[0.0], np.cumsum(areas)])[: x.size]


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
