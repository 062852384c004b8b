"""Phases that an image does not show, added to it: coatings, carbon and binder, and electrolyte that fills pores.

Tomography tells active material from pores. What is finer than its voxels, or
as dark as the pores, is put in afterwards by the functions that put it into a
packing; here the surfaces and particles are those of the image.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from percolyte import units
from percolyte.errors import InputError, Problem, suggestion
from percolyte.materials.library import Library
from percolyte.microstructure.additions import (
    BinderFilms,
    BinderPatches,
    CarbonParticles,
    Fibres,
    add_binder,
    add_coating,
    add_filler,
    too_fine,
)
from percolyte.microstructure.distances import distance_inside, path_lengths, two_nearest
from percolyte.microstructure.interfaces import interface_areas
from percolyte.microstructure.memory import BYTES, check_memory
from percolyte.microstructure.networks import roles_of
from percolyte.microstructure.particles import Particles, separate
from percolyte.microstructure.scene import GROWTH, LABELS, Distances, Scene
from percolyte.microstructure.shapes import Floats
from percolyte.microstructure.volume import Origin, Volume
from percolyte.nouns import Noun, read_noun
from percolyte.units import FRACTION, Length

TIE = np.float32(1e-3)
"""Voxels by which equal distances are put in random order: less than any two different ones are apart up to 500 voxels."""
FINEST = 0.01
"""Voxels across the finest particles: a voxel that stands for a million of them shows nothing."""
FIRST_REACH = 4.0
"""Voxels from two particles within which films are first looked for."""


class Layer(Noun):
    """From the surface of a phase outwards: a coating, or a liquid that wets it."""

    kind: Literal["layer"] = "layer"


class Infiltration(Noun):
    """From one face of the volume inwards, along the shortest ways; closed pores stay empty."""

    kind: Literal["infiltration"] = "infiltration"
    side: Literal["separator", "collector"] = "separator"
    """The first or the last plane of axis 0."""


Form = Annotated[
    Layer | CarbonParticles | Fibres | BinderFilms | BinderPatches | Infiltration, Field(discriminator="kind")
]
USUAL: dict[str, Layer | CarbonParticles | BinderFilms] = {
    "coating": Layer(),
    "electrolyte": Layer(),
    "carbon": CarbonParticles(),
    "binder": BinderFilms(),
}
"""How a phase lies unless said otherwise."""

KIND_MISSING = (
    "how it lies is not known from its name; write kind= with layer, particles, fibres, films, patches or infiltration"
)


class Addition(Noun):
    """A phase to add: how much of it, how it lies, on what and in place of what."""

    exactly_one: ClassVar[tuple[tuple[str, ...], ...]] = (("fraction", "thickness"),)

    phase: str
    fraction: Annotated[float, replace(FRACTION, example="2 %")] | None = None
    """Of the volume."""
    thickness: Length | None = None
    """Of a layer."""
    form: Form | None = None
    """As usual for a coating, electrolyte, carbon or binder, and for substances of the library that are one."""
    on: tuple[str, ...] = ()
    """Phases whose surface it lies on; without any, the active material and its coatings."""
    into: tuple[str, ...] = ("void",)
    """Phases whose voxels it may take."""

    @property
    def shape(self) -> Form | None:
        return self.form or USUAL.get(_kind(self.phase))

    @property
    def amount(self) -> str:
        if self.thickness is not None:
            return units.text(self.thickness, units.LENGTH, digits=4)
        assert self.fraction is not None
        return units.text(self.fraction, units.FRACTION, digits=4)


def _kind(phase: str) -> str:
    """coating, electrolyte, carbon, binder, or what the library says of a substance."""
    substance = None if phase in USUAL else Library().find(phase)
    return substance.phase if substance else phase


def additions_from(texts: Sequence[str]) -> list[Addition]:
    """Additions as `addition_from` reads them; InputError with every problem of all."""
    additions: list[Addition] = []
    problems: list[Problem] = []
    for text in texts:
        try:
            additions.append(addition_from(text))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return additions


def addition_from(text: str) -> Addition:
    """'carbon=2 %; kind=fibres; diameter=150 nm; into=void,electrolyte' -> an addition.

    Errors: InputError with every problem of the text.
    """
    phase, sign, rest = (word.strip() for word in text.partition("="))
    amount, *fields = (word.strip() for word in rest.split(";"))
    if not (phase and sign and amount) or ";" in phase:
        raise InputError(f"'{text}' is not NAME=AMOUNT; write for example carbon='2 %' or coating='20 nm'")
    form, wrong = _fields(fields)
    if amount[-1].isdigit():
        wrong.append(f"'{amount}' has no unit; write a share such as '2 %' or a thickness such as '20 nm'")
    data: dict[str, object] = {"phase": phase, "fraction" if "%" in amount else "thickness": amount}
    data |= {name: [word.strip() for word in form.pop(name).split(",")] for name in ("on", "into") if name in form}
    usual = USUAL.get(_kind(phase))
    if form:
        data["form"] = ({"kind": usual.kind} if usual else {}) | form
    if not usual and "kind" not in form:
        wrong.append(KIND_MISSING)
    if wrong:
        raise InputError([Problem(phase, what) for what in wrong])
    try:
        return read_noun(Addition, data, prefix=phase)
    except InputError as error:
        problems = [Problem(problem.where.replace(".form", ""), problem.what) for problem in error.problems]
        raise InputError(problems) from None


def _fields(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """'NAME=VALUE' words as a table, and what is wrong with them."""
    found: dict[str, str] = {}
    wrong = []
    for word in filter(None, words):
        name, _, value = (part.strip() for part in word.partition("="))
        if not (name and value):
            wrong.append(f"'{word}' is not FIELD=VALUE; write for example kind=fibres")
        elif name in found:
            wrong.append(f"'{name}' is written twice; keep one of them")
        found[name] = value
    return found, wrong


@dataclass(frozen=True)
class Added:
    """A volume with more phases than before."""

    volume: Volume
    fractions: dict[str, float]
    """Volume fraction that each addition has taken, by phase."""
    notes: tuple[str, ...]
    """Where voxels are too coarse for what they should show."""


def add(volume: Volume, additions: Sequence[Addition], seed: int = 1) -> Added:
    """The volume with phases added, one after the other, each in voxels of the phases that it may take.

    Volume fractions are met to one voxel. A layer's thickness t > h, the length
    of a voxel, is met in volume: A h of its first voxels, A the area of the
    surface without the voxels' staircase, and of those beyond the share
    (t - d)/h + 1, d the distance between centres. A thinner layer takes A t at
    random places of the surface. The sides of the volume are walls, but for
    particles and fibres, which come in again on the other side. The same seed
    gives the same volume. What was measured is assumed then: nobody saw where
    the new phases lie.

    Errors: InputError that says what cannot be added, and why.
    """
    _check(volume, additions)
    check_memory(volume.labels.shape, BYTES["add"], volume.source)
    labels, random = volume.labels.copy(), np.random.default_rng(seed)
    phases = dict(volume.phases)
    fractions: dict[str, float] = {}
    notes: list[str] = []
    for addition in additions:
        if addition.phase not in phases:
            phases[addition.phase] = _label(addition.phase, phases)
        scene = Scene(labels, volume.voxel[0], (False, False, False), random, phases, addition.into)
        here = replace(volume, labels=labels, phases=phases)
        surface = ImageSurface(here, addition.on or _coated(here, addition.phase))
        before = int(np.count_nonzero(labels == phases[addition.phase]))
        notes += _place(scene, addition, surface)
        taken = (int(np.count_nonzero(labels == phases[addition.phase])) - before) / labels.size
        fractions[addition.phase] = fractions.get(addition.phase, 0.0) + taken
    present = {name: label for name, label in phases.items() if np.any(labels == label)}
    listed = ", ".join(f"{each.phase} {each.amount}" for each in additions)
    source = f"{volume.source}, with {listed} added (seed {seed})"
    origin: Origin = "generated" if volume.origin == "generated" else "assumed"
    more = replace(volume, labels=labels, phases=present, origin=origin, source=source)
    return Added(more, fractions, tuple(notes))


def _coated(volume: Volume, phase: str) -> tuple[str, ...]:
    """The active material and its coatings, on which a phase lies."""
    coatings = (name for name in volume.phases if name != phase and _kind(name) == "coating")
    return *roles_of(volume).active, *coatings


def _label(phase: str, phases: dict[str, int]) -> int:
    """A label that no phase has: the one that packings give it, if that is free."""
    free: list[int] = [label for label in (LABELS.get(_kind(phase), 1), *range(1, 256)) if label not in phases.values()]
    if not free:
        raise InputError(f"no label is left for '{phase}'; merge phases with --merge")
    return free[0]


def _check(volume: Volume, additions: Sequence[Addition]) -> None:
    """Refuse, before any work is done, what the additions name wrongly."""
    problems: list[Problem] = []
    if max(volume.voxel) - min(volume.voxel) > 1e-6 * min(volume.voxel):
        edges = ", ".join(units.text(length, units.LENGTH, digits=4) for length in volume.voxel)
        cubes = units.text(min(volume.voxel), units.LENGTH, digits=4)
        what = f"additions need cubes, not {edges}; write --resample '{cubes}' beside --add, which comes before it"
        problems.append(Problem("voxel", what))
    known = list(volume.phases)
    for addition in additions:
        problems += [Problem(addition.phase, what) for what in _problems(volume, addition, known)]
        problems += [Problem(addition.phase, what) for what in _misfits(volume, addition)]
        known.append(addition.phase)
    if not problems:
        problems = [Problem(each.phase, what) for each in additions for what in _too_thick(volume, each)]
    if problems:
        raise InputError(problems, source=volume.source)


def _misfits(volume: Volume, addition: Addition) -> Iterator[str]:
    """Sizes that neither the volume nor its voxels can show."""
    form, edges = addition.shape, sorted(volume.size)
    if not isinstance(form, CarbonParticles | Fibres | BinderPatches):
        return
    wide, least, half, longest = (
        units.text(length, units.LENGTH, digits=3)
        for length in (form.diameter, FINEST * max(volume.voxel), 0.5 * edges[0], edges[-1])
    )
    if form.diameter < FINEST * max(volume.voxel):
        yield f"{form.kind} of {wide} are below a hundredth of a voxel; write diameter={least} or more, or kind=films or layer"
    if form.diameter > 0.5 * edges[0]:
        yield f"{form.kind} of {wide} are wider than half the volume; write diameter={half} or less"
    if isinstance(form, Fibres):
        length = units.text(form.length, units.LENGTH, digits=3)
        if form.length > edges[-1]:
            yield f"fibres of {length} are longer than the volume; write length={longest} or less"
        if form.length < form.diameter:
            yield f"fibres of {length} are shorter than their diameter of {wide}; write a larger length, or kind=particles"


def _too_thick(volume: Volume, addition: Addition) -> Iterator[str]:
    """A layer that is thicker than the room before the surface, or a coating thicker than the particles it coats."""
    thickness = addition.thickness
    coated = [name for name in addition.on or _coated(volume, addition.phase) if name in volume.phases]
    into = [name for name in addition.into if name in volume.phases]
    if thickness is None or thickness <= volume.voxel[0] or not (coated and into):
        return
    surface, free = ImageSurface(volume, tuple(coated)), volume.mask(*into)
    room = float(surface.distance[free].max(initial=0.0))
    radius = float(distance_inside(volume.mask(*coated), volume.voxel).max())
    most = min(room, radius) if _kind(addition.phase) == "coating" else room
    if thickness >= most + volume.voxel[0]:
        why = f"'{', '.join(into)}' ends {units.text(room, units.LENGTH, digits=3)} from the surface"
        if most < room:
            why = f"the largest particle has a radius of {units.text(radius, units.LENGTH, digits=3)}"
        most_text = units.text(most, units.LENGTH, digits=3)
        yield f"{addition.amount} is too thick: {why}; write {most_text} or less, or a share such as '2 %'"


def _problems(volume: Volume, addition: Addition, known: list[str]) -> Iterator[str]:
    """What is wrong with an addition to a volume of these phases."""
    shown = ", ".join(f"'{name}'" for name in dict.fromkeys(known))
    for field, names in (("on", addition.on), ("into", addition.into)):
        for name in names:
            if name == addition.phase:
                yield f"{field}: '{name}' is the phase that is added; name another"
            elif name not in known:
                yield f"no phase '{name}' in this volume; it has {shown}; write {field}=NAME{suggestion(name, known)}"
    for name in {*addition.on} & {*addition.into}:
        yield f"'{name}' cannot be what it lies on and what it replaces; name it in on= or in into="
    if addition.fraction == 0.0:
        yield "0 % adds nothing; write for example '2 %'"
    form = addition.shape
    if form is None:
        yield KIND_MISSING
    elif addition.thickness is not None and not isinstance(form, Layer):
        yield f"{addition.amount} is the thickness of a layer, and {form.kind} have none; write a share such as '2 %'"
    if isinstance(form, Layer | BinderFilms | BinderPatches) and not addition.on and not roles_of(volume).active:
        yield f"no phase is known as active material; write on=, followed by one of {shown}"


def _place(scene: Scene, addition: Addition, surface: ImageSurface) -> list[str]:
    """Give an addition its voxels; returns what is to be said about it."""
    form = addition.shape
    assert form is not None
    notes = too_fine(form, addition.phase, scene.voxel)
    if addition.thickness is not None:
        fraction, notes = surface.layer(scene, addition.thickness, addition.phase)
    else:
        assert addition.fraction is not None
        fraction = addition.fraction
    room = _inlet(scene, form) if isinstance(form, Infiltration) else None
    reached = scene.free if room is None else np.isfinite(room)
    _check_room(scene, addition, fraction, int(np.count_nonzero(reached)), surface)
    if isinstance(form, Layer):
        add_coating(scene, addition.phase, fraction, surface)
    elif isinstance(form, BinderFilms | BinderPatches):
        add_binder(scene, addition.phase, form, fraction, surface)
    elif room is not None:
        scene.claim(addition.phase, scene.count(fraction), room, reached)
    else:
        assert isinstance(form, CarbonParticles | Fibres)
        # what leaves on one side comes in on the other, or there would be less of it at the sides
        add_filler(replace(scene, wraps=(True, True, True)), addition.phase, form, fraction)
    return notes


def _inlet(scene: Scene, form: Infiltration) -> Distances:
    """Length of the shortest way from the face through the free voxels, equal ones in random order."""
    way = 1 if form.side == "separator" else -1
    lengths = path_lengths(scene.free[::way], (scene.voxel,) * 3, 0)[::way]
    return _shuffled(scene, lengths)


def _shuffled(scene: Scene, distances: Distances) -> Distances:
    """Distances with equal ones in random order."""
    return distances + TIE * np.float32(scene.voxel) * scene.random.random(distances.shape, np.float32)


def _check_room(scene: Scene, addition: Addition, fraction: float, voxels: int, surface: ImageSurface) -> None:
    """Refuse what the free voxels cannot hold, and what is less than one."""
    count, whole = scene.count(fraction), scene.labels.size
    into = " and ".join(f"'{name}'" for name in addition.into)
    form, problem = addition.shape, ""
    beside = addition.thickness is not None or isinstance(form, BinderPatches)
    if beside and not surface.touches(scene):
        problem = f"'{', '.join(surface.names)}' touches no {into}; name what covers it in on=, or add this before"
    elif isinstance(form, BinderFilms) and surface.particles.max() < 2:
        problem = (
            f"films lie between two particles, and '{', '.join(surface.names)}' is one; take kind=patches or layer"
        )
    elif count > voxels:
        reach = f", as far as it is open to the {form.side}" if isinstance(form, Infiltration) else ""
        problem = f"asks for {100 * fraction:.4g} % of the volume, and {into} is {100 * voxels / whole:.4g} %{reach}"
    elif count == 0:
        problem = f"{addition.amount} is less than one of {whole} voxels; take smaller voxels or more of it"
    if problem:
        raise InputError([Problem(addition.phase, problem)])


@dataclass(frozen=True)
class ImageSurface:
    """The surface of phases of an image, and their particles, told apart at the necks."""

    volume: Volume
    names: tuple[str, ...]

    @cached_property
    def particles(self) -> Particles:
        return separate(self.volume.mask(*self.names), self.volume.voxel)

    @cached_property
    def distance(self) -> Distances:
        """From the centre of each voxel to that of the nearest of these phases."""
        return distance_inside(~self.volume.mask(*self.names), self.volume.voxel)

    def touches(self, scene: Scene) -> bool:
        return bool(np.any(self._beside(scene)))

    def _beside(self, scene: Scene) -> NDArray[np.bool_]:
        """The free voxels with a face on the surface."""
        return scene.free & (self.distance < 1.001 * scene.voxel)

    def nearest(self, scene: Scene, count: int) -> Distances:
        return _shuffled(scene, self.distance)

    def two_nearest(self, scene: Scene, among: NDArray[np.bool_], count: int) -> tuple[Distances, Distances]:
        reach = FIRST_REACH * scene.voxel
        while True:
            nearest, second = two_nearest(self.particles, self.volume.voxel, reach)
            if reach > sum(scene.box) or np.count_nonzero((nearest + second)[among] <= reach) >= count:
                return nearest, _shuffled(scene, second)
            reach *= GROWTH

    def surface_points(self, scene: Scene, number: int) -> Floats:
        return scene.points(number, self._beside(scene))

    def layer(self, scene: Scene, thickness: float, phase: str) -> tuple[float, list[str]]:
        """Volume fraction of a layer of this thickness, and what to say of one that is thinner than a voxel."""
        free, voxel = scene.free, scene.voxel
        classes = np.where(free, 1, np.where(self.volume.mask(*self.names), 2, 0)).astype(np.uint8)
        area = interface_areas(classes, 3, self.volume.voxel)[1, 2]

        def within(reach: float) -> float:
            return float(np.sum(np.clip((reach - self.distance[free]) / voxel + 1.0, 0.0, 1.0), dtype=float))

        count = area * min(thickness, voxel) / voxel**3 + within(max(thickness, voxel)) - within(voxel)
        fraction = min(count, float(np.count_nonzero(free))) / scene.labels.size
        if thickness >= voxel:
            return fraction, []
        share = min(1.0, count / max(1, np.count_nonzero(self._beside(scene))))
        shown = units.text(voxel, units.LENGTH, digits=4)
        return fraction, [
            f"{phase} of {units.text(thickness, units.LENGTH, digits=4)} is thinner than a voxel of {shown}: it is drawn one voxel "
            f"thick with its volume, on {100 * share:.3g} % of the surface voxels at random"
        ]
