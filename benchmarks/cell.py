"""How long percolyte's cell model takes, beside a tuned PyBaMM, and how often it fails on random cells.

One run measures everything in rounds that visit every contender once, in an
order that rotates. Wall seconds, single thread. See README.md beside this file.
"""

from __future__ import annotations

import os

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
)

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date

import numba
import numpy as np
from rival import RIVAL_PYTHON, Rival
from scipy.interpolate import CubicSpline

import percolyte
from percolyte.cell.kernel import Planar
from percolyte.cell.model import Cell, ParticleClass, PorousElectrode
from percolyte.cell.protocol import Step, discharge, parse_protocol
from percolyte.cell.run import rate_capability, simulate
from percolyte.cell.simulation import Simulation

RATES = tuple(float(rate) for rate in np.geomspace(0.05, 5.0, 10))
FINE = {"cells": 40, "rtol": 2e-5}
CYCLE = "discharge at 1C until 2.5 V\nrest for 1 h\ncharge at 0.5C until 4.2 V\nhold at 4.2 V until 0.05C"
TIMES = np.linspace(10.0, 3629.0, 100)
"""s, at which voltages are compared."""
PAIR = 1000
"""Discharges of each of two processes."""
RATIO_BAR = 10.0
"""Times that tuned PyBaMM takes longer for a 1C discharge."""

RIVAL = r"""
import json, sys, time
import numpy as np
import pybamm

pybamm.set_logging_level("ERROR")

class SingleIon(pybamm.lithium_ion.DFN):
    def set_electrolyte_concentration_submodel(self):
        self.submodels["electrolyte diffusion"] = (
            pybamm.electrolyte_diffusion.ConstantConcentration(self.param, self.options))

def nmc(x):
    return (-0.8090 * x + 4.4875 - 0.0428 * np.tanh(18.5138 * (x - 0.5542))
            - 17.7326 * np.tanh(15.7890 * (x - 0.3117)) + 17.5842 * np.tanh(15.9308 * (x - 0.3120)))

def i0(c_e, c_surf, c_max, T):
    return 2 * c_surf**0.5 * (c_max - c_surf)**0.5 / c_max

LENGTH, RADIUS, C_MAX = 100e-6, 2.5e-6, 63104.0
TIMES = np.linspace(10.0, 3629.0, 100)

def one_c(length):
    return 96485.33212 * 0.55 * C_MAX * length * (0.9084 - 0.27) / 3600

def values(length, radius):
    found = pybamm.ParameterValues("Xu2019")
    found.update({
        "Positive electrode exchange-current density [A.m-2]": i0,
        "Exchange-current density for lithium metal electrode [A.m-2]": lambda c_e, c_Li, T: 10.0 + 0 * c_e,
        "Positive electrode OCP [V]": nmc, "Positive electrode OCP entropic change [V.K-1]": 0.0,
        "Separator thickness [m]": 30e-6, "Positive electrode thickness [m]": length,
        "Negative electrode thickness [m]": 1e-6, "Negative electrode conductivity [S.m-1]": 1e9,
        "Electrode height [m]": 1.0, "Electrode width [m]": 1.0,
        "Number of electrodes connected in parallel to make a cell": 1.0,
        "Positive electrode porosity": 0.35, "Positive electrode active material volume fraction": 0.55,
        "Separator porosity": 1.0, "Separator tortuosity factor (electrolyte)": 1.0,
        "Electrolyte conductivity [S.m-1]": 0.2,
        "Positive electrode tortuosity factor (electrolyte)": 0.2 * 0.35 / 0.03,
        "Positive electrode conductivity [S.m-1]": 0.5, "Positive electrode tortuosity factor (electrode)": 0.65,
        "Positive particle diffusivity [m2.s-1]": 5e-15, "Positive particle radius [m]": radius,
        "Maximum concentration in positive electrode [mol.m-3]": C_MAX,
        "Initial concentration in positive electrode [mol.m-3]": 0.27 * C_MAX,
        "Cation transference number": 1.0, "Thermodynamic factor": 1.0,
        "Electrolyte diffusivity [m2.s-1]": 1e-11, "Initial concentration in electrolyte [mol.m-3]": 1000.0,
        "Ambient temperature [K]": 298.15, "Reference temperature [K]": 298.15, "Initial temperature [K]": 298.15,
        "Lower voltage cut-off [V]": 2.5, "Upper voltage cut-off [V]": 4.6,
        "Open-circuit voltage at 0% SOC [V]": 2.5, "Open-circuit voltage at 100% SOC [V]": 4.6,
        "Nominal cell capacity [A.h]": one_c(length), "Current function [A]": "[input]",
    }, check_already_exists=False)
    return found

def build(mesh, rtol, length=LENGTH, radius=RADIUS, experiment=None):
    model = SingleIon({"working electrode": "positive", "transport efficiency": "tortuosity factor"})
    separator, cells, shells = mesh
    meshes = model.default_submesh_types.copy()
    meshes["positive particle"] = pybamm.MeshGenerator(
        pybamm.Exponential1DSubMesh, {"side": "right", "stretch": 2})
    parameters = values(length, radius)
    if experiment is not None:
        parameters["Current function [A]"] = one_c(length)
    solver = pybamm.IDAKLUSolver(
        rtol=rtol, atol=1e-6, output_variables=None if experiment else ["Voltage [V]", "Discharge capacity [A.h]"])
    return pybamm.Simulation(
        model, parameter_values=parameters, solver=solver, submesh_types=meshes, experiment=experiment,
        var_pts={"x_n": 1, "x_s": separator, "x_p": cells, "r_n": 1, "r_p": shells})

def run(sim, rate, length=LENGTH):
    current = rate * one_c(length)
    return sim.solve([0, 3600 / rate * 1.145], inputs={"Current function [A]": current})

def main():
    coarse, tight = build((3, 20, 15), 1e-4), build((3, 40, 40), 1e-6)
    steps = pybamm.Experiment([(
        "Discharge at 1C until 2.5 V", "Rest for 1 hour", "Charge at 0.5C until 4.2 V", "Hold at 4.2 V until C/20")])
    cycle = build((3, 20, 15), 1e-4, experiment=steps)
    rates = np.geomspace(0.05, 5.0, 10)
    turn = [0]
    def change():
        turn[0] += 1
        length = LENGTH * (1.0 + 0.01 * (turn[0] % 10))
        run(build((3, 20, 15), 1e-4, length, RADIUS * 1.1), 1.0, length)
    jobs = {
        "discharge": lambda: run(coarse, 1.0), "fine": lambda: run(tight, 1.0),
        "sweep": lambda: [run(coarse, float(rate)) for rate in rates],
        "change": change, "cycle": lambda: cycle.solve(),
    }
    if sys.argv[1:] == ["once"]:
        run(coarse, 1.0)
        return
    found = {job: jobs[job]() for job in ("discharge", "fine")}
    told = {
        "pybamm": pybamm.__version__, "numpy": np.__version__,
        "Ah/m2": {job: float(one.t[-1]) * one_c(LENGTH) / 3600 for job, one in found.items()},
        "volts": {job: one["Voltage [V]"](TIMES).tolist() for job, one in found.items()},
    }
    print(json.dumps(told), flush=True)
    for job in sys.stdin:
        start = time.perf_counter()
        try:
            jobs[job.strip()]()
        except Exception as error:
            print(json.dumps(type(error).__name__ + ": " + str(error)[:80]), flush=True)
        else:
            print(json.dumps(time.perf_counter() - start), flush=True)

main()
"""


def chen(x: np.ndarray) -> np.ndarray:
    """NMC811 against lithium, Chen et al. 2020, doi:10.1149/1945-7111/ab9050."""
    return np.asarray(
        -0.8090 * x
        + 4.4875
        - 0.0428 * np.tanh(18.5138 * (x - 0.5542))
        - 17.7326 * np.tanh(15.7890 * (x - 0.3117))
        + 17.5842 * np.tanh(15.9308 * (x - 0.3120))
    )


def mohtat(x: np.ndarray) -> np.ndarray:
    """NMC532 against lithium, Mohtat et al. 2020, doi:10.1149/1945-7111/aba5d1."""
    polynomial = 4.3452 - 1.6518 * x + 1.6225 * x**2 - 2.0843 * x**3 + 3.5146 * x**4 - 2.2166 * x**5
    return np.asarray(polynomial - 0.5623e-4 * np.exp(109.451 * x - 100.006))


def graphite(x: np.ndarray) -> np.ndarray:
    """A curve with the steep rise and the plateaus of graphite, of no source."""
    return np.asarray(0.7 * np.exp(-30.0 * x) + 0.12 - 0.04 * np.tanh(20.0 * (x - 0.5)) - 0.05 * x)


def base(*, thickness: float = 100e-6, radius: float = 2.5e-6) -> Cell:
    """The composite cathode of NMC811 on lithium that both models solve."""
    part = ParticleClass("NMC811", radius, 0.55, 5e-15, 63104.0, 1.0, chen, 0.27, 0.9084)
    cathode = PorousElectrode(thickness, 0.03, 0.5, (part,))
    lithium = Planar(0.0, 10.0, 0.0, 298.15)
    return Cell(cathode, lithium, 30e-6 / 0.2, 0.0, 298.15, cathode.capacity, 0.1, 2.5, 4.6)


@dataclass
class Contender:
    """Something to time; `measure` gives the seconds of one piece of work, or says why it failed."""

    name: str
    measure: Callable[[], float | str]
    samples: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    def take(self) -> None:
        found = self.measure()
        if isinstance(found, str):
            self.failures[found] += 1
        else:
            self.samples.append(found)

    @property
    def row(self) -> str:
        if not self.samples:
            return f"| {self.name} | failed: {'; '.join(self.failures)} | |"
        failed = f", {self.failures.total()} failed" if self.failures else ""
        return f"| {self.name}{failed} | {shown(min(self.samples))} | {shown(statistics.median(self.samples))} |"


def shown(seconds: float) -> str:
    """1.234e-5 -> '12.3 us'."""
    scale, unit = next((step for step in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")) if seconds >= step[0]), (1e-9, "ns"))
    return f"{seconds / scale:.3g} {unit}"


def repeat(work: Callable[[], object], times: int) -> Callable[[], float]:
    """Seconds of one of `times` calls in this process."""

    def measure() -> float:
        start = time.perf_counter()
        for _ in range(times):
            work()
        return (time.perf_counter() - start) / times

    return measure


def process(arguments: list[str]) -> Callable[[], float]:
    """Seconds of a new process from start to end."""

    def measure() -> float:
        start = time.perf_counter()
        if subprocess.run(arguments, stdout=subprocess.DEVNULL).returncode:
            raise SystemExit(f"{arguments[:2]} failed; its message is above")
        return time.perf_counter() - start

    return measure


def side_by_side(count: int) -> Callable[[], float]:
    """Seconds for each of PAIR discharges in each of so many processes, which work at the same time."""

    def measure() -> float:
        command = [sys.executable, __file__, "--work", str(PAIR)]
        running = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)
        ]
        for one in running:
            assert one.stdout is not None
            one.stdout.readline()
        start = time.perf_counter()
        for one in running:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        for one in running:
            one.wait()
        return (time.perf_counter() - start) / (count * PAIR)

    return measure


def asked(rival: Rival, job: str) -> Callable[[], float | str]:
    def ask() -> float | str:
        found = rival.ask(job)
        return found if isinstance(found, str) else float(found)

    return ask


def changed() -> Callable[[], object]:
    """A cell of another thickness and radius at each call, built and discharged."""
    turns = iter(range(10**9))

    def work() -> object:
        cell = base(thickness=100e-6 * (1.0 + 0.01 * (next(turns) % 10)), radius=2.75e-6)
        return simulate(cell, [discharge(1.0, 2.5)])

    return work


def contenders(rival: Rival | None) -> list[Contender]:
    cell, once, cycle = base(), [discharge(1.0, 2.5)], parse_protocol(CYCLE)
    found = [
        Contender("1C discharge, default mesh", repeat(lambda: simulate(cell, once), 20)),
        Contender("1C discharge, 40 cells, rtol 2e-5", repeat(lambda: simulate(cell, once, **FINE), 5)),
        Contender("ten rates, 0.05C to 5C", repeat(lambda: rate_capability(cell, RATES, cut_off=2.5), 3)),
        Contender("other thickness and radius, 1C", repeat(changed(), 20)),
        Contender("cycle: discharge, rest, charge, hold", repeat(lambda: simulate(cell, cycle), 5)),
        Contender("1,000 cycles", repeat(lambda: simulate(cell, cycle * 1000), 1)),
        Contender("new process, compiled before: 1C discharge", process([sys.executable, __file__, "--work", "0"])),
        Contender(f"one process: {PAIR} discharges, each", side_by_side(1)),
        Contender(f"two processes: {PAIR} discharges each, each", side_by_side(2)),
    ]
    if rival is not None:
        found += [
            Contender("PyBaMM, 1C discharge, 3/20/15, rtol 1e-4", asked(rival, "discharge")),
            Contender("PyBaMM, 1C discharge, 3/40/40, rtol 1e-6", asked(rival, "fine")),
            Contender("PyBaMM, ten rates", asked(rival, "sweep")),
            Contender("PyBaMM, other thickness and radius", asked(rival, "change")),
            Contender("PyBaMM, cycle", asked(rival, "cycle")),
            Contender("PyBaMM, new process: 1C discharge", process([RIVAL_PYTHON, "-c", RIVAL, "once"])),
        ]
    return found


def random_cell(random: np.random.Generator) -> tuple[dict[str, object], Cell, Step]:
    """A cell and a discharge from wide ranges, with the numbers that they were made of."""

    def between(low: float, high: float) -> float:
        return float(np.exp(random.uniform(np.log(low), np.log(high))))

    def electrode(thickness: float, capacity: float | None = None) -> tuple[dict[str, object], PorousElectrode]:
        anode = capacity is not None
        potential = graphite if anode else (chen, mohtat)[random.integers(2)]
        numbers: dict[str, object] = {
            "ionic": between(1e-6, 10.0),
            "electronic": between(1e-6, 10.0),
            "radius": between(0.1e-6, 20e-6),
            "diffusivity": between(1e-18, 1e-12),
            "exchange": between(1e-3, 1e2),
            "potential": potential.__name__,
            "thickness": thickness,
        }
        part = ParticleClass(
            "any", numbers["radius"], 0.55, numbers["diffusivity"], 30e3 if anode else 63104.0, numbers["exchange"],
            potential, 0.85 if anode else 0.27, 0.03 if anode else 0.9084,
        )  # fmt: skip
        made = PorousElectrode(thickness, numbers["ionic"], numbers["electronic"], (part,))
        if capacity is not None:
            made = replace(made, thickness=thickness * 1.1 * capacity / made.capacity)
        return numbers, made

    numbers, cathode = electrode(between(1e-6, 1e-3))
    porous = bool(random.integers(2))
    anode_numbers, anode = electrode(1e-4, cathode.capacity) if porous else ({}, Planar(0.0, 10.0, 0.0, 298.15))
    rate = between(0.01, 20.0)
    cell = Cell(cathode, anode, 1.5e-4, 0.0, 298.15, cathode.capacity, 0.1, 2.5, 4.6)
    about = {"rate": rate, "cathode": numbers, "anode": anode_numbers}
    return about, cell, discharge(rate, 2.5)


def outcome(found: Simulation) -> str:
    if found.steps >= 19_990:
        return "out of storage"
    return found.outcome if found.time.size > 1 or found.outcome != "done" else "at its limit at once"


def survey(count: int) -> int:
    """Outcomes of random cells, with the parameters of those that fail; 1 if any does."""
    random = np.random.default_rng(7)
    outcomes: Counter[str] = Counter()
    taken: list[float] = []
    failures = []
    simulate(base(), [discharge(1.0, 2.5)])
    for index in range(count):
        about, cell, step = random_cell(random)
        start = time.perf_counter()
        try:
            simulation = simulate(cell, [step])
            how = outcome(simulation)
            if not np.isfinite(simulation.voltage).all() or abs(simulation.lithium_error) > 1e-9:
                how = "lithium lost"
            about |= {"steps": simulation.steps, "iterations": simulation.iterations}
        except Exception as error:
            how = f"{type(error).__name__}: {error}"
        taken.append(time.perf_counter() - start)
        outcomes[how] += 1
        if how not in ("done", "at its limit at once"):
            failures.append({"index": index, "how": how, "ms": round(1e3 * taken[-1], 2), **about})
    middle, late, most = (shown(float(np.quantile(taken, q))) for q in (0.5, 0.99, 1.0))
    print(f"{count} random cells: {dict(outcomes)}; median {middle}, 99 % {late}, longest {most}")
    for failure in failures:
        print(json.dumps(failure))
    return 1 if failures else 0


def work(count: int) -> int:
    """One discharge; if asked for more, so many again once a line arrives."""
    cell = base()
    simulate(cell, [discharge(1.0, 2.5)])
    if count:
        print("ready", flush=True)
        sys.stdin.readline()
    for _ in range(count):
        simulate(cell, [discharge(1.0, 2.5)])
    return 0


def compare_errors(rival: Rival | None) -> None:
    """Root mean square and largest error of 1C discharges over the first 90 %, from 10 s on, and of their capacity."""
    best = simulate(base(), [discharge(1.0, 2.5)], cells=160, rtol=1e-7)
    exact = CubicSpline(best.time, best.voltage)
    rows = []
    for name, mesh in (("ours, default", {}), ("ours, fine", FINE)):
        found = simulate(base(), [discharge(1.0, 2.5)], **mesh)
        some = (found.time >= TIMES[0]) & (found.time <= TIMES[-1])
        rows.append((name, found.time[some], found.voltage[some], found.areal_capacity / 3600.0))
    for name, volts in (rival.about["volts"] if rival else {}).items():
        rows.append((f"PyBaMM, {name}", TIMES, np.array(volts), rival.about["Ah/m2"][name]))
    for name, times, volts, capacity in rows:
        off = 1e3 * np.interp(TIMES, times, volts - exact(times))
        share = 100.0 * (capacity / best.areal_capacity * 3600.0 - 1.0)
        print(
            f"{name}: rms {np.sqrt((off**2).mean()):.3f} mV, largest {np.abs(off).max():.3f} mV, capacity {share:+.4f} %"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--random", type=int, metavar="N", help="count the outcomes of N random cells instead")
    parser.add_argument("--work", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work is not None:
        return work(given.work)
    if given.random:
        return survey(given.random)
    print(
        f"{date.today()}: percolyte {percolyte.__version__}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"Numba {numba.__version__}; {os.cpu_count()} cores; {given.rounds} rounds"
    )
    rival = Rival(RIVAL) if RIVAL_PYTHON else None
    print(
        f"rival: PyBaMM {rival.about['pybamm']}, NumPy {rival.about['numpy']}"
        if rival
        else "rival left out: set RIVAL_PYTHON to one that has pybamm"
    )
    compare_errors(rival)
    timed = contenders(rival)
    for contender in timed:
        contender.measure()
    for turn in range(given.rounds):
        print(f"round {turn + 1} of {given.rounds}", file=sys.stderr)
        start = turn * len(timed) // given.rounds
        for contender in timed[start:] + timed[:start]:
            contender.take()
    print("\n| what | wall, minimum | wall, median |\n| --- | --- | --- |")
    for contender in timed:
        print(contender.row)
    return judge({contender.name: contender for contender in timed})


def judge(timed: dict[str, Contender]) -> int:
    """The ratio to the rival's 1C discharge; 1 if it misses its bar."""
    rival = timed.get("PyBaMM, 1C discharge, 3/20/15, rtol 1e-4")
    if rival is None or not rival.samples:
        return 0
    ratio = min(rival.samples) / min(timed["1C discharge, default mesh"].samples)
    met = ratio >= RATIO_BAR
    print(f"{'met   ' if met else 'MISSED'} 1C discharge: {ratio:.3g} times as fast, bar {RATIO_BAR:g}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
