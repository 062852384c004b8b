"""A labelled voxel image: which phase stands where, and how long a voxel is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from percolyte import units
from percolyte.errors import InputError, Problem, UnitError, suggestion

Lengths = tuple[float, float, float]
Labels = NDArray[np.uint8]
Origin = Literal["measured", "generated", "assumed"]

MOST_NAMELESS = 16
"""Different values beyond which an image without phase names is taken for grey values."""


@dataclass(frozen=True)
class Volume:
    """Labels on a regular grid; axis 0 runs from the separator to the collector."""

    labels: Labels
    voxel: Lengths
    """Length of a voxel along each axis, m."""
    phases: Mapping[str, int]
    """Name of a phase -> its label, every label of the image included."""
    origin: Origin
    source: str
    """The file, or the recipe and the seed, that it came from."""

    def __post_init__(self) -> None:
        problems = []
        if self.labels.ndim != 3 or self.labels.dtype != np.uint8 or self.labels.size == 0:
            problems.append(
                Problem(
                    "labels",
                    f"a volume is a filled 3D array of uint8, not {self.labels.ndim}D {self.labels.dtype} "
                    f"with {self.labels.size} voxels",
                )
            )
        if len(self.voxel) != 3 or not all(0.0 < length < np.inf for length in self.voxel):
            problems.append(
                Problem("voxel", f"{self.voxel} are not three lengths above zero; write for example '0.5 um'")
            )
        problems += shared_labels(self.phases)
        problems += [
            Problem("phases", f"the label {label} of '{name}' is not between 0 and 255")
            for name, label in self.phases.items()
            if not 0 <= label <= 255
        ]
        if problems:
            raise InputError(problems, source=self.source)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.labels.shape))
        edges = ", ".join(units.text(length, units.LENGTH, digits=4) for length in dict.fromkeys(self.voxel))
        return f"Volume({shape} voxels of {edges}, {dict(self.phases)}, {self.origin}: {self.source})"

    @property
    def size(self) -> Lengths:
        """Length of the edges, m."""
        (nx, ny, nz), (dx, dy, dz) = self.labels.shape, self.voxel
        return nx * dx, ny * dy, nz * dz

    @property
    def fractions(self) -> dict[str, float]:
        """Volume fraction of every phase."""
        counts = np.bincount(self.labels.ravel(), minlength=256)
        return {name: float(counts[label] / self.labels.size) for name, label in self.phases.items()}

    def mask(self, *names: str) -> NDArray[np.bool_]:
        """True where one of the named phases stands."""
        chosen = np.zeros(256, dtype=np.bool_)
        chosen[[self.label(name) for name in names]] = True
        return chosen[self.labels]

    def label(self, name: str) -> int:
        return label_of(self.phases, name, self.source)


def check_axis(axis: int, source: str = "") -> None:
    """Refuse what is not one of the three axes."""
    if axis not in (0, 1, 2):
        raise InputError(f"{axis} is not an axis; the axes are 0, 1 and 2", source=source)


def label_of(phases: Mapping[str, int], name: str, source: str) -> int:
    """The label of a phase; `InputError` that names those there are."""
    if name not in phases:
        known = ", ".join(f"'{phase}'" for phase in phases)
        raise InputError(f"no phase '{name}' in this volume; it has {known}{suggestion(name, phases)}", source=source)
    return phases[name]


def along_axes(lengths: Lengths | float, where: str) -> Lengths:
    """One length for all axes, or one for each, m.

    Errors: `InputError` for anything else, such as text.
    """
    each = tuple(lengths) if isinstance(lengths, Iterable) and not isinstance(lengths, str) else (lengths,) * 3
    if len(each) != 3 or not all(isinstance(length, Real) for length in each):
        raise InputError([Problem(where, f"{lengths!r} is neither a length in m nor three; write for example 0.5e-6")])
    x, y, z = each
    return x, y, z


def volume_from(
    labels: Labels,
    voxel: Lengths | float,
    phases: Mapping[str, int] | None = None,
    *,
    origin: Origin = "measured",
    source: str = "array",
) -> Volume:
    """A volume whose phase names and labels agree (`phases_of`)."""
    counts = np.bincount(labels.ravel(), minlength=256)
    return Volume(labels, along_axes(voxel, "voxel"), phases_of(counts, phases, source), origin, source)


def phases_of(counts: NDArray[np.int64], phases: Mapping[str, int] | None, source: str) -> dict[str, int]:
    """Names of the labels of which an image holds so many voxels; without names a phase is called by its label.

    Errors: `InputError` that names every label without a phase, every phase
    without a voxel, and an image that looks like grey values.
    """
    present = np.flatnonzero(counts)
    if phases is None:
        if len(present) > MOST_NAMELESS:
            raise InputError(
                f"holds {len(present)} different values, which look like grey values; "
                "make labels of them with `percolyte segment`, or name each with --phases",
                source=source,
            )
        phases = {str(label): int(label) for label in present}
    problems = [*shared_labels(phases), *_disagreements(counts, phases)]
    if problems:
        raise InputError(problems, source=source)
    return dict(phases)


def shared_labels(phases: Mapping[str, int]) -> list[Problem]:
    """Phases that cannot be told apart by their labels."""
    named: dict[int, list[str]] = {}
    for name, label in phases.items():
        named.setdefault(label, []).append(f"'{name}'")
    return [
        Problem("phases", f"{' and '.join(names)} share the label {label}; give each its own, or name one of them only")
        for label, names in named.items()
        if len(names) > 1
    ]


def _disagreements(counts: NDArray[np.int64], phases: Mapping[str, int]) -> Iterable[Problem]:
    """Labels of the image without a name, and names without a label of the image."""
    present = np.flatnonzero(counts).tolist()
    listed = ", ".join(map(str, present[:MOST_NAMELESS])) + (", ..." if len(present) > MOST_NAMELESS else "")
    nameless = [label for label in present if label not in phases.values()]
    problems = [
        Problem("phases", f"label {label} for '{name}' is not in the image; it has {listed}")
        for name, label in phases.items()
        if label not in present
    ]
    for label in nameless[:MOST_NAMELESS]:
        share = units.text(float(counts[label] / counts.sum()), units.FRACTION, digits=3)
        problems.append(Problem("phases", f"label {label} ({share} of the voxels) has no name; add NAME={label}"))
    if len(nameless) > MOST_NAMELESS:
        problems.append(Problem("phases", f"and {len(nameless) - MOST_NAMELESS} more labels; are these grey values?"))
    return problems


def voxel_from(text: str) -> Lengths:
    """'0.5 um', or one length for each axis: '0.5 um, 0.5 um, 1 um' -> m."""
    return lengths_from(text, units.VOXEL, "0.5 um, 0.5 um, 1 um")


def lengths_from(text: str, dimension: units.Dimension, three: str) -> Lengths:
    """One length, or one for each axis, m; `three` is an example of these."""
    parts = text.split(",")
    if len(parts) == 1:
        return (units.parse(text, dimension),) * 3
    advice = f"write for example '{dimension.example}' or '{three}'"
    if re.search(r"\d,\d", text):
        raise UnitError(f"'{text}': use a point, not a comma, in a number, and give each length its unit; {advice}")
    if len(parts) != 3:
        raise UnitError(f"'{text}' is neither one length nor three; {advice}")
    first, second, third = (units.parse(part, dimension) for part in parts)
    return first, second, third


def phases_from(text: str) -> dict[str, int]:
    """'active=1, electrolyte=2, void=0' -> name of a phase and its label."""
    phases: dict[str, int] = {}
    problems = []
    for part in text.split(","):
        name, sign, number = (word.strip() for word in part.rpartition("="))
        if not (sign and name and number.isdecimal() and int(number) < 256):
            what = f"'{part.strip()}' is not NAME=LABEL with a label from 0 to 255; write for example active=1"
            problems.append(Problem("", what))
        elif phases.setdefault(name, int(number)) != int(number):
            what = f"'{name}' has two labels; merge them with `percolyte volume --merge`, or use two names"
            problems.append(Problem("", what))
    if problems:
        raise InputError(problems)
    return phases
