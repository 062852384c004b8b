"""Cells with a binary salt in a polymer: a transference number below one, and c as an unknown.

A single-ion conductor needs none of this: `percolyte.cell.run` is the limit
t+ = 1 and several times faster. Equations: `percolyte.cell.salt_kernel`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from itertools import pairwise
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from percolyte.cell.model import SHELLS, Cell, PorousElectrode, sphere_modes
from percolyte.cell.run import Runner, _kernel
from percolyte.errors import InputError, Problem
from percolyte.units import FARADAY, GAS_CONSTANT

if TYPE_CHECKING:
    from percolyte.cell.kernel import Planar

Table: TypeAlias = tuple[tuple[float, float], ...]
Property: TypeAlias = float | Table
"""A constant, or points (c in mol/m3, value) in the order of c, straight between them and constant beyond."""

SaltOutcome = Literal["voltage limit", "time", "salt depleted", "no convergence"]

SEPARATOR_CELLS, CATHODE_CELLS = 20, 20
TOLERANCE = 5e-5
"""Error allowed in the stoichiometry of the surfaces per step."""
STORAGE = 20_000
POINTS = 2049
"""Of the kernel's tables against c, where a property varies."""


@dataclass(frozen=True)
class SaltElectrolyte:
    """A binary 1:1 salt in a polymer, without pores or fillers, at one temperature; SI.

    Conductivity, diffusivity, transference number and thermodynamic factor are
    the four of concentrated-solution theory (Doyle, Fuller, Newman,
    J. Electrochem. Soc. 140 (1993) 1526), each a constant or a table against c.
    The transference number is that of the cation against the polymer: neither
    the current fraction of Bruce and Vincent nor a ratio of self-diffusivities.

    Errors: InputError that names every value that cannot be used.
    """

    conductivity: Property
    """κ, S/m."""
    diffusivity: Property
    """D of the salt (of both ions together), m2/s."""
    transference_number: Property
    """t+; at most 1, and negative where clusters carry the current."""
    concentration: float
    """c of the rested cell, mol/m3."""
    thermodynamic_factor: Property = 1.0
    """1 + dlnf/dlnc; 1 for an ideal solution."""
    exchange_order: float = 0.5
    """i0 goes with (c/c at rest) to this power, at lithium and particles alike; 0 for none."""

    def __post_init__(self) -> None:
        problems = [problem for name in _BOUNDS for problem in _faults(name, getattr(self, name))]
        for name in ("concentration", "exchange_order"):
            value = getattr(self, name)
            if (
                not _numbers((value,))
                or not math.isfinite(value)
                or value < 0.0
                or (name == "concentration" and value == 0.0)
            ):
                kind = "a positive number of mol/m3, such as 1200" if name == "concentration" else "0.5, or 0 for none"
                problems.append(Problem(name, f"{value!r} is not {kind}"))
        if problems:
            raise InputError(problems)

    def at(self, name: str, c: float) -> float:
        """One of the four properties at a concentration."""
        return float(_curve(getattr(self, name), np.array([c]))[0])


_BOUNDS = {
    "conductivity": (1e-12, 1e3),
    "diffusivity": (1e-20, 1e-3),
    "transference_number": (-10.0, 1.0),
    "thermodynamic_factor": (1e-3, 1e3),
}
"""What the four properties may be."""


def _faults(name: str, value: Property) -> list[Problem]:
    low, high = _BOUNDS[name]
    rows = value if isinstance(value, tuple) else ((0.0, value),)
    if not rows or not all(isinstance(row, tuple) and len(row) == 2 and _numbers(row) for row in rows):
        return [Problem(name, "is neither a number nor a table ((c, value), (c, value), ...) with c in mol/m3")]
    found = [
        Problem(name, f"{number!r} is not between {low:g} and {high:g}, in SI units")
        for _, number in rows
        if not (math.isfinite(number) and low <= number <= high)
    ]
    if any(not (math.isfinite(c) and c >= 0.0) for c, _ in rows) or any(b[0] <= a[0] for a, b in pairwise(rows)):
        found.append(Problem(name, "the concentrations of its table do not rise from zero or more"))
    return found


def _numbers(row: tuple[object, ...]) -> bool:
    return all(isinstance(number, Real) for number in row)


def _curve(value: Property, c: Any) -> Any:
    """The property at an array of concentrations."""
    if not isinstance(value, tuple):
        return np.full(c.shape, float(value))
    x, y = zip(*value, strict=True)
    return np.interp(c, x, y)


@dataclass(frozen=True)
class SaltSimulation:
    """A discharge or charge at constant current, one row an accepted time step; SI."""

    outcome: SaltOutcome
    time: Any
    voltage: Any
    current: Any
    """A/m2, positive on discharge."""
    charge: Any
    """C/m2 passed since the start, positive on discharge."""
    position: Any
    """Centres of the cells from the lithium, m; the separator comes first."""
    concentration_start: Any
    """At those positions, mol/m3."""
    concentration_end: Any
    anode_concentration: Any
    """At the surface of the lithium, against time."""
    collector_concentration: Any
    """In the last cell of the cathode, against time."""
    least_concentration: Any
    """Anywhere, against time."""
    separator_loss: Any
    """Volts lost in the separator, against time, Ohm's law and the gradient of c together."""
    gradient_loss: Any
    """The part of them that is due to the gradient of c."""
    areal_capacity: float
    """C/m2, positive on discharge."""
    areal_energy: float
    """J/m2."""
    utilisation: float
    """Of the reversible capacity."""
    specific_capacity: float
    """C per kg of active material of the cathode."""
    salt_error: float
    """Relative error of the amount of salt."""
    lithium_error: float
    """Relative error of the lithium in the particles against the charge passed."""
    beyond: bool
    """Whether the salt left the concentrations of a table."""
    steps: int
    iterations: int

    @property
    def short_of_salt(self) -> bool:
        """Whether somewhere less than a hundredth of the salt was left at the end, or the run ended for lack of it."""
        gone = self.least_concentration.size and self.least_concentration[-1] < 0.01 * self.concentration_start[0]
        return bool(gone) or self.outcome == "salt depleted"


@dataclass(frozen=True)
class Polarisation:
    """Lithium | electrolyte | lithium at constant current, one row an accepted time step; SI."""

    outcome: SaltOutcome
    time: Any
    voltage: Any
    """Of the electrode where lithium dissolves against the other, V."""
    position: Any
    concentration_end: Any
    """At those positions, mol/m3."""
    stripped_concentration: Any
    """At the surface where lithium dissolves, against time."""
    plated_concentration: Any
    salt_error: float
    steps: int


def limiting_current(electrolyte: SaltElectrolyte, thickness: float, *, factor: float = 1.0) -> float:
    """Largest steady current through a layer between two lithium electrodes, A/m2.

    i = 2 F s D c / ((1 - t+) L), at which the linear steady profile falls to
    zero at the plated side. Holds for constant properties, taken at c at rest.
    With D = 2 D+ D-/(D+ + D-) of an ideal solution it is 4 F D+ c/L. Limit:
    t+ = 1 has none (infinity).

    Source: Brissot, Rosso, Chazalviel, Lascaud, J. Power Sources 81-82 (1999) 925.
    """
    c = electrolyte.concentration
    anions = 1.0 - electrolyte.at("transference_number", c)
    _positive("thickness", thickness)
    if anions <= 0.0:
        return math.inf
    return 2.0 * FARADAY * factor * electrolyte.at("diffusivity", c) * c / (anions * thickness)


def sand_time(electrolyte: SaltElectrolyte, current: float, *, factor: float = 1.0, fraction: float = 1.0) -> float:
    """Time after which the salt at a plated surface is used up, s.

    τ = π ε s D (F c / 2 (1 - t+) i)². Holds for constant properties while the
    other end is far, that is well above the limiting current. Limit: t+ = 1
    never (infinity).

    Source: Sand, Phil. Mag. 1 (1901) 45; with the transference number as in
    Brissot, Rosso, Chazalviel, Lascaud, J. Power Sources 81-82 (1999) 925.
    """
    c = electrolyte.concentration
    anions = 1.0 - electrolyte.at("transference_number", c)
    _positive("current", current)
    if anions <= 0.0:
        return math.inf
    ratio = FARADAY * c / (2.0 * anions * current)
    return math.pi * fraction * factor * electrolyte.at("diffusivity", c) * ratio * ratio


def simulate_salt(
    cell: Cell,
    electrolyte: SaltElectrolyte,
    separator_thickness: float,
    *,
    electrolyte_fraction: float,
    c_rate: float | None = None,
    current: float | None = None,
    cut_off: float | None = None,
    separator_fraction: float = 1.0,
    cathode_factor: float | None = None,
    separator_factor: float | None = None,
    cells: int = CATHODE_CELLS,
    separator_cells: int = SEPARATOR_CELLS,
    shells: int = SHELLS,
    rtol: float = TOLERANCE,
) -> SaltSimulation:
    """Discharge a charged cell with a salt in a polymer, at constant current.

    `current` in A/m2 or `c_rate` in 1/h; a negative one charges the discharged
    cell. `electrolyte_fraction` and `separator_fraction` are the volume
    fractions of the electrolyte in the cathode and in the separator. The
    effective-transport factors s, of both conductivity and diffusivity, are by
    default those that the cell's own effective conductivities stand for:
    σ_ion/κ in the cathode and L/(κ R) in the separator.

    Equations: see `percolyte.cell.salt_kernel`. Holds for a lithium-metal
    anode, isothermal, without convection of the polymer. Limit: t+ = 1 is
    `percolyte.cell.run.simulate` with the same κ. Lack of salt ends a run as
    'salt depleted' or, earlier, at the voltage limit; it raises nothing.

    Errors: InputError for a porous anode, or factors that are not between 0 and 1.
    """
    if isinstance(cell.anode, PorousElectrode):
        raise InputError("a salt in a polymer is simulated against lithium metal only; give a planar anode")
    total = _current(cell, c_rate, current)
    _positive("separator_thickness", separator_thickness)
    kappa = electrolyte.at("conductivity", electrolyte.concentration)
    if cathode_factor is None:
        cathode_factor = cell.cathode.ionic / kappa
    if separator_factor is None:
        resistance = cell.separator_resistance
        separator_factor = separator_thickness / (kappa * resistance) if resistance > 0.0 else 1.0
    given = {
        "electrolyte_fraction": electrolyte_fraction,
        "separator_fraction": separator_fraction,
        "cathode_factor": cathode_factor,
        "separator_factor": separator_factor,
    }
    _check_fractions(given)
    layers = [
        (separator_cells, separator_thickness, separator_fraction, separator_factor),
        (cells, cell.cathode.thickness, electrolyte_fraction, cathode_factor),
    ]
    runner = Runner(cell, cells=cells, shells=shells)
    # finite volumes, as the salt needs them, in place of the points of the single-ion model
    runner.cathode = runner.cathode._replace(volumes=np.full(cells, cell.cathode.thickness / cells))
    runner.reset(charged=total > 0.0)
    runner._start(total)
    start = runner.lithium()
    low, high = (cell.cut_off, cell.upper_limit) if cut_off is None else (cut_off, cut_off)
    found = _run(
        electrolyte, layers, runner.cathode, runner.state, cell.anode, cell.contact_resistance,
        total, low, high, 3.0 * cell.areal_capacity / abs(total), rtol,
    )  # fmt: skip
    return _simulation(cell, electrolyte, found, total, runner.lithium() - start, start)


def _simulation(
    cell: Cell, electrolyte: SaltElectrolyte, found: _Found, total: float, gained: float, start: float
) -> SaltSimulation:
    """The result of a run in which the particles, with `start` C/m2 of lithium in them, gained some."""
    time, volts, charge, at_anode, at_collector, least, separator, gradient = found.rows.T
    passed = float(charge[-1]) if charge.size else 0.0
    return SaltSimulation(
        outcome=found.outcome,
        time=time,
        voltage=volts,
        current=np.full(time.size, total),
        charge=charge,
        position=found.position,
        concentration_start=np.full(found.position.size, electrolyte.concentration),
        concentration_end=found.concentration,
        anode_concentration=at_anode,
        collector_concentration=at_collector,
        least_concentration=least,
        separator_loss=separator,
        gradient_loss=gradient,
        areal_capacity=passed,
        areal_energy=float(np.trapezoid(volts, time)) * total if time.size > 1 else 0.0,
        utilisation=passed / cell.areal_capacity,
        specific_capacity=passed / cell.loading,
        salt_error=found.salt_error,
        lithium_error=(gained - passed) / max(abs(start), abs(passed), 1e-30),
        beyond=found.beyond,
        steps=found.steps,
        iterations=found.iterations,
    )


def polarise(
    electrolyte: SaltElectrolyte,
    thickness: float,
    current: float,
    duration: float,
    *,
    lithium: Planar | None = None,
    temperature: float = 298.15,
    factor: float = 1.0,
    fraction: float = 1.0,
    cells: int = 2 * SEPARATOR_CELLS,
    rtol: float = TOLERANCE,
) -> Polarisation:
    """Constant current through a layer of electrolyte between two lithium electrodes.

    `lithium` gives kinetics and interphase of both; without it they cost
    nothing. Below `limiting_current` a linear profile is reached after some
    L²/D, above it the salt is used up, at `sand_time` if that is short.

    Limit: the steady voltage of a small current is 1 + Ne times the first one,
    Ne = 2 κ R T (1 - t+)² (1 + dlnf/dlnc) / (F² D c), Balsara and Newman,
    J. Electrochem. Soc. 162 (2015) A2720.

    Errors: InputError for a thickness, current or duration that is not positive.
    """
    for name, value in (("thickness", thickness), ("current", current), ("duration", duration)):
        _positive(name, value)
    _check_fractions({"factor": factor, "fraction": fraction})
    kernel = _kernel()
    lithium = kernel.Planar(0.0, 1e12, 0.0, temperature) if lithium is None else lithium
    none = _no_electrode(kernel, lithium.temperature)
    layers = [(cells, thickness, fraction, factor)]
    found = _run(
        electrolyte, layers, none, kernel.new_state(none, np.zeros(1)), lithium, 0.0,
        current, -10.0, 10.0, duration, rtol,
    )  # fmt: skip
    return Polarisation(
        outcome=found.outcome,
        time=found.rows[:, 0],
        voltage=-found.rows[:, 1],
        position=found.position,
        concentration_end=found.concentration,
        stripped_concentration=found.rows[:, 3],
        plated_concentration=found.rows[:, 4],
        salt_error=found.salt_error,
        steps=found.steps,
    )


def _no_electrode(kernel: Any, temperature: float) -> Any:
    """A porous electrode without a cell."""
    return kernel.Electrode(
        volumes=np.zeros(0), ionic=1.0, electronic=1.0, temperature=temperature, law=kernel.BUTLER_VOLMER,
        reorganisation=1.0, parts=np.ones(1, kernel.PART).view(np.recarray), curves=np.ones((1, kernel.TABLE, 4)),
        diffusivity_table=np.empty((0, 0)), edges=np.linspace(0.0, 1.0, 4), modes=sphere_modes(1.0),
    )  # fmt: skip


def _current(cell: Cell, c_rate: float | None, current: float | None) -> float:
    if (c_rate is None) == (current is None):
        raise InputError("give either c_rate in 1/h or current in A/m2")
    total = current if current is not None else float(c_rate or 0.0) * cell.one_c
    if not math.isfinite(total) or total == 0.0:
        raise InputError("a current of zero moves nothing; give for example c_rate=0.2")
    return total


def _positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0.0):
        raise InputError([Problem(name, f"{value!r} is not a positive number in SI units")])


def _check_fractions(given: dict[str, float]) -> None:
    """All of them between 0 and 1, with rounding let pass."""
    problems = [
        Problem(
            name,
            f"{value:.4g} is not between 0 and 1; a factor above 1 means that the cell's effective conductivity "
            "is higher than the electrolyte's",
        )
        for name, value in given.items()
        if not 0.0 < value <= 1.001
    ]
    if problems:
        raise InputError(problems)


@dataclass(frozen=True)
class _Found:
    """What the compiled run leaves."""

    outcome: SaltOutcome
    rows: Any
    position: Any
    concentration: Any
    salt_error: float
    beyond: bool
    steps: int
    iterations: int


def _run(
    electrolyte: SaltElectrolyte,
    layers: list[tuple[int, float, float, float]],
    electrode: Any,
    state: Any,
    lithium: Any,
    contact: float,
    total: float,
    low: float,
    high: float,
    longest: float,
    rtol: float,
) -> _Found:
    """Mesh the layers (cells, thickness, fraction, factor), and run."""
    from percolyte.cell import salt_kernel

    mesh = _mesh(salt_kernel, electrolyte, layers, electrode.temperature)
    salt = salt_kernel.new_salt(mesh, electrode.parts.size)
    held = mesh.fraction * mesh.width
    start = float(held @ salt.c)
    out, counts = np.zeros((STORAGE, salt_kernel.COLUMNS)), np.zeros(3)
    written, end = salt_kernel.run(
        mesh, salt, electrode, state, lithium, contact, total, low, high, longest, rtol, longest / 60.0, out, counts
    )
    ends: dict[int, SaltOutcome] = {
        salt_kernel.TIME: "time",
        salt_kernel.LOW: "voltage limit",
        salt_kernel.HIGH: "voltage limit",
        salt_kernel.DEPLETED: "salt depleted",
    }
    rows = out[:written].copy()
    least, most = _range(electrolyte)
    seen = np.concatenate([salt.c, rows[:, 3], rows[:, 4], rows[:, 5]])
    return _Found(
        outcome=ends.get(end, "no convergence"),
        rows=rows,
        position=np.cumsum(mesh.width) - 0.5 * mesh.width,
        concentration=salt.c.copy(),
        salt_error=(float(held @ salt.c) - start) / start,
        beyond=bool(seen.min() < least or seen.max() > most),
        steps=int(counts[0]),
        iterations=int(counts[1]),
    )


def _mesh(salt_kernel: Any, electrolyte: SaltElectrolyte, layers: list[Any], temperature: float) -> Any:
    """The layers on their cells, and the properties as tables against c."""
    counts, thicknesses, fractions, factors = (np.array(part) for part in zip(*layers, strict=True))
    if counts[0] < 2 or counts.min() < 1:
        raise InputError("a mesh needs two cells at least in the separator, and one in the cathode")
    c, step = _grid(electrolyte)
    anions = 1.0 - _curve(electrolyte.transference_number, c)
    thermal = 2.0 * GAS_CONSTANT * temperature / FARADAY
    tables = [
        _curve(electrolyte.conductivity, c),
        _curve(electrolyte.diffusivity, c),
        anions,
        thermal * anions * _curve(electrolyte.thermodynamic_factor, c),
    ]
    return salt_kernel.Electrolyte(
        separator=int(counts[0]),
        width=np.repeat(thicknesses / counts, counts),
        fraction=np.repeat(fractions, counts),
        factor=np.repeat(factors, counts),
        rest=electrolyte.concentration,
        order=electrolyte.exchange_order,
        low=float(c[0]),
        step=step,
        tables=np.array(tables),
    )


def _tables(electrolyte: SaltElectrolyte) -> Iterable[Table]:
    values = [getattr(electrolyte, field.name) for field in fields(electrolyte)]
    return [value for value in values if isinstance(value, tuple) and len(value) > 1]


def _grid(electrolyte: SaltElectrolyte) -> tuple[Any, float]:
    """Concentrations of the kernel's tables: over all that the properties' own tables cover."""
    tables = _tables(electrolyte)
    if not tables:
        return np.array([0.0, 1.0]), 1.0
    low, high = min(table[0][0] for table in tables), max(table[-1][0] for table in tables)
    return np.linspace(low, high, POINTS), (high - low) / (POINTS - 1)


def _range(electrolyte: SaltElectrolyte) -> tuple[float, float]:
    """Concentrations that every table covers."""
    tables = list(_tables(electrolyte))
    return max((table[0][0] for table in tables), default=0.0), min(
        (table[-1][0] for table in tables), default=math.inf
    )
