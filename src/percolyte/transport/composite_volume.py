"""The volume that a design's transport comes from: generated from its recipe, or imported from a file.

What decides a volume is a hashable value, so that one process generates or reads each volume once, however many
discharges ask for it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from percolyte import units
from percolyte.errors import InputError, Problem
from percolyte.files import inside
from percolyte.microstructure.edit import merge
from percolyte.microstructure.files import named_parts, open_image
from percolyte.microstructure.image import Image, volume_of
from percolyte.microstructure.memory import BYTES, check_memory, memory_problem
from percolyte.microstructure.pack import Microstructure, Packed, pack, redraw
from percolyte.microstructure.powders import largest, median
from percolyte.microstructure.volume import Volume
from percolyte.transport.effective import MicrostructureTransport
from percolyte.transport.voxel_image import SMALLEST

if TYPE_CHECKING:
    from percolyte.microstructure.particles import Particles

SIZE = 40e-6
"""Edge in m of a volume whose size the design does not state, unless its particles need more."""
PARTICLES_ACROSS = 3.0
"""Largest particles along the edge of such a volume, at least."""
VOXELS_ACROSS = 8.0
"""Voxels across the smallest particles where the design states no voxel."""
MOST_ALONG = 160
"""Voxels along an edge where the design states no voxel: about 20 s of one core."""
FINEST = 40_000_000
"""Voxels drawn anew at half the length to estimate an error, at most."""

log = logging.getLogger("percolyte")


@dataclass(frozen=True)
class Generated:
    """All that decides a generated volume."""

    fractions: tuple[tuple[str, float], ...]
    look: Microstructure
    size: float
    voxel: float
    seed: int


@dataclass(frozen=True)
class Dated:
    """A file, and when it was last written, ns."""

    path: str
    changed: int


@dataclass(frozen=True)
class Imported:
    """All that decides a volume of a file."""

    file: Dated
    voxel: float | None
    phases: tuple[tuple[str, int], ...] | None
    particles: Dated | None


def volume_source(
    choice: MicrostructureTransport, folder: Path, fractions: Mapping[str, float], look: Microstructure
) -> Generated | Imported:
    """What decides the volume of a transport table: a file in `folder`, or a recipe and a look.

    Errors: InputError for a file that does not exist, or lies outside of `folder`.
    """
    if choice.volume is not None:
        phases = None if choice.phases is None else tuple(sorted(choice.phases.items()))
        particles = None if choice.particles is None else _dated(choice.particles, folder)
        return Imported(_dated(choice.volume, folder), choice.voxel, phases, particles)
    sizes = [
        shape.sizes
        for phase, shape in (("active", look.active), ("electrolyte", look.electrolyte))
        if shape is not None and fractions.get(phase, 0.0) > 0.0
    ]
    size = choice.size or max([SIZE, *(PARTICLES_ACROSS * largest(each) for each in sizes)])
    smallest = min((median(each) for each in sizes), default=size)
    voxel = choice.voxel or max(smallest / VOXELS_ACROSS, size / MOST_ALONG)
    # the digits that rounding leaves uncertain must not generate another volume
    rounded = tuple((name, round(fraction, 9)) for name, fraction in fractions.items())
    return Generated(rounded, look, size, voxel, choice.seed)


def _dated(name: str, folder: Path) -> Dated:
    bare, inner = named_parts(name)
    path = inside(folder, str(bare))
    if not path.exists():
        raise InputError(f"there is no file {str(bare)!r} beside the design")
    return Dated(str(path) if inner is None else f"{path}:{inner}", path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def source_volume(source: Generated | Imported) -> tuple[Volume, tuple[str, ...], Particles | None]:
    """The volume, warnings about it, and its particles where they are known."""
    if isinstance(source, Imported):
        log.info("reading %s", source.file.path)
        image = open_image(source.file.path)
        if source.voxel is None and image.voxel is None:
            raise InputError([Problem("voxel", f"{image.about_voxel}; write for example voxel = '0.5 um'")])
        voxel = None if source.voxel is None else (source.voxel,) * 3
        _check_file(image)
        volume = _with_shell(volume_of(image, voxel, None if source.phases is None else dict(source.phases)))
        return replace(volume, source=Path(source.file.path).name), (), None
    packed = _packed(source)
    edge, step = (units.text(length, units.LENGTH, digits=4) for length in (packed.placed.size[0], source.voxel))
    said = f"{packed.volume.source}, {edge} along each edge, voxels of {step}"
    return replace(packed.volume, source=said), packed.warnings, packed.particles


@lru_cache(maxsize=4)
def _packed(source: Generated) -> Packed:
    if problems := memory_problem((source.size,) * 3, source.voxel, "cell"):
        raise InputError(problems)
    packed = pack(dict(source.fractions), source.look, (source.size,) * 3, source.voxel, source.seed, log.info)
    return replace(packed, volume=_with_shell(packed.volume))


def _with_shell(volume: Volume) -> Volume:
    """The shell of the electrolyte is electrolyte: both are one phase for whatever is computed."""
    parts = [name for name in ("electrolyte", "shell") if name in volume.phases]
    return merge(volume, parts, "electrolyte") if "shell" in parts else volume


@lru_cache(maxsize=2)
def redrawn(source: Generated, along: int) -> Packed | None:
    """The same particles on as many voxels along each edge; None where these are too few or too many."""
    placed = _packed(source).placed
    voxel = placed.size[0] / along
    if not SMALLEST <= along <= FINEST ** (1 / 3) or memory_problem(placed.size, voxel, "cell"):
        return None
    log.info("drawing them on %d voxels, for the error by voxel size", along**3)
    packed = redraw(placed, voxel)
    return replace(packed, volume=_with_shell(packed.volume))


def _check_file(image: Image) -> None:
    """Refuse a file too large to measure and solve; a design reads it whole, and says so in its own words."""
    try:
        check_memory(image.shape, BYTES["cell"], image.source)
    except InputError as error:
        what = error.problems[0].what.replace(
            "read a part with", "write a smaller file by `percolyte volume`, a part with"
        )
        raise InputError([Problem("volume", f"{what}, and --out")]) from None


@lru_cache(maxsize=4)
def source_particles(source: Generated | Imported, phases: tuple[str, ...]) -> tuple[Particles, str]:
    """The particles of these phases, and how they were told apart."""
    from percolyte.microstructure.particles import read_particles

    volume, _, known = source_volume(source)
    if isinstance(source, Imported) and source.particles is not None:
        try:
            return read_particles(
                source.particles.path, volume, phases
            ), f"numbered in {Path(source.particles.path).name}"
        except InputError as error:
            raise InputError([Problem("particles", problem.what) for problem in error.problems]) from None
    return told_apart_in(volume, known, phases)


def told_apart_in(volume: Volume, known: Particles | None, phases: tuple[str, ...]) -> tuple[Particles, str]:
    """Particles of these phases, as far as they are not known."""
    from percolyte.microstructure.particles import told_apart

    if known is None:
        return told_apart(volume, phases), "told apart at their necks"
    unknown = [name for name in phases if not known[volume.mask(name)].any()]
    if not unknown:
        return known, "as generated"
    return known + told_apart(volume, unknown), f"as generated, those of {', '.join(unknown)} told apart at their necks"
