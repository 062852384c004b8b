"""Transport, contact and utilisation of a composite from its particle sizes, by a table of solved volumes.

Each row of `surrogate.csv` is one volume of spheres, packed, drawn, solved and
measured as in `transport/microstructure.py`. Conductivities relative to those of
the phases depend on volume fractions and on λ = D_active/D_electrolyte (medians
by volume), not on the sizes themselves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from percolyte.errors import InputError, Problem
from percolyte.microstructure.pack import Microstructure
from percolyte.microstructure.powders import AnySizes, ConstantSize, LognormalSizes
from percolyte.microstructure.shapes import Spheres
from percolyte.transport.effective import CARBON_THRESHOLD, Phase, Share, Transport, electrons_of_carbon

Floats = NDArray[np.float64]
Seams = Literal["closed", "open"]
AXES = ("active", "porosity", "ratio")
NETWORKS = ("ionic", "electronic")
SPREAD = 1.4
"""Geometric standard deviation of the diameters of all spheres in the table."""
BETWEEN: Mapping[Seams, Mapping[str, float]] = {
    "closed": {
        "ionic": 0.05,
        "electronic": 0.08,
        "utilisation": 0.02,
        "ionic_utilisation": 0.02,
        "contact_fraction": 0.02,
    },
    "open": {
        "ionic": 0.13,
        "electronic": 0.08,
        "utilisation": 0.05,
        "ionic_utilisation": 0.05,
        "contact_fraction": 0.03,
    },
}
"""Root mean square difference to 40 volumes of other seeds between the points of the table: relative of
conductivities, absolute of shares (`benchmarks/surrogate.py --check 40`, and `--seams open`)."""
SHARES = ("utilisation", "ionic_utilisation", "contact_fraction")


@dataclass(frozen=True)
class Prediction:
    """A number of the table at one point, and its standard error."""

    value: float
    scatter: float
    """Among volumes of one recipe, of the mean over them."""
    resolution: float
    """From the voxel length of the volumes, absolute."""
    between: float
    """From interpolation, absolute."""

    @property
    def sampling(self) -> float:
        return math.hypot(self.scatter, self.between)

    @property
    def error(self) -> float:
        return math.hypot(self.sampling, self.resolution)


@dataclass(frozen=True)
class Surrogate:
    """The table on its grid."""

    axes: Mapping[str, Floats]
    mean: Mapping[str, Floats]
    """Over the volumes of one recipe."""
    scatter: Mapping[str, Floats]
    resolution: Mapping[str, Floats]
    """Relative."""
    between: Mapping[str, float]
    """From interpolation: relative of conductivities, absolute of shares."""

    def at(self, name: str, active: float, porosity: float, ratio: float) -> Prediction:
        """A number between the points of the table, linear along each axis (λ by its logarithm).

        Conductivities are interpolated as their square roots, which are nearly straight
        in the volume fractions and reach zero where a network breaks (exponent 2 of percolation).
        """
        root = name in NETWORKS
        corners = self._corners(active, porosity, ratio)
        mean, scatter = self.mean[name], self.scatter[name]
        if root:
            value = sum(weight * math.sqrt(mean[at]) for at, weight in corners) ** 2
        else:
            value = sum(weight * mean[at] for at, weight in corners)
        spread = math.sqrt(sum(weight * scatter[at] ** 2 for at, weight in corners))
        # absolute, as a network about to break at one corner errs by many times itself, which is little
        resolution = sum(weight * self.resolution[name][at] * mean[at] for at, weight in corners) if root else 0.0
        between = self.between[name] * (value if root else 1.0)
        return Prediction(float(value), float(spread), float(resolution), float(between))

    def _corners(self, *point: float) -> list[tuple[tuple[int, ...], float]]:
        """The points of the grid around one, with their weights."""
        places = []
        for name, value in zip(AXES, point, strict=True):
            grid = self.axes[name]
            x = np.log(grid) if name == "ratio" else grid
            at = math.log(value) if name == "ratio" else value
            below = int(np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2))
            share = float((at - x[below]) / (x[below + 1] - x[below]))
            places.append(((below, 1.0 - share), (below + 1, share)))
        return [
            (tuple(index for index, _ in corner), math.prod(weight for _, weight in corner))
            for corner in product(*places)
        ]


@lru_cache(maxsize=2)
def surrogate(seams: Seams = "closed") -> Surrogate:
    """The table that comes with percolyte. Without void all seams close, so that such volumes stand in it once."""
    text = (files("percolyte.transport") / "surrogate.csv").read_text("ascii")
    names, *lines = (line.split(",") for line in text.splitlines())
    rows = dict(zip(names, zip(*lines, strict=True), strict=True))
    belongs = (np.array(rows.pop("seams")) == seams) | (np.array(rows["porosity"], float) == 0.0)
    columns = {name: np.array(values, float)[belongs] for name, values in rows.items()}
    axes = {name: np.unique(columns[name]) for name in AXES}
    place = tuple(np.searchsorted(axes[name], columns[name]) for name in AXES)
    shape = tuple(len(axes[name]) for name in AXES)
    number = np.zeros(shape)
    np.add.at(number, place, 1.0)

    def over_volumes(values: Floats) -> tuple[Floats, Floats]:
        known = np.isfinite(values)
        at, value = tuple(index[known] for index in place), values[known]
        count, total, squares = (np.zeros(shape) for _ in range(3))
        for target, what in ((count, np.ones_like(value)), (total, value), (squares, value**2)):
            np.add.at(target, at, what)
        mean = total / np.maximum(count, 1.0)
        variance = np.maximum(squares - count * mean**2, 0.0) / np.maximum(count - 1.0, 1.0)
        return mean, np.sqrt(variance / np.maximum(count, 1.0))

    found = {name: over_volumes(columns[name]) for name in (*NETWORKS, *SHARES, "active_area")}
    resolution = {name: over_volumes(columns[f"{name}_resolution"])[0] for name in NETWORKS}
    return Surrogate(
        axes,
        {name: mean for name, (mean, _) in found.items()},
        {name: scatter for name, (_, scatter) in found.items()},
        resolution,
        BETWEEN[seams],
    )


def surrogate_transport(
    active: float,
    electrolyte: float,
    ratio: float,
    ionic: tuple[Phase, ...],
    electronic: tuple[Phase, ...],
    carbon: float,
    seams: Seams = "closed",
) -> Transport:
    """Effective transport of a composite of spheres with volume fractions `active` and `electrolyte`, the rest void.

    σ_ion = σ_SE f(φ_active, ε, λ) and σ_el = σ_active g(φ_active, ε, λ) + σ_carbon((φ_carbon - φ_c)/(1 - φ_c))²,
    with f and g from the table, ε = 1 - φ_active - φ_electrolyte and λ = `ratio` = D_active/D_electrolyte.
    `ionic` and `electronic` are the phases whose own conductivity (S/m) is known. Carbon and binder are too
    small for the table: they count as void for the ions. Carbon above its threshold (2 vol%) is
    taken to reach every particle, so that ions alone decide the utilisation.

    Holds for spheres with a spread of sizes (sqrt(d84/d16)) near 1.4, contacts without resistance, and layers many
    particles thick. Limit: at a point of the table the mean of its volumes.

    Errors: InputError outside of the table, with its range.
    """
    table = surrogate(seams)
    porosity = max(0.0, 1.0 - active - electrolyte)
    _check(table, active, porosity, ratio)
    point = (active, porosity, ratio)
    ions, electrons = (table.at(name, *point) for name in NETWORKS)
    own_ions, own_electrons = _mean(ionic), _mean(tuple(phase for phase in electronic if phase.role != "carbon"))
    covered = carbon > CARBON_THRESHOLD
    network = electrons_of_carbon(electronic) or None
    through_active = None if own_electrons is None else own_electrons * electrons.value
    known = [value for value in (through_active, network) if value is not None]
    reached = table.at("ionic_utilisation" if covered else "utilisation", *point)
    contact = table.at("contact_fraction", *point)
    said = f"{100 * active:.3g} vol% active, {100 * porosity:.3g} vol% void, carbon and binder, λ = {ratio:.3g}"
    said += ", seams open" if seams == "open" else ""
    statement = f"from a table of solved packings of spheres of spread {SPREAD:g} ({said})"
    if covered:
        threshold = f"{100 * CARBON_THRESHOLD:g} vol%"
        statement += f"; above {threshold} carbon is assumed to percolate and to reach every particle"
    return Transport(
        kind="surrogate",
        ionic=None if own_ions is None else own_ions * ions.value,
        electronic=sum(known) if known else None,
        ionic_tortuosity_factor=electrolyte / ions.value if ions.value > 0.0 else None,
        statement=statement,
        ionic_error=ions.error / ions.value if ions.value > 0.0 else None,
        electronic_error=electrons.error / electrons.value if electrons.value > 0.0 and known and not network else None,
        utilisation=Share(min(1.0, reached.value), None, reached.sampling),
        contact_fraction=Share(contact.value, None, contact.sampling) if contact.value > 0.0 else None,
    )


def ignored(look: Microstructure, stated: Set[str], fractions: Mapping[str, float]) -> tuple[str, ...]:
    """What a design states of its microstructure and the table does not know.

    `stated` are the fields of the look that the design itself fills, `fractions`
    the volume fractions by phase: what the recipe lacks is not said.
    """
    found = []
    for name, shape in (("active", look.active), ("electrolyte", look.electrolyte)):
        if shape is not None and not isinstance(shape, Spheres):
            found.append(f"{name} {shape.kind}, taken as spheres")
        if shape is not None and (name in stated or not isinstance(shape.sizes, ConstantSize)):
            spread = _other_spread(shape.sizes)
            found += [f"{name} sizes {spread}, taken as spread {SPREAD:g} around the median"] if spread else []
    for name, phase in (("carbon", "carbon"), ("binder", "binder"), ("nonwoven", "scaffold")):
        if name in stated and fractions.get(phase, 0.0) > 0.0:
            found.append(f"{phase} as {getattr(look, name).kind}, counted as void")
    found += [
        f"the {phase}, counted as void"
        for phase in ("coating", "scaffold")
        if fractions.get(phase, 0.0) > 0.0 and f"{phase} as" not in " ".join(found)
    ]
    others = {"skeleton": look.skeleton, "pores": look.pores, "gradient": look.gradient}
    found += [name for name, value in others.items() if value]
    return (*found, *(["dispersed contacts, taken as touching"] if look.contacts == "dispersed" else []))


def _other_spread(sizes: AnySizes) -> str:
    """The spread of sizes in words, where it is not that of the table."""
    if isinstance(sizes, ConstantSize):
        return "of one diameter"
    if isinstance(sizes, LognormalSizes):
        return "" if abs(sizes.spread - SPREAD) < 1e-9 else f"of spread {sizes.spread:g}"
    return "by a histogram"


def _mean(phases: tuple[Phase, ...]) -> float | None:
    """Mean conductivity by volume; None without any."""
    fraction = sum(phase.fraction for phase in phases)
    return sum(phase.fraction * phase.conductivity for phase in phases) / fraction if fraction else None


def _check(table: Surrogate, active: float, porosity: float, ratio: float) -> None:
    """Refuse what the table does not hold."""
    names = {
        "active": "volume fraction of active material",
        "porosity": "volume fraction of void, carbon and binder together",
        "ratio": "ratio of the diameters of active material and electrolyte",
    }
    problems = []
    for name, value in zip(AXES, (active, porosity, ratio), strict=True):
        low, high = table.axes[name][0], table.axes[name][-1]
        if not low - 1e-9 <= value <= high + 1e-9:
            what = f"the table knows a {names[name]} of {low:g} to {high:g}, not {value:.3g}"
            problems.append(Problem("kind", f"{what}; write kind = 'microstructure' to pack and solve a volume"))
    if problems:
        raise InputError(problems)
