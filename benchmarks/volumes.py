"""Times of the measures of a volume, in CPU seconds on one core: `volumes.py [--edge N]`.

The volume is made of three phases from one random field, as rough as a real
electrode of 256 voxels; nothing is downloaded.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from percolyte.microstructure.clusters import connected
from percolyte.microstructure.distances import path_lengths
from percolyte.microstructure.interfaces import interface_areas, triple_lines
from percolyte.microstructure.measure import measure, measure_widths
from percolyte.microstructure.networks import roles_of
from percolyte.microstructure.particles import separate
from percolyte.microstructure.volume import Volume

VOXEL = (4e-7, 4e-7, 4e-7)


def electrode(edge: int) -> Volume:
    """15 vol% void, 40 vol% electrolyte, 45 vol% active material."""
    field = gaussian_filter(np.random.default_rng(0).normal(size=(edge,) * 3), 4.0)
    labels = np.digitize(field, np.quantile(field[::4, ::4, ::4], [0.15, 0.55])).astype(np.uint8)
    return Volume(labels, VOXEL, {"void": 0, "electrolyte": 1, "active": 2}, "generated", "random field")


def contenders(volume: Volume) -> dict[str, Callable[[], Any]]:
    roles, active = roles_of(volume), volume.mask("active")
    return {
        "clusters of all phases": lambda: connected(volume.labels),
        "particles": lambda: separate(active, VOXEL),
        "interface areas": lambda: interface_areas(volume.labels, 3, VOXEL),
        "three-phase lines": lambda: triple_lines(volume.labels, 3, VOXEL),
        "shortest ways": lambda: path_lengths(active, VOXEL, 0),
        "measure, all with sub-volumes": lambda: measure(volume, roles),
        "widths of one phase, with sub-volumes": lambda: measure_widths(volume, "active"),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--edge", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    for call in contenders(electrode(32)).values():
        call()
    best: dict[str, float] = {}
    for _ in range(options.rounds):
        for name, call in contenders(electrode(options.edge)).items():
            start = time.process_time()
            call()
            best[name] = min(best.get(name, np.inf), time.process_time() - start)
    for name, seconds in best.items():
        print(f"{name:40} {seconds:7.2f} s  {1e9 * seconds / options.edge**3:7.0f} ns per voxel")


if __name__ == "__main__":
    main()
