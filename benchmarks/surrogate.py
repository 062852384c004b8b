"""The table of transport from particle sizes: packed, drawn, solved and measured once, then shipped with the package.

One row of the table is one generated volume. Rows that stand in the file are kept, so that an interrupted run goes on:

    .venv/bin/python benchmarks/surrogate.py            # some hours of one core
    .venv/bin/python benchmarks/surrogate.py --check 40 # volumes off the grid, against what the table says of them
"""

from __future__ import annotations

import argparse
import csv
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from percolyte.microstructure.interfaces import interface_areas
from percolyte.microstructure.networks import Networks, Roles
from percolyte.microstructure.pack import Microstructure, Packed, pack, redraw
from percolyte.microstructure.powders import LognormalSizes
from percolyte.microstructure.shapes import Spheres
from percolyte.microstructure.volume import Volume
from percolyte.transport.microstructure import resolution_error
from percolyte.transport.surrogate import NETWORKS, Seams, surrogate
from percolyte.transport.voxels import conduct

TABLE = Path(__file__).parents[1] / "src/percolyte/transport/surrogate.csv"
ACTIVE = (0.15, 0.25, 0.35, 0.45, 0.55, 0.60, 0.65)
POROSITY = (0.0, 0.05, 0.10, 0.175, 0.25)
RATIO = (0.5, 1.0, 2.0, 4.0, 8.0)
SEEDS = (1, 2, 3)
SEAMS: tuple[Seams, ...] = ("closed", "open")
SPREAD = 1.4
VOXEL = 1e-7
LOOK = {0.5: (10, 128), 1.0: (14, 128), 2.0: (10, 128), 4.0: (6, 144), 8.0: (5, 192)}
"""For each ratio the voxels across the smaller particles, and along an edge of the volume."""
LEAST = 0.02
"""Relative conductivity below which a network of few particles is about to break, and no volume stands for another."""
POINT = ("seams", "active", "porosity", "ratio", "seed")
COLUMNS = (*POINT, "ionic", "electronic", "ionic_resolution", "electronic_resolution",
           "utilisation", "ionic_utilisation", "contact_fraction", "active_area")  # fmt: skip
Point = tuple[Seams, float, float, float, int]
Row = dict[str, float]


def row(point: Point, spread: float = SPREAD) -> Row:
    """What one volume says, conductivities over those of the phases, areas times the diameter of the active particles."""
    seams, active, porosity, ratio, seed = point
    small, edge = LOOK[min(LOOK, key=lambda each: abs(np.log(each / ratio)))]
    soft = small * VOXEL * max(1.0, 1.0 / ratio)
    look = Microstructure(
        active=Spheres(sizes=LognormalSizes(d50=ratio * soft, spread=spread)),
        electrolyte=Spheres(sizes=LognormalSizes(d50=soft, spread=spread)),
        seams=seams,
    )
    fractions = {"active": active, "electrolyte": 1.0 - porosity - active}
    packed = pack(fractions, look, (edge * VOXEL,) * 3, VOXEL, seed)
    others = [redraw(packed.placed, VOXEL * factor) for factor in (2.0, 0.5)] if seed == SEEDS[0] else []
    found = _reach(packed.volume, ratio * soft)
    for name, phase in zip(NETWORKS, ("electrolyte", "active"), strict=True):
        found[name] = _conductivity(packed, phase)
        changed = [_conductivity(other, phase) for other in others] if found[name] else []
        found[f"{name}_resolution"] = resolution_error(found[name], *changed) / found[name] if changed else float("nan")
    return found


def _conductivity(packed: Packed, phase: str) -> float:
    return conduct(packed.volume, {phase: 1.0}, errors=False, threads=1).effective_conductivity


def _reach(volume: Volume, diameter: float) -> Row:
    """Active material that both networks reach, that ions reach, and the area over which they do."""
    both = Networks(volume, Roles(("active",), ("electrolyte",), ("active",)), 0)
    ions = Networks(volume, Roles(("active",), ("electrolyte",), tuple(volume.phases)), 0)
    classes = volume.mask("active") * np.uint8(1) + ions.live + 3 * volume.mask("electrolyte") * np.uint8(1)
    classes += ions.through_ions
    areas = interface_areas(classes.astype(np.uint8), 5, volume.voxel) / np.prod(volume.size)
    touched, surface = float(areas[2, 4]), float(areas[2, [0, 3, 4]].sum())
    return {
        "utilisation": both.utilisation,
        "ionic_utilisation": ions.utilisation,
        "contact_fraction": touched / surface if surface else 0.0,
        "active_area": touched * diameter,
    }


def points() -> Iterator[Point]:
    """Without void all seams close."""
    for seed, seams, ratio, active, porosity in itertools.product(SEEDS, SEAMS, RATIO, ACTIVE, POROSITY):
        if seams == "closed" or porosity:
            yield seams, active, porosity, ratio, seed


def build() -> None:
    """Append the rows that the table lacks."""
    done: set[tuple[str, ...]] = set()
    if TABLE.exists():
        with TABLE.open(newline="") as file:
            done = {tuple(line[name] for name in POINT) for line in csv.DictReader(file)}
    wanted = [point for point in points() if _said(point) not in done]
    with TABLE.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if not done:
            writer.writeheader()
        for number, point in enumerate(wanted, 1):
            found = {name: f"{value:.5g}" for name, value in row(point).items()}
            writer.writerow(dict(zip(POINT, _said(point), strict=True)) | found)
            file.flush()
            print(f"\r{number} of {len(wanted)}", end="", file=sys.stderr)


def _said(point: Point) -> tuple[str, ...]:
    return (point[0], *(f"{value:.5g}" for value in point[1:]))


def check(number: int, spread: float, seams: Seams) -> None:
    """Volumes at random points between those of the table, and how far the table is from them."""
    random = np.random.default_rng(0)
    table = surrogate(seams)
    apart: dict[str, list[float]] = {
        name: [] for name in ("ionic", "electronic", "ionic_utilisation", "contact_fraction")
    }
    for seed in range(number):
        active, porosity = random.uniform(0.2, 0.62), random.uniform(0.0, 0.22)
        ratio = float(np.exp(random.uniform(np.log(0.5), np.log(6.0))))
        found = row((seams, active, porosity, ratio, 100 + seed), spread)
        for name, deviations in apart.items():
            said = table.at(name, active, porosity, ratio).value
            if name not in NETWORKS:
                deviations.append(said - found[name])
            elif found[name] > LEAST:
                deviations.append(said / found[name] - 1.0)
        print(f"\r{seed + 1} of {number}", end="", file=sys.stderr)
    for name, deviations in apart.items():
        kind = "relative" if name in NETWORKS else "absolute"
        rms, median = np.sqrt(np.mean(np.square(deviations))), np.median(deviations)
        print(f"{name}: {len(deviations)} points, {kind} rms {rms:.3f}, median {median:+.3f}, "
              f"largest {np.max(np.abs(deviations)):.3f}")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", type=int, help="volumes between the points of the table")
    parser.add_argument("--spread", type=float, default=SPREAD, help="of the particles of these volumes")
    parser.add_argument("--seams", choices=SEAMS, default=SEAMS[0], help="of the electrolyte of these volumes")
    arguments = parser.parse_args()
    if arguments.check:
        check(arguments.check, arguments.spread, arguments.seams)
    else:
        build()
