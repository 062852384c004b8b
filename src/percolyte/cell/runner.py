"""A cell on its mesh, which takes one step of a protocol after the other."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from percolyte.cell import control
from percolyte.cell.electrolyte import known_range
from percolyte.cell.electrolyte import mesh as salt_mesh
from percolyte.cell.model import SHELLS, Cell, PorousElectrode
from percolyte.cell.porous import mean_stoichiometry, new_state
from percolyte.cell.protocol import Step
from percolyte.cell.simulation import Profile, SaltHistory

STORAGE = 20_000
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
        state = new_state(mesh, np.array(ends))
        rest = [float(part.potential(np.array([x]))[0]) for part, x in zip(electrode.classes, ends, strict=True)]
        state.phi[:] = sum(rest) / len(rest)
        return state

    def profiles(self) -> tuple[Profile, ...]:
        """Where the lithium of the porous electrodes is now, the cathode first."""
        pairs = ((self.cathode, self.state), (self.anode, self.anode_state))[: len(self.cell.porous)]
        return tuple(self._profile(mesh, state) for mesh, state in pairs)

    def _profile(self, mesh: Any, state: Any) -> Profile:
        shells = state.q[0].copy() if mesh.diffusivity_table.size else None
        average = mean_stoichiometry(mesh, state).copy()
        return Profile(average, state.surface[0].copy(), shells, mesh.volumes / mesh.volumes.sum(), mesh.edges)

    def lithium(self) -> float:
        """Lithium in the particles of both electrodes, C/m2; a foil is not counted."""
        pairs = zip(self.cell.porous, self.profiles(), strict=True)
        return float(sum(profile.across @ profile.average @ electrode.sites for electrode, profile in pairs))

    def run(self, step: Step) -> tuple[Any, int]:
        """One protocol step from the present state: its rows, and how it ended."""
        cell = self.cell
        mode = {"current": control.CURRENT, "voltage": control.VOLTAGE, "power": control.POWER,
                "resistance": control.RESISTANCE, "profile": control.PROFILE}[step.mode]  # fmt: skip
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
        from percolyte.cell.salt import new_salt

        self.salt = new_salt(self.mesh, self.cathode.parts.size)
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


def running_integral(y: Any, x: Any) -> Any:
    """∫ y dx up to each point: trapezoids less h²/12 of the change of slope, of fourth order where x runs one way."""
    h = np.diff(x)
    areas = 0.5 * h * (y[1:] + y[:-1])
    if h.size > 1 and ((h > 0.0).all() or (h < 0.0).all()):
        areas -= h * h / 12.0 * np.diff(np.gradient(y, x, edge_order=2))
    return np.concatenate([[0.0], np.cumsum(areas)])[: x.size]
