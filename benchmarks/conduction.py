"""Effective conductivity of voxel images: time, memory and true error beside TauFactor, PoreSpy and OpenImpala.

Every contender is a process of its own with one thread. A job is timed in CPU
seconds from the labels in memory to the conductivity, labelling of clusters and
set-up included. See README.md beside this file.
"""

from __future__ import annotations

import os

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
)

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import njit
from numpy.typing import NDArray
from rival import RIVAL_PYTHON, Rival

import percolyte

HARNESS = r"""
import json, sys, time
import numpy as np

answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints must not stand between the answers

def memory(word):
    for line in open("/proc/self/status"):
        if line.startswith(word):
            return 1024 * int(line.split()[1])

def serve(methods, about):
    print(json.dumps(about), file=answers, flush=True)
    before = memory("VmRSS")
    for line in sys.stdin:
        job = json.loads(line)
        if job["method"] == "baseline":
            before = memory("VmRSS")
            print("{}", file=answers, flush=True)
            continue
        labels = np.load(job["volume"])
        open("/proc/self/clear_refs", "w").write("5")  # forget the peak so far
        cpu, wall = time.process_time(), time.perf_counter()
        found = methods[job["method"]](labels, job)
        found |= {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
        found["bytes"] = (memory("VmHWM") - before) / labels.size
        print(json.dumps(found), file=answers, flush=True)
"""

OURS = (
    HARNESS
    + r"""
from percolyte.microstructure.volume import Volume
from percolyte.transport.voxels import conduct

def ours(labels, job):
    phases = {str(n): n for n in range(4)}
    volume = Volume(labels, (1e-6, 1e-6, 1e-6), phases, "generated", "benchmark")
    found = conduct(volume, job["sigma"], axis=job["axis"], rtol=job["rtol"], errors=False, threads=job["threads"])
    return {"value": found.effective_conductivity, "steps": found.iterations, "solver": found.relative_error.solver}

serve({"ours": ours}, {})
"""
)

RIVALS = (
    HARNESS
    + r"""
import warnings
warnings.simplefilter("ignore")
import openpnm, porespy, taufactor, torch
torch.set_num_threads(1)
porespy.settings.tqdm["disable"] = True
openpnm.Workspace().settings.loglevel = 60

def tau(labels, job):
    solver = taufactor.Solver(labels, device="cpu")
    solver.solve(verbose=False, conv_crit=job["criterion"], iter_limit=job["limit"])
    value = solver.D_eff if np.ndim(solver.D_eff) == 0 else solver.D_eff[0]
    return {"value": float(value), "steps": int(solver.iter), "converged": bool(solver.converged)}

def phases(labels, job):
    conductivities = {int(label): value for label, value in job["sigma"].items()}
    solver = taufactor.MultiPhaseSolver(labels, cond=conductivities, device="cpu")
    solver.solve(verbose=False, conv_crit=job["criterion"], iter_limit=job["limit"])
    return {"value": float(solver.D_eff[0]), "steps": int(solver.iter), "converged": bool(solver.converged)}

def pores(labels, job):
    found = porespy.simulations.tortuosity_fd(labels.astype(bool), axis=0)
    return {"value": float(1 / found.formation_factor), "steps": 0, "converged": bool(found.converged)}

serve({"tau": tau, "phases": phases, "pores": pores},
      {"taufactor": "1.2.1", "porespy": porespy.__version__, "torch": torch.__version__, "numpy": np.__version__})
"""
)

IMPALA = (
    HARNESS
    + r"""
import openimpala

def impala(labels, job):
    with openimpala.Session():
        found = openimpala.tortuosity(labels.astype(np.int32), phase=1, direction="z", solver=job["solver"])
        conductivity = found.active_volume_fraction / found.tortuosity
        return {"value": conductivity, "steps": found.iterations, "converged": found.solver_converged}

serve({"impala": impala}, {"openimpala": openimpala.__version__})
"""
)


def impala(job: dict[str, Any]) -> dict[str, Any]:
    """OpenImpala in a process for this job alone, as it may end the process; its direction z is our axis 0."""
    words = [RIVAL_PYTHON, "-c", IMPALA]
    text = "\n".join(json.dumps(line) for line in ({"method": "baseline"}, job))
    try:
        done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=job["patience"], check=False)
    except subprocess.TimeoutExpired:
        return {"failed": f"stopped after {job['patience']:g} s"}
    if done.returncode != 0:
        reasons = [line for line in done.stderr.splitlines() if "Abort" in line or "Error" in line]
        return {"failed": f"ended its process: {reasons[0].strip() if reasons else done.returncode}"}
    found: dict[str, Any] = json.loads([line for line in done.stdout.splitlines() if line.startswith("{")][-1])
    return found


@njit
def _spheres(n: int, median: float, spread: float, fraction: float, seed: int, free: Any) -> Any:
    """Union of spheres of log-normal radii, painted on free voxels until they fill the fraction."""
    np.random.seed(seed)
    image = np.zeros((n, n, n), np.uint8)
    left = int(fraction * n**3)
    while left > 0:
        r = median * np.exp(spread * np.random.randn())
        x, y, z = np.random.random(3) * (n + 2.0 * r) - r
        for i in range(max(0, int(x - r)), min(n, int(x + r) + 2)):
            for j in range(max(0, int(y - r)), min(n, int(y + r) + 2)):
                for k in range(max(0, int(z - r)), min(n, int(z + r) + 2)):
                    inside = (i - x) ** 2 + (j - y) ** 2 + (k - z) ** 2 <= r * r
                    if inside and image[i, j, k] == 0 and free[i % free.shape[0], j % free.shape[1], k % free.shape[2]]:
                        image[i, j, k] = 1
                        left -= 1
    return image


def structure(name: str, n: int) -> NDArray[np.uint8]:
    """S: union of spheres; G: electrolyte granules between active spheres; M: matrix between spheres; vol%."""
    everywhere = np.ones((1, 1, 1), np.uint8)
    fraction = int(name[1:]) / 100.0
    if name[0] == "S":
        return np.asarray(_spheres(n, 6.0, 0.3, fraction, 1, everywhere))
    if name[0] == "G":
        active = _spheres(n, 14.0, 0.3, 0.5, 101, everywhere)
        return np.asarray(_spheres(n, 4.0, 0.25, fraction, 1, 1 - active))
    return np.asarray(1 - _spheres(n, 12.0, 0.3, 1.0 - fraction, 1, everywhere))


@dataclass
class Contender:
    name: str
    ask: Callable[[dict[str, Any]], Any]
    job: dict[str, Any]
    rounds: int
    found: list[dict[str, Any]] = field(default_factory=list)

    def row(self, exact: float, ours: float) -> str:
        answered = [found for found in self.found if "cpu" in found]
        if not answered:
            return f"| {self.name} | {self.found[0]['failed']} | | | | |"
        best = min(answered, key=lambda found: float(found["cpu"]))
        unfinished = "" if best.get("converged", True) else " (stopped)"
        return (
            f"| {self.name} | {best['cpu']:.3g} s | {best['cpu'] / ours:.3g} | {best['steps']}{unfinished} "
            f"| {best['value'] / exact - 1.0:+.1e} | {best['bytes']:.0f} |"
        )


def warm(folder: Path, ours: Rival, rivals: Rival | None) -> None:
    """Everything loaded and compiled once, so that memory counts from here."""
    path = folder / "warm.npy"
    np.save(path, structure("S50", 40))
    base = {"volume": str(path), "axis": 0, "sigma": {"1": 1.0}, "threads": 2}
    ours.ask(json.dumps(base | {"method": "ours", "rtol": 1e-4}))
    for rtol in (1e-4, 1e-8):  # the potential in 32 and in 64 bits
        ours.ask(json.dumps(base | {"method": "ours", "sigma": {"0": 0.1, "1": 1.0}, "rtol": rtol}))
    ours.ask(json.dumps({"method": "baseline"}))
    if rivals is not None:
        rivals.ask(json.dumps(base | {"method": "tau", "criterion": 1e-2, "limit": 1000}))
        rivals.ask(json.dumps(base | {"method": "pores"}))
        rivals.ask(json.dumps({"method": "baseline"}))


def compare_phases(
    path: Path, name: str, contrast: float, ours: Rival, rivals: Rival | None, given: argparse.Namespace
) -> None:
    """One table of two phases that both conduct, the first `contrast` times as well, in rounds that rotate."""
    np.save(path, 2 - np.load(path))  # the phase of label 1 stays; TauFactor's label 0 cannot conduct
    base = {"volume": str(path), "axis": 0, "sigma": {"1": 1.0, "2": 1.0 / contrast}, "threads": 1}

    def mine(job: dict[str, Any]) -> Any:
        return ours.ask(json.dumps(job))

    exact = mine(base | {"method": "ours", "rtol": 1e-8})["value"]
    timed = [Contender("percolyte, rtol 0.0001", mine, base | {"method": "ours", "rtol": 1e-4}, given.rounds)]
    if rivals is not None:
        few = min(2, given.rounds)

        def theirs(job: dict[str, Any]) -> Any:
            return rivals.ask(json.dumps(job))

        for criterion in (1e-2, 1e-3):
            job = base | {"method": "phases", "criterion": criterion, "limit": given.sweeps}
            timed.append(Contender(f"TauFactor, {criterion:g}", theirs, job, few))
    rotate(timed, f"{name}, contrast {contrast:g}", exact, 0, np.load(path, mmap_mode="r").size, given.rounds)


def compare(path: Path, name: str, ours: Rival, rivals: Rival | None, given: argparse.Namespace) -> None:
    """One table: every contender on one image, in rounds whose order rotates."""
    base = {"volume": str(path), "axis": 0, "sigma": {"1": 1.0}, "threads": 1}
    large = np.load(path, mmap_mode="r").size > 2e6

    def mine(job: dict[str, Any]) -> Any:
        return ours.ask(json.dumps(job))

    exact = mine(base | {"method": "ours", "rtol": 1e-8})["value"]
    timed = [
        Contender(f"percolyte, rtol {rtol:g}", mine, base | {"method": "ours", "rtol": rtol}, given.rounds)
        for rtol in (1e-3, 1e-4, 1e-5)
    ]
    if rivals is not None:
        few = 1 if large else min(2, given.rounds)

        def theirs(job: dict[str, Any]) -> Any:
            return rivals.ask(json.dumps(job))

        for criterion in (1e-2,) if large else (1e-2, 1e-3):
            job = base | {"method": "tau", "criterion": criterion, "limit": given.sweeps}
            timed.append(Contender(f"TauFactor, {criterion:g}", theirs, job, few))
        timed.append(Contender("PoreSpy, default", theirs, base | {"method": "pores"}, few))
        if not large:
            for solver in ("auto", "pcg"):
                job = base | {"method": "impala", "solver": solver, "patience": given.patience}
                timed.append(Contender(f"OpenImpala, {solver}", impala, job, 1))
    rotate(timed, name, exact, 1, np.load(path, mmap_mode="r").size, given.rounds)


def rotate(timed: list[Contender], name: str, exact: float, reference: int, size: int, rounds: int) -> None:
    """Let the contenders take turns, and print their table; `reference` is percolyte at rtol 1e-4."""
    for turn in range(rounds):
        print(f"{name}: round {turn + 1} of {rounds}", file=sys.stderr)
        start = turn * len(timed) // rounds
        for contender in timed[start:] + timed[:start]:
            if turn < contender.rounds:
                contender.found.append(contender.ask(contender.job))
    best = min(float(found["cpu"]) for found in timed[reference].found)
    print(f"\n{name}: D = {exact:.6g}; percolyte at rtol 1e-4 takes {best / size * 1e9:.0f} ns a voxel\n")
    print("| contender | CPU | times ours | iterations or sweeps | true error | bytes a voxel |")
    print("| --- | --- | --- | --- | --- | --- |")
    for contender in timed:
        print(contender.row(exact, best), flush=True)


def published(samples: Path, folder: Path, ours: Rival) -> None:
    """The TF-500 benchmark and TauFactor's electrode.tiff, with the tortuosity factors published for them."""
    with zipfile.ZipFile(samples / "taufactor_TF-500.zip") as packed:
        (inner,) = [name for name in packed.namelist() if name.endswith((".tif", ".tiff"))][:1]
        image = folder / "TF-500.tif"
        image.write_bytes(packed.read(inner))
    print(
        "\n| image, axis | tortuosity factor, published | here | CPU | wall | iterations |\n| --- | --- | --- | --- | --- | --- |"
    )
    cases = [
        ("TF-500", image, 255, (4.2431, 1.1513, 1.3905)),
        ("electrode.tiff, pore", samples / "taufactor_electrode.tiff", 0, (2.0772, 2.0766)),
    ]
    for name, file, label, factors in cases:
        labels = (read_stack(file) == label).astype(np.uint8)
        path = folder / "sample.npy"
        np.save(path, labels)
        for axis, factor in enumerate(factors):
            job = {"volume": str(path), "method": "ours", "axis": axis, "sigma": {"1": 1.0}, "rtol": 1e-4, "threads": 1}
            found = ours.ask(json.dumps(job))
            tau = labels.mean() / found["value"]
            print(
                f"| {name}, {axis} | {factor} | {tau:.5f} | {found['cpu']:.3g} s | {found['wall']:.3g} s "
                f"| {found['steps']} |",
                flush=True,
            )


def read_stack(path: Path) -> NDArray[np.uint8]:
    from PIL import Image, ImageSequence

    with Image.open(path) as stack:
        return np.stack([np.asarray(page, dtype=np.uint8) for page in ImageSequence.Iterator(stack)])


def large(folder: Path, ours: Rival, n: int, threads: int) -> None:
    """One image of n³ voxels."""
    path = folder / "large.npy"
    np.save(path, structure("S35", n))
    job = {"volume": str(path), "method": "ours", "axis": 0, "sigma": {"1": 1.0}, "rtol": 1e-4, "threads": threads}
    for _ in range(2):  # a virtual machine is slow to hand out memory for the first time
        found = ours.ask(json.dumps(job))
        print(
            f"S35 {n}^3, {threads} threads: {found['wall']:.3g} s wall, {found['cpu']:.3g} s CPU, "
            f"{found['steps']} iterations, {found['bytes']:.1f} bytes a voxel, the image included",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", default="100", help="voxels an edge, such as 100,200")
    parser.add_argument("--structures", default="S50,S35,S31,G25,M25")
    parser.add_argument("--contrasts", default="", help="both phases conduct, at contrasts such as 10,1000")
    parser.add_argument("--sweeps", type=int, default=20000, help="most sweeps of TauFactor")
    parser.add_argument("--patience", type=float, default=300.0, help="most seconds of OpenImpala")
    parser.add_argument("--samples", type=Path, help="folder with taufactor_TF-500.zip and taufactor_electrode.tiff")
    parser.add_argument("--large", type=int, help="also an image of so many voxels an edge")
    parser.add_argument("--threads", type=int, default=2, help="threads for --large")
    given = parser.parse_args()
    print(
        f"{date.today()}: percolyte {percolyte.__version__}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"Numba {numba.__version__}; {os.cpu_count()} cores; {given.rounds} rounds"
    )
    ours = Rival(OURS, sys.executable)
    rivals = Rival(RIVALS) if RIVAL_PYTHON else None
    print(f"rivals: {json.dumps(rivals.about)}" if rivals else "rivals left out: set RIVAL_PYTHON to one that has them")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        warm(folder, ours, rivals)
        for n in (int(size) for size in given.sizes.split(",") if size):
            for kind in given.structures.split(","):
                path = folder / "volume.npy"
                np.save(path, structure(kind, n))
                compare(path, f"{kind} {n}^3", ours, rivals, given)
                for contrast in (float(c) for c in given.contrasts.split(",") if c):
                    np.save(path, structure(kind, n))
                    compare_phases(path, f"{kind} {n}^3", contrast, ours, rivals, given)
        if given.samples:
            published(given.samples, folder, ours)
        if given.large:
            large(folder, ours, given.large, given.threads)


if __name__ == "__main__":
    main()
