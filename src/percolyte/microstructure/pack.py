"""A composite electrode from its recipe: particles packed, deformed and drawn on voxels.

Rigid active particles and soft electrolyte particles are spheres while they
are packed. Drawn in their own shapes, each phase then takes the free voxels
that its particles reach first as they grow, until it has its share: so the
volume fractions are met to the voxel, and electrolyte is deformed around the
active material as pressing does. What no phase takes is void.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from numbers import Real
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from percolyte.errors import InputError, Problem
from percolyte.microstructure.additions import (
    Binder,
    BinderFilms,
    Carbon,
    CarbonParticles,
    Channels,
    Fibres,
    Pores,
    Skeleton,
    add_binder,
    add_coating,
    add_filler,
    add_shell,
    add_skeleton,
    too_fine,
)
from percolyte.microstructure.densification import RANDOM_CLOSE_PACKING
from percolyte.microstructure.memory import memory_problem
from percolyte.microstructure.powders import draw, largest, median, number
from percolyte.microstructure.pressing import POCKETS, press, take_out
from percolyte.microstructure.scene import LABELS, Population, Scene
from percolyte.microstructure.shapes import AnyParticles, Floats, Ints, Particles, Polycrystals, grains_of
from percolyte.microstructure.spheres import SpherePacking, disperse_spheres, pack_spheres
from percolyte.microstructure.volume import Lengths, Volume, along_axes
from percolyte.nouns import Noun
from percolyte.units import DIAMETER, LENGTH, Fraction, text

ROLES = ("active", "electrolyte", "carbon", "binder", "coating", "scaffold")
"""Phases that a recipe may hold."""
CRUSHED = 0.015
"""Mean overlap of active particles, over the smaller diameter, beyond which they would have to break."""
SOFT_STEPS = 150
"""Steps in which soft particles find their places among the rigid ones."""
RESOLVED = 4.0
"""Voxels across a particle, below which its shape is lost."""
LOST = 0.25
"""Voxels across a particle, below which a voxel holds dozens of them and the packing is for nothing."""
MOST_VOXELS = 1_000_000_000
"""At 30 bytes each."""
MOST_PARTICLES = 500_000
"""Of each phase; so many take minutes."""


class Microstructure(Noun):
    """How the components of a composite look; how much of each there is says the recipe."""

    active: Particles | None = None
    electrolyte: Particles | None = None
    shell: Fraction = 0.0
    """Share of the electrolyte's volume that lies in the shells of its particles."""
    carbon: Carbon = CarbonParticles()
    nonwoven: Fibres = Fibres(diameter=2e-6, length=40e-6)
    """Fibres of a scaffold, such as the fabric in a separator."""
    binder: Binder = BinderFilms()
    skeleton: Skeleton | None = None
    pores: Pores | None = None
    """Without it, void is the gaps that deformed particles leave."""
    contacts: Literal["touching", "dispersed"] = "touching"
    """Whether active particles touch where chance has brought them together, or electrolyte keeps them apart."""
    seams: Literal["closed", "open"] = "closed"
    """Whether electrolyte particles that meet only where they have flowed join, or keep void between them."""
    gradient: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.0
    """Active fraction at the collector over its mean, minus one; at the separator the opposite."""


FORMS = {"electrolyte": "electrolyte", "carbon": "carbon", "binder": "binder", "nonwoven": "scaffold"}
"""Fields that say how a phase looks."""


def formless(microstructure: Microstructure, phases: Container[str]) -> tuple[str, ...]:
    """Phases whose form is stated, but of which a recipe with these phases has none."""
    stated = microstructure.model_fields_set
    return tuple(phase for name, phase in FORMS.items() if name in stated and phase not in phases)


@dataclass(frozen=True)
class Placed:
    """Particles in their places, which can be drawn on voxels of any length."""

    fractions: Mapping[str, float]
    microstructure: Microstructure
    size: tuple[float, float, float]
    seed: int
    pockets: float
    """Volume fraction of the void where electrolyte particles are missing."""
    active: Population
    electrolyte: Population
    missing: Population
    """Electrolyte particles that leave pockets."""
    overlap: float
    """Of active particles that touch, over the smaller diameter, on average."""
    random: np.random.Generator
    """As the placing left it."""


@dataclass(frozen=True)
class Packed:
    """A generated volume, with the particle that each voxel belongs to."""

    volume: Volume
    placed: Placed
    particles: Ints
    """0 outside of particles; active particles come first, then those of the electrolyte."""
    grains: Ints | None
    """Of polycrystals, the grain; 0 elsewhere."""
    warnings: tuple[str, ...]

    @property
    def particle_numbers(self) -> dict[str, int]:
        """Of active material and electrolyte, how many."""
        return {"active": len(self.placed.active.radii), "electrolyte": len(self.placed.electrolyte.radii)}

    @property
    def gradient(self) -> float:
        """Active fraction at the collector over its mean, minus one, by a straight line through all planes of axis 0."""
        if "active" not in self.volume.phases or len(self.volume.labels) < 2:
            return 0.0
        planes = np.mean(self.volume.mask("active"), axis=(1, 2))
        place = (2.0 * np.arange(len(planes)) + 1.0) / len(planes) - 1.0
        return float(place @ planes / (place @ place) / planes.mean())

    @property
    def fractions(self) -> dict[str, float]:
        """Volume fraction of each phase, of the voxels."""
        labels = self.volume.labels
        counts = np.bincount(labels.ravel(), minlength=max(self.volume.phases.values()) + 1)
        return {name: float(counts[label] / labels.size) for name, label in self.volume.phases.items()}


def pack(
    fractions: Mapping[str, float],
    microstructure: Microstructure,
    size: Lengths | float,
    voxel: float,
    seed: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> Packed:
    """A volume of `size` (m, one edge or three) with the volume fractions of its phases, on cubic voxels (m).

    `fractions` name active, electrolyte, carbon, binder, coating and scaffold;
    the rest is void. Axes 1 and 2 are periodic; axis 0 is too, unless there is a
    gradient along it. The same seed gives the same volume. Limits: without
    electrolyte active particles stand in void; a fraction of one fills the
    volume.

    Errors: InputError that says what cannot be packed, and why.
    """
    size = along_axes(size, "size")
    if not isinstance(voxel, Real):
        raise InputError([Problem("voxel", f"{voxel!r} is no length in m; write for example 0.5e-6")])
    _check(fractions, microstructure, size, voxel)
    scene = _with_skeleton(fractions, microstructure, size, voxel, seed)
    pockets = _pockets(scene, fractions, microstructure)
    radii = _radii(scene, fractions, pockets, microstructure)
    progress(f"placing {len(radii[0])} active and {len(radii[1])} electrolyte particles")
    active, strewn, packing = _place(scene, *radii, microstructure)
    soft, missing = take_out(strewn, pockets * math.prod(scene.box), scene.random)
    progress(f"drawing them on {scene.labels.size} voxels")
    overlap, random = packing.overlap, deepcopy(scene.random)
    placed = Placed(fractions, microstructure, scene.box, seed, pockets, active, soft, missing, overlap, random)
    return _drawn(placed, scene)


def redraw(placed: Placed, voxel: float) -> Packed:
    """The same particles on voxels of another length (m), of which the edges should hold whole numbers.

    Carbon, binder, fibres and pores lie elsewhere, at random. Limit: the length of before draws the same volume.
    """
    scene = _with_skeleton(placed.fractions, placed.microstructure, placed.size, voxel, placed.seed)
    scene.random = deepcopy(placed.random)
    return _drawn(placed, scene)


def _with_skeleton(
    fractions: Mapping[str, float],
    microstructure: Microstructure,
    size: tuple[float, float, float],
    voxel: float,
    seed: int,
) -> Scene:
    """An empty volume but for its skeleton."""
    shape = tuple(max(1, round(length / voxel)) for length in size)
    scene = Scene(
        np.zeros(shape, np.uint8), voxel, (microstructure.gradient == 0.0, True, True), np.random.default_rng(seed)
    )
    if microstructure.skeleton is not None:
        add_skeleton(scene, microstructure.skeleton, _skeleton_fraction(fractions, microstructure.skeleton))
    return scene


def _drawn(placed: Placed, scene: Scene) -> Packed:
    """Phases take their voxels, one after the other."""
    fractions, look, active, soft = placed.fractions, placed.microstructure, placed.active, placed.electrolyte
    particles = scene.claim_drawn("active", scene.count(fractions.get("active", 0.0)), active.draw, 1.1)
    add_coating(scene, "coating", fractions.get("coating", 0.0), active)
    add_filler(scene, "scaffold", look.nonwoven, fractions.get("scaffold", 0.0))
    add_filler(scene, "carbon", look.carbon, fractions.get("carbon", 0.0))
    add_binder(scene, "binder", look.binder, fractions.get("binder", 0.0), active if len(active.radii) else soft)
    if look.pores is not None:
        add_filler(scene, "reserved", look.pores, look.pores.share * _void(scene, fractions))
    here = int(np.count_nonzero(scene.labels == LABELS["electrolyte"]))
    left = max(0, scene.count(fractions.get("electrolyte", 0.0)) - here)
    pockets = scene.count(placed.pockets)
    particles += press(scene, left, pockets, soft, placed.missing, seams_open=look.seams == "open")
    add_shell(scene, look.shell, soft, particles)
    return _finished(placed, scene, particles)


def _void(scene: Scene, fractions: Mapping[str, float]) -> float:
    """Volume fraction of the void, but for what is reserved already."""
    reserved = np.count_nonzero(scene.labels == LABELS["reserved"]) / scene.labels.size
    return max(0.0, 1.0 - sum(fractions.values()) - reserved)


def _pockets(scene: Scene, fractions: Mapping[str, float], microstructure: Microstructure) -> float:
    """Volume fraction of the void where electrolyte particles are missing."""
    if not all(fractions.get(phase, 0.0) > 0.0 for phase in ("active", "electrolyte")):
        return 0.0
    round_pores = 0.0 if microstructure.pores is None else microstructure.pores.share
    return POCKETS * (1.0 - round_pores) * _void(scene, fractions)


def _skeleton_fraction(fractions: Mapping[str, float], skeleton: Skeleton) -> float:
    """Volume fraction of the phase of which the skeleton is a share."""
    if isinstance(skeleton, Channels) and skeleton.of == "void":
        return 1.0 - sum(fractions.values())
    return fractions.get("electrolyte", 0.0)


def _check(
    fractions: Mapping[str, float], microstructure: Microstructure, size: tuple[float, float, float], voxel: float
) -> None:
    """Refuse what cannot be packed before any work is done."""
    problems = [*_recipe_problems(fractions, microstructure)]
    voxels = math.prod(length / voxel for length in size)
    if voxels > MOST_VOXELS:
        what = f"{voxels:.3g} voxels are more than {MOST_VOXELS:.0e}; take larger voxels or a smaller size"
        problems.append(Problem("voxel", what))
    else:
        problems += memory_problem(size, voxel, "pack")
    if min(size) < voxel:
        problems.append(Problem("size", f"an edge of {_um(min(size))} is shorter than a voxel of {_um(voxel)}"))
    for phase, shape in _particles(fractions, microstructure):
        if shape is None:
            example = 'write for example { kind = "spheres", sizes = { kind = "constant", diameter = "5 um" } }'
            problems.append(Problem(f"microstructure.{phase}", f"the size of the particles is missing; {example}"))
            continue
        particles = number(shape.sizes, fractions[phase] * math.prod(size))
        if particles > MOST_PARTICLES:
            what = f"{particles:.2g} particles are more than {MOST_PARTICLES:.0e}; take larger ones or a smaller volume"
            problems.append(Problem(f"microstructure.{phase}", what))
        problems += _too_large(f"microstructure.{phase}", "particles of up to", largest(shape.sizes), min(size))
        middle = median(shape.sizes)
        if middle < LOST * voxel:
            what = f"particles of {_um(middle)} vanish in voxels of {_um(voxel)}; take voxels of at most {_um(middle / RESOLVED)}"
            problems.append(Problem(f"microstructure.{phase}", what))
    if microstructure.pores is not None:
        problems += _too_large("microstructure.pores", "pores of", microstructure.pores.diameter, min(size))
    if isinstance(microstructure.skeleton, Channels):
        width = microstructure.skeleton.diameter
        problems += _too_large("microstructure.skeleton", "channels of", width, min(size[1:]))
    elif microstructure.skeleton is not None:
        problems += _too_large("microstructure.skeleton", "pores of", microstructure.skeleton.pore, min(size))
    if problems:
        raise InputError(problems)


def _too_large(where: str, what: str, length: float, edge: float) -> list[Problem]:
    """A volume must hold two of everything along each edge, or its images touch themselves."""
    if 2.0 * length <= edge:
        return []
    need = f"{what} {_um(length)} need edges of at least twice that, not {_um(edge)}; make the volume larger"
    return [Problem(where, need)]


def _recipe_problems(fractions: Mapping[str, float], microstructure: Microstructure) -> Iterator[Problem]:
    """Fractions that no arrangement of particles has."""
    unknown = [name for name in fractions if name not in ROLES]
    if unknown:
        yield Problem("recipe", f"{', '.join(unknown)} cannot be placed; phases are {', '.join(ROLES)}")
    whole, active = sum(fractions.values()), fractions.get("active", 0.0)
    if min(fractions.values(), default=0.0) < 0.0 or whole > 1.0 + 1e-9:
        shown = ", ".join(f"{name} {100 * part:.4g}" for name, part in fractions.items())
        yield Problem(
            "recipe",
            f"{shown} are {100 * whole:.4g} vol% together, which leaves no room for void; raise the porosity",
        )
    if fractions.get("coating", 0.0) > 0.0 and not active:
        yield Problem("recipe", "a coating needs active material to lie on")
    steepest = active * (1.0 + abs(microstructure.gradient))
    if microstructure.gradient and steepest > RANDOM_CLOSE_PACKING:
        yield Problem(
            "microstructure.gradient",
            f"asks for {100 * steepest:.3g} vol% of active material at one face, where no more than "
            f"{100 * RANDOM_CLOSE_PACKING:.3g} vol% can be packed; at {100 * active:.3g} vol% on average write at most "
            f"{max(0.0, RANDOM_CLOSE_PACKING / active - 1.0):.2g}",
        )


def _particles(fractions: Mapping[str, float], microstructure: Microstructure) -> list[tuple[str, AnyParticles | None]]:
    """The phases of particles that the recipe holds, and how they look."""
    both = (("active", microstructure.active), ("electrolyte", microstructure.electrolyte))
    return [(phase, shape) for phase, shape in both if fractions.get(phase, 0.0) > 0.0]


def _um(length: float) -> str:
    return text(length, LENGTH, digits=4)


def _place(
    scene: Scene, rigid: Floats, soft: Floats, microstructure: Microstructure
) -> tuple[Population, Population, SpherePacking]:
    """Active and electrolyte particles in their places, and the packing of the active ones.

    The active particles find room by themselves first. Then the electrolyte is
    strewn between them and all move, the rigid ones little; at last the rigid
    ones shed what overlap that left them.
    """
    packing = _rigid_alone(scene, rigid, microstructure)
    outline = scene.drawing()
    outline.spheres(packing.centres, rigid, 1.0)
    between = scene.points(len(soft), scene.free & np.isinf(outline.best))
    together = pack_spheres(
        np.concatenate([rigid, soft]),
        scene.box,
        centres=np.concatenate([packing.centres, between]),
        rigid=np.arange(len(rigid) + len(soft)) < len(rigid),
        periodic=scene.periodic,
        steps=SOFT_STEPS,
    )
    if microstructure.contacts == "touching":
        moved = together.centres[: len(rigid)]
        packing = pack_spheres(rigid, scene.box, centres=moved, periodic=scene.periodic)
    seeds = scene.random.integers(2**31, size=2)
    active = Population(microstructure.active, packing.centres, rigid, 1, int(seeds[0]))
    first, places = len(rigid) + 1, together.centres[len(rigid) :]
    return active, Population(microstructure.electrolyte, places, soft, first, int(seeds[1])), packing


def _radii(
    scene: Scene, fractions: Mapping[str, float], pockets: float, microstructure: Microstructure
) -> tuple[Floats, Floats]:
    """Radii of active and electrolyte particles, as many as the room beside a skeleton asks for.

    Of the electrolyte also those that are missing in pockets.
    """
    room = float(np.mean(scene.free))
    placed = float(np.mean(scene.labels == LABELS["electrolyte"]))
    wanted = {**fractions, "electrolyte": max(0.0, fractions.get("electrolyte", 0.0) - placed + pockets)}
    radii = {"active": np.empty(0), "electrolyte": np.empty(0)}
    for phase, shape in _particles(wanted, microstructure):
        assert shape is not None
        radii[phase] = draw(shape.sizes, min(1.0, wanted[phase] / room) * math.prod(scene.box), scene.random)
    return radii["active"], radii["electrolyte"]


def _rigid_alone(scene: Scene, radii: Floats, microstructure: Microstructure) -> SpherePacking:
    """Active particles without any electrolyte; InputError where they do not fit."""
    points = _scattered(scene.random.random((len(radii), 3)), microstructure.gradient, scene.random) * scene.box
    if microstructure.contacts == "dispersed":
        seed = int(scene.random.integers(2**31))
        crowding = 1.0 + abs(microstructure.gradient)
        packing = disperse_spheres(
            radii, scene.box, centres=points, seed=seed, periodic=scene.periodic, crowding=crowding
        )
    else:
        packing = pack_spheres(radii, scene.box, centres=points, periodic=scene.periodic)
    if packing.overlap > CRUSHED:
        raise InputError(_too_dense(packing))
    return packing


def _scattered(points: Floats, slope: float, random: np.random.Generator) -> Floats:
    """Points of the unit cube, evenly random or with a density that goes as 1 + slope (2 x - 1) along axis 0."""
    if slope:
        # one point in each of equal shares of the distribution (1 - slope) x + slope x², turned around
        share = (random.permutation(len(points)) + points[:, 0]) / len(points)
        points[:, 0] = (np.sqrt((1.0 - slope) ** 2 + 4.0 * slope * share) - 1.0 + slope) / (2.0 * slope)
    return points


def _too_dense(packing: SpherePacking) -> str:
    closest = packing.density * (1.0 - packing.overlap) ** 3
    return (
        f"{100 * packing.density:.3g} vol% of active material cannot be packed: rigid particles of these sizes touch "
        f"on all sides at about {100 * closest:.3g} vol%, and at more they would have to break (they overlap by "
        f"{100 * packing.overlap:.2g} % of a diameter); take less active material, more porosity, or a wider "
        "distribution of sizes"
    )


def _finished(placed: Placed, scene: Scene, particles: Ints) -> Packed:
    """The scene as a volume, with what the user should know about it."""
    scene.labels[scene.labels == LABELS["reserved"]] = LABELS["void"]
    present = {name: label for name, label in LABELS.items() if np.any(scene.labels == label)}
    recipe = ", ".join(f"{name} {100 * part:.4g} vol%" for name, part in placed.fractions.items())
    seams = ", seams open" if placed.microstructure.seams == "open" else ""
    source = f"generated with seed {placed.seed} from {recipe}{seams}"
    shape, active, grains = placed.microstructure.active, placed.active, None
    if isinstance(shape, Polycrystals):
        grains = grains_of(active.centres, active.radii, shape.grain, particles, scene.voxel, scene.wraps, active.seed)
    return Packed(
        volume=Volume(scene.labels, (scene.voxel,) * 3, present, "generated", source),
        placed=placed,
        particles=particles,
        grains=grains,
        warnings=(*_missing(placed.fractions, present), *_warnings(placed.fractions, placed.microstructure, scene)),
    )


def _missing(fractions: Mapping[str, float], present: Mapping[str, int]) -> list[str]:
    """Phases of the recipe that have less than a voxel."""
    return [
        f"{phase} has {100 * fraction:.3g} vol% in the recipe and not one voxel here; take smaller voxels or a larger volume"
        for phase, fraction in fractions.items()
        if fraction > 0.0 and phase not in present and not (phase == "electrolyte" and "shell" in present)
    ]


def _warnings(fractions: Mapping[str, float], microstructure: Microstructure, scene: Scene) -> list[str]:
    """Where the voxels are too coarse for what they should show."""
    found = []
    for phase, shape in _particles(fractions, microstructure):
        assert shape is not None
        middle = median(shape.sizes)
        if middle < RESOLVED * scene.voxel:
            across = f"{middle / scene.voxel:.2g}"
            found.append(
                f"{phase} particles of {text(middle, DIAMETER, digits=3)} are {across} voxel{'s' * (across != '1')} across; "
                f"take voxels of at most {_um(middle / RESOLVED)} to see their shape"
            )
    if fractions.get("carbon", 0.0) > 0.0:
        found += too_fine(microstructure.carbon, "carbon", scene.voxel)
    if microstructure.shell and microstructure.electrolyte is not None and fractions.get("electrolyte", 0.0) > 0.0:
        radius = 0.5 * median(microstructure.electrolyte.sizes)
        thick = radius * (1.0 - (1.0 - microstructure.shell) ** (1.0 / 3.0))
        if thick < scene.voxel:
            found.append(
                f"shells of some {text(thick, LENGTH, digits=2)} are thinner than a voxel, and are drawn as spots"
            )
    return found
