"""How long percolyte takes to pack spheres and to generate a composite, beside other packers.

One run measures everything in rounds that visit every contender once, in an
order that rotates. CPU and wall seconds, single thread. See README.md beside this file.
"""

from __future__ import annotations

import os

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
)

import argparse
import math
import platform
import resource
import sys
from collections.abc import Callable
from datetime import date

import numba
import numpy as np
from energy import Contender, asked, processor, repeat, shown, verdict
from rival import RIVAL_PYTHON, Rival

import percolyte
from percolyte.microstructure.pack import Microstructure, Packed, pack
from percolyte.microstructure.powders import LognormalSizes
from percolyte.microstructure.shapes import Drawing, Polyhedra, Spheres
from percolyte.microstructure.spheres import SpherePacking, pack_spheres

UM = 1e-6
SPHERES_BAR, COMPOSITE_BAR = 1.0, 60.0
"""CPU seconds for 5,000 spheres at random close packing, and for the composite of 16 million voxels."""
RECIPE = {"active": 0.45, "electrolyte": 0.41, "carbon": 0.02, "binder": 0.01}

RIVAL = r"""
import json, sys, time
from importlib.metadata import version
import numpy as np
import porespy, spheropack

porespy.settings.tqdm["disable"] = True

def spheres(number, density):
    packing = spheropack.pack(number, density=density, seed=1)
    return f"{packing.status}, density {packing.density:.4f}"

def image(make):
    im = make()
    return f"{100 * np.mean(im > 0):.1f} vol%"

JOBS = {
    "spheres 0.58": lambda: spheres(5000, 0.58),
    "spheres 0.60": lambda: spheres(5000, 0.60),
    "spheres 0.63": lambda: spheres(5000, 0.63),
    "random": lambda: image(lambda: porespy.generators.random_spheres([150] * 3, r=8, seed=1)),
    "electrostatic": lambda: image(lambda: porespy.generators.pseudo_electrostatic_packing([150] * 3, r=8, seed=1)),
}

told = {name: version(name) for name in ("spheropack", "porespy", "numpy")}
print(json.dumps(told), flush=True)
for job in sys.stdin:
    cpu, wall = time.process_time(), time.perf_counter()
    outcome = JOBS[job.strip()]()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(outcome, file=sys.stderr)
    print(json.dumps([cpu, wall]), flush=True)
"""


def equal_spheres(density: float, number: int = 5000) -> SpherePacking:
    edge = (number * math.pi / 6.0 / density) ** (1.0 / 3.0)
    centres = np.random.default_rng(1).random((number, 3)) * edge
    return pack_spheres(np.full(number, 0.5), (edge, edge, edge), centres=centres)


def image(fraction: float = 0.546, edge: int = 150, radius: float = 8.0) -> Drawing:
    """Equal spheres on voxels, as PoreSpy's packers make them."""
    number = round(fraction * edge**3 / (4.0 / 3.0 * math.pi * radius**3))
    centres = np.random.default_rng(1).random((number, 3)) * edge
    packing = pack_spheres(np.full(number, radius), (edge, edge, edge), centres=centres)
    drawing = Drawing((edge, edge, edge), (1.0, 1.0, 1.0), (True, True, True))
    drawing.spheres(packing.centres, packing.radii, 1.0)
    return drawing


def composite(electrolyte: float, shape: type[Spheres] | type[Polyhedra], size: tuple[float, float, float]) -> Packed:
    """Active material, electrolyte, fibres and binder; `electrolyte` is its median diameter."""
    look = Microstructure(
        active=Spheres(sizes=LognormalSizes(d50=5 * UM, spread=1.4)),
        electrolyte=shape(sizes=LognormalSizes(d50=electrolyte, spread=1.4)),
        carbon={"kind": "fibres"},
    )
    return pack(RECIPE, look, size, 0.25 * UM, 1)


LARGE, CUBE = (100 * UM, 50 * UM, 50 * UM), (40 * UM,) * 3
OURS: dict[str, Callable[[], object]] = {
    "5,000 equal spheres, 58 vol%": lambda: equal_spheres(0.58),
    "5,000 equal spheres, 60 vol%": lambda: equal_spheres(0.60),
    "5,000 equal spheres, 63 vol%": lambda: equal_spheres(0.63),
    "5,000 equal spheres, 64 vol%": lambda: equal_spheres(0.64),
    "equal spheres of 16 voxels, 54.6 vol%, on 150^3 voxels": image,
    "composite, 40 um, 160^3 voxels": lambda: composite(2 * UM, Spheres, CUBE),
    "composite, 100 x 50 x 50 um, 400 x 200 x 200 voxels": lambda: composite(2 * UM, Spheres, LARGE),
    "the same, polyhedra of electrolyte": lambda: composite(2 * UM, Polyhedra, LARGE),
    "the same, 286,000 electrolyte particles of 1 um": lambda: composite(1 * UM, Spheres, LARGE),
}
THEIRS = {
    "spheropack, 5,000 equal spheres, 58 vol%": "spheres 0.58",
    "spheropack, 5,000 equal spheres, 60 vol%": "spheres 0.60",
    "spheropack, 5,000 equal spheres, 63 vol%": "spheres 0.63",
    "PoreSpy, random_spheres of 16 voxels on 150^3": "random",
    "PoreSpy, pseudo_electrostatic_packing, the same": "electrostatic",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    rival = Rival(RIVAL) if RIVAL_PYTHON else None
    print(f"{date.today()}, {rounds} rounds. percolyte {percolyte.__version__}, Python {platform.python_version()}, "
          f"NumPy {np.__version__}, Numba {numba.__version__}; {processor()}")  # fmt: skip
    timed = [Contender(name, repeat(work, 1)) for name, work in OURS.items()]
    if rival is not None:
        print(f"rivals: {rival.about}")
        timed += [Contender(name, asked(rival, job)) for name, job in THEIRS.items()]
    composite(2 * UM, Polyhedra, (20 * UM,) * 3)  # warm: compiled code
    image()
    for turn in range(rounds):
        print(f"round {turn + 1} of {rounds}", file=sys.stderr)
        start = turn * len(timed) // rounds
        for contender in timed[start:] + timed[:start]:
            contender.samples.append(contender.measure())
    print("\n| what | CPU, minimum | CPU, median | wall, minimum | wall, median |\n| --- | --- | --- | --- | --- |")
    for contender in timed:
        print(contender.row)
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")
    return judge({contender.name: contender for contender in timed})


def judge(timed: dict[str, Contender]) -> int:
    """Every bar with its figure, and how good what was timed is; 1 if a bar is missed."""
    jammed = equal_spheres(0.64)
    print(f"64 vol%: {jammed.coordination:.2f} contacts, overlap {100 * jammed.overlap:.2f} % of a diameter on average, "
          f"{100 * jammed.largest_overlap:.2f} % at most")  # fmt: skip
    packed = composite(2 * UM, Spheres, LARGE)
    worst = max(abs(packed.fractions[phase] - fraction) for phase, fraction in RECIPE.items())
    spheres = timed["5,000 equal spheres, 64 vol%"].cpu
    large = timed["composite, 100 x 50 x 50 um, 400 x 200 x 200 voxels"].cpu
    met = [
        verdict("5,000 spheres", spheres <= SPHERES_BAR, f"{shown(spheres)}, bar {SPHERES_BAR:g} s"),
        verdict("composite", large <= COMPOSITE_BAR, f"{shown(large)}, bar {COMPOSITE_BAR:g} s"),
        verdict("volume fractions", worst <= 0.005, f"off by {100 * worst:.1e} vol% at most, bar 0.5 vol%"),
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
