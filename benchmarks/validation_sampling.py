"""What the cases of validation.py share: volumes of several seeds, numbers read from them, rows of a table."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np

from percolyte.microstructure.pack import Microstructure, Packed, pack
from percolyte.microstructure.powders import ConstantSize, LognormalSizes
from percolyte.microstructure.shapes import Particles, Polyhedra, Spheres
from percolyte.transport.voxels import conduct

FIGURES = Path(__file__).resolve().parent.parent / "docs" / "figures"
UM = 1e-6


@dataclass(frozen=True)
class Row:
    """A point of a figure; `low` and `high` are the ends of its bar."""

    panel: str
    series: str
    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Number:
    """A value read from one volume, and its relative error by the size of the voxels."""

    value: float
    resolution: float = 0.0


def write(figure: str, rows: Iterable[Row]) -> None:
    with (FIGURES / f"{figure}.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([field.name for field in fields(Row)])
        table.writerows([f"{cell:.4g}" if isinstance(cell, float) else cell for cell in astuple(row)] for row in rows)


def read(figure: str) -> list[Row]:
    return [_row(line, float(line["low"]), float(line["high"])) for line in _lines(FIGURES / f"{figure}.csv")]


def published(figure: str) -> list[Row]:
    """Published points; their bars are the tolerance that was set for a prediction."""
    lines = [line for line in _lines(FIGURES / "published.csv") if line["figure"] == figure]
    return [_row(line, *_allowed(float(line["y"]), line["tolerance"])) for line in lines]


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _row(line: Mapping[str, str], low: float, high: float) -> Row:
    return Row(line["panel"], line["series"], float(line["x"]), float(line["y"]), low, high)


def _allowed(y: float, tolerance: str) -> tuple[float, float]:
    if tolerance.startswith("×"):
        return y / float(tolerance[1:]), y * float(tolerance[1:])
    if tolerance.startswith("±"):
        return y - float(tolerance[1:]), y + float(tolerance[1:])
    if tolerance:
        low, high = tolerance.split("..")
        return float(low), float(high)
    return y, y


def spheres(diameter: float, spread: float = 1.0) -> Spheres:
    """Spheres of a diameter in um, or of a lognormal distribution around it."""
    return Spheres(sizes=sizes(diameter, spread))


def polyhedra(diameter: float, spread: float = 1.0) -> Polyhedra:
    return Polyhedra(sizes=sizes(diameter, spread))


def sizes(diameter: float, spread: float) -> ConstantSize | LognormalSizes:
    if spread == 1.0:
        return ConstantSize(diameter=diameter * UM)
    return LognormalSizes(d50=diameter * UM, spread=spread)


def composite(active: Particles, electrolyte: Particles, **more: object) -> Microstructure:
    return Microstructure.model_validate({"active": active, "electrolyte": electrolyte, **more})


def by_volume(weights: Mapping[str, float], densities: Mapping[str, float], porosity: float) -> dict[str, float]:
    """Volume fractions of the layer from any weights (kg, or parts) and densities (kg/m3)."""
    volume = {name: weight / densities[name] for name, weight in weights.items()}
    return {name: (1.0 - porosity) * part / sum(volume.values()) for name, part in volume.items()}


def volumes(
    fractions: Mapping[str, float], look: Microstructure, edge: float, voxel: float, seeds: int
) -> Iterator[Packed]:
    """Cubes of an edge on voxels, both in um."""
    for seed in range(1, seeds + 1):
        yield pack(fractions, look, (edge * UM,) * 3, voxel * UM, seed)


def conductivity(packed: Packed, phases: Mapping[str, float]) -> Number:
    """Effective conductivity in the unit of `phases`; phases that the volume has not are left out."""
    present = {name: sigma for name, sigma in phases.items() if packed.fractions.get(name, 0.0) > 0.0}
    found = conduct(packed.volume, present)
    error = found.relative_error
    return Number(found.effective_conductivity, 0.0 if error is None else error.resolution or 0.0)


def factor(packed: Packed, phase: str = "electrolyte") -> Number:
    """Tortuosity factor φ σ0/σ_eff of one phase."""
    found = conductivity(packed, {phase: 1.0})
    whole = packed.fractions[phase] / found.value if found.value > 0.0 else math.inf
    return Number(whole, found.resolution)


def row(panel: str, series: str, x: float, numbers: Iterable[Number]) -> Row:
    """Mean over the seeds. The bar is their standard deviation and the error by voxel size, as factors for what is
    positive: neither a conductivity nor a tortuosity factor is below zero."""
    found = list(numbers)
    values = np.array([number.value for number in found])
    mean = float(values.mean())
    if mean == 0.0 or not math.isfinite(mean):
        return Row(panel, series, x, mean, mean, mean)
    scatter = float(values.std(ddof=1)) / mean if len(values) > 1 else 0.0
    bar = 1.0 + math.hypot(scatter, float(np.mean([number.resolution for number in found])))
    return Row(panel, series, x, mean, mean / bar, mean * bar)


def share(panel: str, series: str, x: float, values: Iterable[float]) -> Row:
    """Mean over the seeds, with their standard deviation."""
    found = np.array(list(values))
    mean, scatter = float(found.mean()), float(found.std(ddof=1)) if len(found) > 1 else 0.0
    return Row(panel, series, x, mean, mean - scatter, mean + scatter)


Case = Callable[[], Iterator[Row]]
