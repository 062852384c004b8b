"""How long percolyte takes for the energy of a cell: one design, a million designs, a new process.

One run measures everything: each round visits every contender once, in an
order that rotates, so that a busy moment of the machine hits all of them.
Reported are minimum and median over the rounds, CPU and wall seconds, single
thread. See README.md beside this file.
"""

from __future__ import annotations

import os

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
)

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
from rival import RIVAL_PYTHON, Rival

import percolyte
from percolyte.design import Design, read_design
from percolyte.evaluation import evaluate
from percolyte.examples import find_design
from percolyte.explore.vary import evaluate_many
from percolyte.nouns import replace
from percolyte.pouch.energy import pouch_energy
from percolyte.pouch.stack import CellInputs, build_stack
from percolyte.resolution import resolve

MANY = 1_000_000
COMPARED = 1_000
ACTIVE = {"wang2021-nmc811-li": "NMC811", "wang2021-lco-graphite": "LCO", "pouch-nmc811-li": "NMC811"}
"""The designs, each with the active material whose content is varied."""

COLD_START_BAR = 1.0
"""Wall seconds from the command line to the energy of a cell."""
RATE_BAR = 1e6
"""Designs per second and core."""
AGREEMENT_BAR = 1e-9
"""Largest relative difference of the vectorised to the scalar path."""

Seconds = tuple[float, float]
"""CPU and wall."""


RIVAL = r"""
# The cell of wang2021-nmc811-li in steer-opencell-design, from plain numbers.
# First charge 222 mAh/g, discharge 200 mAh/g, 3.7 V on average, as straight lines.
import json, sys, time
import pandas as pd
import steer_opencell_design as ocd

WIDTH, HEIGHT = 52.0, 102.0

def line(charge, discharge, empty, full):
    return pd.DataFrame({
        "direction": ["charge"] * 2 + ["discharge"] * 2,
        "specific_capacity": [0.0, charge, 0.0, discharge],
        "voltage": [empty, full, full, empty],
    })

def foil(name, density, thickness):
    metal = ocd.CurrentCollectorMaterial(name, density, 5.0)
    return ocd.PunchedCurrentCollector(metal, WIDTH, HEIGHT, thickness, 20.0, 10.0, WIDTH / 2)

def terminal():
    return ocd.PouchTerminal(ocd.PrismaticContainerMaterial("Al", 2.7, 5.0), 20.0, 20.0, 0.2)

def film():
    return ocd.LaminateSheet(2.0, 1.576, 115.0)

def build(sheets):
    nmc = ocd.CathodeMaterial("NMC811", "Li/Li+", 25.0, 4.78, line(200.0 / 0.9, 200.0, 3.1, 4.3))
    lithium = ocd.AnodeMaterial("Li", "Li/Li+", 100.0, 0.534, line(3861.0, 3860.0, 0.001, 0.0))
    filler = ocd.ConductiveAdditive("Li6PS5Cl", 50.0, 1.86)
    cathode = ocd.Cathode(ocd.CathodeFormulation({nmc: 80.0}, {}, {filler: 20.0}), 25.2, foil("Al", 2.7, 15.0), 3.6)
    anode = ocd.Anode(ocd.AnodeFormulation({lithium: 100.0}), 2.136, foil("Cu", 8.96, 8.0), 0.534)
    separator = ocd.Separator(ocd.SeparatorMaterial("Li6PS5Cl", 1.64, 50.0, 0.0), 40.0, WIDTH, HEIGHT)
    stack = ocd.PunchedStack(ocd.MonoLayer(cathode, anode, separator), sheets)
    pouch = ocd.PouchEncapsulation(terminal(), terminal(), film(), film())
    return ocd.PouchCell(stack, 1, pouch, ocd.Electrolyte("none", 1.0, 0.0), electrolyte_overfill=0.0)

def change(cell, thickness):
    separator = cell.reference_electrode_assembly.layup.separator
    separator.thickness = thickness
    separator.propagate_changes()
    return cell

def main():
    if sys.argv[1:] == ["once"]:
        print(build(44).specific_energy)
        return
    full, single = build(44), build(1)
    jobs = {
        "change": lambda: [change(full, um) for um in (42.0, 40.0)],
        "change single": lambda: [change(single, um) for um in (42.0, 40.0)],
        "rebuild": lambda: [build(44)],
    }
    from importlib.metadata import version
    told = {name: version(name) for name in ("steer-opencell-design", "numpy")}
    told["python"] = sys.version.split()[0]
    told["cell"] = {"Ah": full.reversible_capacity, "Wh": full.energy, "g": full.mass, "Wh/kg": full.specific_energy}
    print(json.dumps(told), flush=True)
    for job in sys.stdin:
        cpu, wall = time.process_time(), time.perf_counter()
        cells = jobs[job.strip()]()
        cells[-1].specific_energy, cells[-1].volumetric_energy
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        print(json.dumps([cpu / len(cells), wall / len(cells)]), flush=True)

main()
"""


@dataclass
class Contender:
    """Something to time; `measure` gives the seconds of one piece of work."""

    name: str
    measure: Callable[[], Seconds]
    samples: list[Seconds] = field(default_factory=list)

    @property
    def cpu(self) -> float:
        return min(cpu for cpu, _ in self.samples)

    @property
    def wall(self) -> float:
        return min(wall for _, wall in self.samples)

    @property
    def row(self) -> str:
        cpus, walls = zip(*self.samples, strict=True)
        cells = (min(cpus), statistics.median(cpus), min(walls), statistics.median(walls))
        return f"| {self.name} | " + " | ".join(shown(seconds) for seconds in cells) + " |"


def shown(seconds: float) -> str:
    """1.234e-5 -> '12.3 us'."""
    scale, unit = next((step for step in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")) if seconds >= step[0]), (1e-9, "ns"))
    return f"{seconds / scale:.3g} {unit}"


def repeat(work: Callable[[], object], times: int) -> Callable[[], Seconds]:
    """Seconds of one of `times` calls in this process."""

    def measure() -> Seconds:
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(times):
            work()
        return (time.process_time() - cpu) / times, (time.perf_counter() - wall) / times

    return measure


def process(*command: str | Path) -> Callable[[], Seconds]:
    """Seconds of a new process, from its start to its end."""

    def measure() -> Seconds:
        before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        wall, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall

    return measure


@dataclass(frozen=True)
class Case:
    """A shipped design and a million variants of it."""

    name: str
    active: str
    design: Design
    inputs: CellInputs
    changes: dict[str, np.ndarray]

    def many(self) -> dict[str, np.ndarray]:
        return evaluate_many(self.inputs, self.changes)

    def scalar(self, index: int) -> Design:
        """One of the variants as a design of its own, by way of the nouns and not of the vectorised code."""
        separator, active, thickness = (float(values[index]) for values in self.changes.values())
        recipe = self.design.cathode.recipe
        electrolyte = self.design.separator.electrolyte
        exchanged = {self.active: active, electrolyte: recipe[electrolyte] + recipe[self.active] - active}
        return replace(
            self.design,
            separator=replace(self.design.separator, thickness=separator),
            cathode=replace(self.design.cathode, thickness=thickness, recipe={**recipe, **exchanged}),
        )

    def disagreement(self) -> float:
        """Largest relative difference of the two paths over some of the variants."""
        many = self.many()
        if not all(np.isfinite(values).all() for values in many.values()):
            raise SystemExit(f"{self.name}: some variants cannot be; narrow the ranges")
        worst = 0.0
        for index in np.random.default_rng(2).choice(MANY, COMPARED, replace=False):
            energy = evaluate(self.scalar(index)).energy
            worst = max(worst, *(abs(float(many[q][index] / getattr(energy, q)) - 1.0) for q in many))
        return worst


def case(name: str, active: str) -> Case:
    design = read_design(find_design(name))
    random = np.random.default_rng(1)
    changes = {
        "separator.thickness": random.uniform(10e-6, 60e-6, MANY),
        f"cathode.recipe.{active}": random.uniform(0.75, 0.95, MANY),
        "cathode.thickness": random.uniform(40e-6, 120e-6, MANY),
    }
    return Case(name, active, design, resolve(design).inputs, changes)


def arithmetic(inputs: CellInputs) -> object:
    """The energy alone, of numbers that are looked up already."""
    return pouch_energy(build_stack(inputs))


def other_separator(design: Design) -> object:
    """The design change that the rival is timed with."""
    return evaluate(replace(design, separator=replace(design.separator, thickness=42e-6)))


def asked(rival: Rival, job: str) -> Callable[[], Seconds]:
    def ask() -> Seconds:
        cpu, wall = rival.ask(job)
        return cpu, wall

    return ask


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def contenders(cases: list[Case], rival: Rival | None, folder: str) -> list[Contender]:
    first = cases[0]
    command = Path(sys.executable).with_name("percolyte")
    found = [
        Contender("new process: empty Python", process(sys.executable, "-c", "pass")),
        Contender("new process: `percolyte energy --json`", process(command, "energy", first.name, "--json")),
        Contender("new process: `percolyte run`", process(command, "run", first.name, "--out", folder)),
    ]
    for one in cases:
        found += [
            Contender(f"`evaluate`, {one.name}", repeat(partial(evaluate, one.design), 20)),
            Contender(
                f"arithmetic of one design, {one.name}",
                repeat(partial(arithmetic, one.inputs), 2000),
            ),
            Contender(f"`evaluate_many`, 1e6 of {one.name}", repeat(one.many, 1)),
        ]
    found.append(
        Contender("other separator: `replace` and `evaluate`", repeat(partial(other_separator, first.design), 20))
    )
    if rival is not None:
        found += [
            Contender("rival, new process: cell of 44 sheets", process(RIVAL_PYTHON, "-c", RIVAL, "once")),
            Contender("rival, other separator: 44 sheets", asked(rival, "change")),
            Contender("rival, other separator: one sheet", asked(rival, "change single")),
            Contender("rival, cell of 44 sheets built anew", asked(rival, "rebuild")),
        ]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    cases = [case(name, active) for name, active in ACTIVE.items()]
    rival = Rival(RIVAL) if RIVAL_PYTHON else None
    print(
        f"{date.today()}: percolyte {percolyte.__version__}, Python {platform.python_version()}, NumPy {np.__version__}; "
        f"{os.cpu_count()} cores, {processor()}; {rounds} rounds"
    )
    if rival is None:
        print("rival left out: set RIVAL_PYTHON to an interpreter that has steer-opencell-design")
    else:
        print(f"rival: {json.dumps(rival.about)}")
        ours = evaluate(cases[0].design).energy
        print(
            f"ours:  {ours.capacity / 3600:.6g} Ah, {ours.energy / 3600:.6g} Wh, {ours.mass * 1e3:.6g} g, "
            f"{ours.specific_energy / 3600:.6g} Wh/kg"
        )
    with tempfile.TemporaryDirectory() as folder:
        timed = contenders(cases, rival, folder)
        for contender in timed:
            contender.measure()  # warm: byte code, caches of the disk, the rival's compiled functions
        for turn in range(rounds):
            print(f"round {turn + 1} of {rounds}", file=sys.stderr)
            start = turn * len(timed) // rounds
            for contender in timed[start:] + timed[:start]:
                contender.samples.append(contender.measure())
    print("\n| what | CPU, minimum | CPU, median | wall, minimum | wall, median |\n| --- | --- | --- | --- | --- |")
    for contender in timed:
        print(contender.row)
    return judge({contender.name: contender for contender in timed}, cases)


def judge(timed: dict[str, Contender], cases: list[Case]) -> int:
    """Every bar with its figure; 1 if one is missed."""
    cold = timed["new process: `percolyte energy --json`"].wall
    met = [verdict("cold start", cold < COLD_START_BAR, f"{shown(cold)} wall, bar {COLD_START_BAR:g} s")]
    for one in cases:
        rate = MANY / timed[f"`evaluate_many`, 1e6 of {one.name}"].cpu
        met.append(verdict(one.name, rate >= RATE_BAR, f"{rate:.3g} designs per second and core, bar {RATE_BAR:.0e}"))
        off = one.disagreement()
        met.append(verdict(one.name, off <= AGREEMENT_BAR, f"paths differ by {off:.1e} at most, bar {AGREEMENT_BAR:g}"))
    return 0 if all(met) else 1


def verdict(what: str, met: bool, figure: str) -> bool:
    print(f"{'met   ' if met else 'MISSED'} {what}: {figure}")
    return met


if __name__ == "__main__":
    sys.exit(main())
