"""A composite electrode from its recipe: particles packed, deformed and drawn on voxels.

Rigid active particles and soft electrolyte particles are spheres while they
are packed. Drawn in their own shapes, each phase then takes the free voxels
that its particles reach first as they grow, until it has its share: so the
volume fractions are met to the voxel, and electrolyte is deformed around the
active material as pressing does. What no phase takes is void.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
    Skeleton,
    add_binder,
    add_coating,
    add_filler,
    add_shell,
    add_skeleton,
)
from percolyte.microstructure.scene import LABELS, RESERVED, Population, Scene
from percolyte.microstructure.shapes import AnyParticles, Floats, Ints, Particles, Polycrystals, grains_of
from percolyte.microstructure.sizes import draw, largest, median
from percolyte.microstructure.spheres import SpherePacking, disperse_spheres, pack_spheres
from percolyte.microstructure.volume import Volume
from percolyte.nouns import Noun
from percolyte.units import DIAMETER, LENGTH, Fraction, text

ROLES = ("active", "electrolyte", "carbon", "binder", "coating", "scaffold")
"""Phases that a recipe may hold."""
CRUSHED = 0.01
"""Mean overlap of active particles, over the smaller diameter, beyond which they would have to break."""
SOFT_STEPS = 150
"""Steps in which soft particles find their places among the rigid ones."""
RESOLVED = 4.0
"""Voxels across a particle, below which its shape is lost."""
MOST_VOXELS = 2_000_000_000


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
    contacts: Literal["touching", "dispersed"] = "touching"
    """Whether active particles touch where chance has brought them together, or electrolyte keeps them apart."""
    gradient: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.0
    """Active fraction at the collector over its mean, minus one; at the separator the opposite."""


@dataclass(frozen=True)
class Packed:
    """A generated volume, with the particle that each voxel belongs to."""

    volume: Volume
    particles: Ints
    """0 outside of particles; active particles come first, then those of the electrolyte."""
    grains: Ints | None
    """Of polycrystals, the grain; 0 elsewhere."""
    particle_numbers: Mapping[str, int]
    """Of active material and electrolyte, how many."""
    overlap: float
    """Of active particles that touch, over the smaller diameter, on average."""
    warnings: tuple[str, ...]

    @property
    def fractions(self) -> dict[str, float]:
        """Volume fraction of each phase, of the voxels."""
        labels = self.volume.labels
        counts = np.bincount(labels.ravel(), minlength=len(LABELS))
        return {name: float(counts[label] / labels.size) for name, label in self.volume.phases.items()}


def pack(
    fractions: Mapping[str, float],
    microstructure: Microstructure,
    size: tuple[float, float, float],
    voxel: float,
    seed: int,
    progress: Callable[[str], None] = lambda _: None,
) -> Packed:
    """A volume of `size` (m) with the volume fractions of its phases, on cubic voxels (m).

    `fractions` name active, electrolyte, carbon, binder, coating and scaffold;
    the rest is void. Axes 1 and 2 are periodic; axis 0 is too, unless there is a
    gradient along it. The same seed gives the same volume. Limits: without
    electrolyte active particles stand in void; a fraction of one fills the
    volume.

    Errors: InputError that says what cannot be packed, and why.
    """
    _check(fractions, microstructure, size, voxel)
    shape = tuple(max(1, round(length / voxel)) for length in size)
    scene = Scene(np.zeros(shape, np.uint8), voxel, microstructure.gradient == 0.0, np.random.default_rng(seed))
    if microstructure.skeleton is not None:
        add_skeleton(scene, microstructure.skeleton, _skeleton_fraction(fractions, microstructure.skeleton))
    progress("placing particles")
    active, soft, packing = _place(scene, fractions, microstructure)
    progress(
        f"drawing {len(active.radii)} active and {len(soft.radii)} electrolyte particles on {scene.labels.size} voxels"
    )
    particles = scene.claim_drawn("active", scene.count(fractions.get("active", 0.0)), active.draw, 1.1)
    add_coating(scene, fractions.get("coating", 0.0), active)
    add_filler(scene, "scaffold", microstructure.nonwoven, fractions.get("scaffold", 0.0))
    add_filler(scene, "carbon", microstructure.carbon, fractions.get("carbon", 0.0))
    add_binder(scene, microstructure.binder, fractions.get("binder", 0.0), active if len(active.radii) else soft)
    left = scene.count(fractions.get("electrolyte", 0.0)) - int(np.count_nonzero(scene.labels == LABELS["electrolyte"]))
    particles += scene.claim_drawn("electrolyte", left, soft.draw, 1.3)
    add_shell(scene, microstructure.shell, soft)
    return _finished(scene, particles, active, soft, packing, fractions, microstructure, seed)


def _skeleton_fraction(fractions: Mapping[str, float], skeleton: Skeleton) -> float:
    """Volume fraction of the phase of which the skeleton is a share."""
    if isinstance(skeleton, Channels) and skeleton.of == "void":
        return 1.0 - sum(fractions.values())
    return fractions.get("electrolyte", 0.0)


def _check(
    fractions: Mapping[str, float], microstructure: Microstructure, size: tuple[float, float, float], voxel: float
) -> None:
    """Refuse what cannot be packed before any work is done."""
    problems = []
    unknown = [name for name in fractions if name not in ROLES]
    if unknown:
        problems.append(Problem("recipe", f"{', '.join(unknown)} cannot be placed; phases are {', '.join(ROLES)}"))
    whole = sum(fractions.values())
    if min(fractions.values(), default=0.0) < 0.0 or whole > 1.0 + 1e-9:
        shown = ", ".join(f"{name} {100 * part:.4g} %" for name, part in fractions.items())
        problems.append(Problem("recipe", f"{shown} are {100 * whole:.4g} vol% together, not 0 to 100 %"))
    if fractions.get("coating", 0.0) > 0.0 and not fractions.get("active", 0.0):
        problems.append(Problem("recipe", "a coating needs active material to lie on"))
    shortest = min(size)
    voxels = np.prod([length / voxel for length in size])
    if voxels > MOST_VOXELS:
        what = f"{voxels:.3g} voxels are more than {MOST_VOXELS:.0e}; take larger voxels or a smaller size"
        problems.append(Problem("voxel", what))
    if shortest < voxel:
        problems.append(Problem("size", f"an edge of {_um(shortest)} is shorter than a voxel of {_um(voxel)}"))
    for phase, shape in _particles(fractions, microstructure):
        if shape is None:
            example = 'write for example { kind = "spheres", sizes = { kind = "constant", diameter = "5 um" } }'
            problems.append(Problem(f"microstructure.{phase}", f"the size of the particles is missing; {example}"))
        elif 2.0 * largest(shape.sizes) > shortest:
            what = (
                f"particles of up to {_um(largest(shape.sizes))} need edges of at least twice that, "
                f"not {_um(shortest)}; make the volume larger"
            )
            problems.append(Problem(f"microstructure.{phase}", what))
    if problems:
        raise InputError(problems)


def _particles(fractions: Mapping[str, float], microstructure: Microstructure) -> list[tuple[str, AnyParticles | None]]:
    """The phases of particles that the recipe holds, and how they look."""
    both = (("active", microstructure.active), ("electrolyte", microstructure.electrolyte))
    return [(phase, shape) for phase, shape in both if fractions.get(phase, 0.0) > 0.0]


def _um(length: float) -> str:
    return text(length, LENGTH, digits=4)


def _place(
    scene: Scene, fractions: Mapping[str, float], microstructure: Microstructure
) -> tuple[Population, Population, SpherePacking]:
    """Active and electrolyte particles in their places, and the packing of the active ones.

    The active particles find room first, by themselves; then all move, the
    rigid ones little; then the rigid ones shed what overlap that left them.
    """
    box = scene.box
    room = float(np.mean(scene.free))
    filled = 0.0 if room == 1.0 else float(np.mean(scene.labels == LABELS["electrolyte"]))
    wanted = {
        "active": fractions.get("active", 0.0),
        "electrolyte": max(0.0, fractions.get("electrolyte", 0.0) - filled),
    }
    drawn = {}
    for phase, shape in _particles(wanted, microstructure):
        assert shape is not None
        drawn[phase] = draw(shape.sizes, min(1.0, wanted[phase] / room) * float(np.prod(box)), scene.random)
    rigid, soft = (drawn.get(phase, np.empty(0)) for phase in ("active", "electrolyte"))
    scattered = _scattered(scene.random.random((len(rigid), 3)), microstructure.gradient, scene.random) * box
    if microstructure.contacts == "dispersed":
        seed = int(scene.random.integers(2**31))
        alone = disperse_spheres(rigid, box, centres=scattered, seed=seed, periodic=scene.periodic)
    else:
        alone = pack_spheres(rigid, box, centres=scattered, periodic=scene.periodic)
    if alone.overlap > CRUSHED:
        raise InputError(_too_dense(wanted["active"] / room, alone))
    outline = scene.drawing()
    outline.spheres(alone.centres, rigid, 1.0)
    between = scene.points(len(soft), scene.free & np.isinf(outline.best))
    together = pack_spheres(
        np.concatenate([rigid, soft]),
        box,
        centres=np.concatenate([alone.centres, between]),
        rigid=np.arange(len(rigid) + len(soft)) < len(rigid),
        periodic=scene.periodic,
        steps=SOFT_STEPS,
    )
    settled = alone
    if microstructure.contacts == "touching":
        settled = pack_spheres(rigid, box, centres=together.centres[: len(rigid)], periodic=scene.periodic)
    seeds = scene.random.integers(2**31, size=2)
    default = microstructure.active or microstructure.electrolyte
    assert default is not None
    active = Population(microstructure.active or default, settled.centres, rigid, 1, int(seeds[0]))
    others = Population(
        microstructure.electrolyte or default, together.centres[len(rigid) :], soft, len(rigid) + 1, int(seeds[1])
    )
    return active, others, settled


def _scattered(points: Floats, slope: float, random: np.random.Generator) -> Floats:
    """Points of the unit cube, evenly random or with a density that goes as 1 + slope (2 x - 1) along axis 0."""
    if slope:
        # one point in each of equal shares of the distribution (1 - slope) x + slope x², turned around
        share = (random.permutation(len(points)) + points[:, 0]) / len(points)
        points[:, 0] = (np.sqrt((1.0 - slope) ** 2 + 4.0 * slope * share) - 1.0 + slope) / (2.0 * slope)
    return points


def _too_dense(density: float, packing: SpherePacking) -> str:
    closest = density * (1.0 - packing.overlap) ** 3
    return (
        f"{100 * density:.3g} vol% of active material cannot be packed: rigid particles of these sizes touch on all "
        f"sides at about {100 * closest:.3g} vol%, and at more they would have to break "
        f"(overlap {100 * packing.overlap:.2g} % of a diameter); take less active material, more electrolyte or more "
        "porosity, or a wider distribution of sizes"
    )


def _finished(
    scene: Scene,
    particles: Ints,
    active: Population,
    soft: Population,
    packing: SpherePacking,
    fractions: Mapping[str, float],
    microstructure: Microstructure,
    seed: int,
) -> Packed:
    """The scene as a volume, with what the user should know about it."""
    scene.labels[scene.labels == RESERVED] = LABELS["void"]
    present = {name: label for name, label in LABELS.items() if np.any(scene.labels == label)}
    recipe = ", ".join(f"{name} {100 * part:.4g} vol%" for name, part in fractions.items())
    grains = None
    if isinstance(microstructure.active, Polycrystals):
        grains = grains_of(active.centres, active.radii, microstructure.active.grain, particles, scene.voxel,
                           scene.periodic, active.seed)  # fmt: skip
    return Packed(
        volume=Volume(
            scene.labels, (scene.voxel,) * 3, present, "generated", f"generated with seed {seed} from {recipe}"
        ),
        particles=particles,
        grains=grains,
        particle_numbers={"active": len(active.radii), "electrolyte": len(soft.radii)},
        overlap=packing.overlap,
        warnings=tuple(_warnings(fractions, microstructure, scene)),
    )


def _warnings(fractions: Mapping[str, float], microstructure: Microstructure, scene: Scene) -> list[str]:
    """Where the voxels are too coarse for what they should show."""
    found = []
    for phase, shape in _particles(fractions, microstructure):
        assert shape is not None
        middle = median(shape.sizes)
        if middle < RESOLVED * scene.voxel:
            found.append(
                f"{phase} particles of {text(middle, DIAMETER, digits=3)} are {middle / scene.voxel:.2g} voxels across; "
                f"take voxels of at most {_um(middle / RESOLVED)} to see their shape"
            )
    carbon = microstructure.carbon
    if fractions.get("carbon", 0.0) > 0.0 and carbon.diameter < scene.voxel:
        found.append(
            f"carbon {carbon.kind} of {text(carbon.diameter, DIAMETER, digits=3)} are thinner than a voxel, "
            "and are drawn fewer and thicker"
        )
    return found
