"""Published cases against generated volumes; each function computes the points of one figure.

Lengths are in um, conductivities in mS/cm, fractions in vol% of the layer unless they are said to be of its solids.
What a paper does not state and is assumed here stands in docs/validation-microstructure.md.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from validation_sampling import (
    Number,
    Row,
    by_volume,
    composite,
    conductivity,
    factor,
    polyhedra,
    row,
    share,
    spheres,
    volumes,
)

from percolyte.microstructure.clusters import connected
from percolyte.microstructure.measure import measure
from percolyte.microstructure.networks import roles_of
from percolyte.microstructure.pack import Microstructure, Packed
from percolyte.microstructure.particles import SizeDistribution
from percolyte.microstructure.powders import SizeShare, SizeTable
from percolyte.microstructure.shapes import Spheres
from percolyte.microstructure.sizes import chord_lengths
from percolyte.transport.closures import tortuosity_factor
from percolyte.transport.voxels import conduct_axes

COARSE = SizeTable(sizes=tuple(SizeShare(diameter=d * 1e-6, share=0.2) for d in (0.8, 1.7, 3.45, 7.1, 20.0)))
"""Fifths of a lognormal distribution of D50 3.45 and D90 20.05 um, the finest drawn as large as two voxels."""
FINE = SizeTable(sizes=tuple(SizeShare(diameter=d * 1e-6, share=0.2) for d in (0.8, 1.5, 2.45, 4.1, 8.6)))
"""The same of D50 2.45 and D90 8.57 um."""


def minnmann() -> Iterator[Row]:
    """NCM622 with Li6PS5Cl, 14 vol% of void throughout, own conductivities of 1.6 (ions) and 10 mS/cm (electrons)."""
    for percent in (50, 60, 70, 80, 86):
        yield from _minnmann(percent, COARSE, "")
    yield from _minnmann(86, FINE, ", fine electrolyte")
    # electrons do not see the seams
    for percent in (50, 60, 70, 80, 86):
        yield from _minnmann(percent, COARSE, ", seams open", "open")
    yield from _minnmann(86, FINE, ", fine electrolyte, seams open", "open")


def _minnmann(percent: float, electrolyte: SizeTable, note: str, seams: str = "closed") -> Iterator[Row]:
    recipe = {"active": percent, "electrolyte": 100.0 - percent}
    fractions = by_volume(recipe, {"active": 4650.0, "electrolyte": 1870.0}, 0.14)
    look = composite(spheres(3.0, 1.4), Spheres(sizes=electrolyte), seams=seams)
    made = list(volumes(fractions, look, 44.0, 0.4, 3))
    carriers = {"ions": ("electrolyte", 1.6), "electrons": ("active", 10.0)}
    for series in ("ions", "electrons") if seams == "closed" else ("ions",):
        phase, own = carriers[series]
        numbers = [conductivity(packed, {phase: own}) for packed in made]
        x = 100.0 * fractions["active"]
        yield row("conductivity", series + note, x, numbers)
        factors = [Number(tortuosity_factor(own, n.value, fractions[phase]), n.resolution) for n in numbers]
        yield row("factor", series + note, x, factors)


def hlushkou() -> Iterator[Row]:
    """LiCoO2 of 5 um in a sulfide glass, with the voids of the tomogram and with these filled; mean of three axes."""
    for diameter in (2.0, 4.0):
        series = f"electrolyte of {diameter:g} µm"
        made = list(
            volumes({"active": 0.331, "electrolyte": 0.537}, _composite_of_glass(diameter, "closed"), 40.0, 0.25, 3)
        )
        yield row("factor", series, 1, [_isotropic(packed, ("electrolyte",)) for packed in made])
        yield row("factor", series, 2, [_isotropic(packed, ("electrolyte", "void")) for packed in made])
        for number, phase in enumerate(("active", "electrolyte", "void"), 1):
            chords = [chord_lengths(packed.volume.mask(phase), packed.volume.voxel, 0) for packed in made]
            yield share("chords", series, number, [1e6 * _mean(found) for found in chords])
        made = list(
            volumes({"active": 0.331, "electrolyte": 0.537}, _composite_of_glass(diameter, "open"), 40.0, 0.25, 3)
        )
        yield row("factor", f"{series}, seams open", 1, [_isotropic(packed, ("electrolyte",)) for packed in made])


def _composite_of_glass(diameter: float, seams: str) -> Microstructure:
    return composite(spheres(5.0, 1.4), spheres(diameter, 1.4), seams=seams)


def _mean(chords: SizeDistribution) -> float:
    """By number, from shares by length."""
    return float(1.0 / np.sum(np.diff(chords.cumulative, prepend=0.0) / chords.diameters))


def _isotropic(packed: Packed, phases: tuple[str, ...]) -> Number:
    found = conduct_axes(packed.volume, dict.fromkeys(phases, 1.0))
    mean = float(np.mean([axis.effective_conductivity for axis in found]))
    errors = [axis.relative_error.resolution or 0.0 for axis in found if axis.relative_error]
    return Number(sum(packed.fractions[phase] for phase in phases) / mean, float(np.mean(errors)))


def kaiser() -> Iterator[Row]:
    """Li4Ti5O12, a sulfide glass and 13 to 15 % of carbon black. Only the composition is stated: sizes are assumed, and
    the electrolyte's fraction is that of the solids, in the tortuosity factor too."""
    solids = {0.665: (0.210, 0.125), 0.493: (0.368, 0.139), 0.398: (0.467, 0.135)}
    for porosity, seams in ((0.0, "closed"), (0.1, "closed"), (0.1, "open"), (0.15, "open")):
        for share_of_solids, (active, carbon) in solids.items():
            whole = {"active": active, "electrolyte": share_of_solids, "carbon": carbon}
            scale = (1.0 - porosity) / sum(whole.values())
            look = composite(spheres(2.0, 1.4), spheres(2.0, 1.4), seams=seams)
            made = volumes({name: scale * part for name, part in whole.items()}, look, 24.0, 0.2, 3)
            found = [conductivity(packed, {"electrolyte": 1.0}) for packed in made]
            factors = [Number(tortuosity_factor(1.0, n.value, share_of_solids), n.resolution) for n in found]
            note = ", seams open" if seams == "open" else ""
            yield row("factor", f"computed, void {100 * porosity:.0f} %{note}", share_of_solids, factors)


GLASS = {
    "3 µm": (2.96, 2.0, {10: 2.8, 22.5: 7.5, 35: 11.3, 47.5: 14.2, 50: 15.1}),
    "36 µm": (35.65, 1.4, {10: 5.42, 22.5: 7.3, 35: 11.2, 47.5: 12.6, 60: 19.72}),
    "61 µm": (60.68, 1.25, {10: 2.8, 30: 4.8, 38.75: 10.1, 47.5: 9.1, 60: 16.3}),
    "93 µm": (92.5, 1.27, {10: 4.3, 22.5: 4.2, 35: 7.0, 47.5: 5.7, 60: 14.15}),
}
"""Glass spheres of Froboese 2019: D50 in um, spread from D10 and D90, narrowed to 2 for the finest,
and the porosity in % at each vol% of the solids."""


def froboese() -> Iterator[Row]:
    """Inert glass spheres in a polymer electrolyte at 80 °C, with the measured porosities.

    The pure pellet, 4.36 % porous, has 0.619 mS/cm; its own tortuosity factor is taken as (1 - ε)^-1/2. How large the
    granules of the polymer were is not stated: half as large as the glass, or, with open seams, as large.
    """
    own = 0.619 / (1.0 - 0.0436) ** 1.5
    for panel, granules, seams in (("conductivity", 0.5, "closed"), ("open", 1.0, "open")):
        yield from _glass(panel, own, granules, seams)


def _glass(panel: str, own: float, granules: float, seams: str) -> Iterator[Row]:
    for series, (diameter, spread, porosities) in GLASS.items():
        look = composite(spheres(diameter, spread), spheres(granules * diameter, 1.4), seams=seams)
        edge = 12.0 * diameter
        for percent, porosity in porosities.items():
            solid = 1.0 - 0.01 * porosity
            fractions = {"active": 0.01 * percent * solid, "electrolyte": (1.0 - 0.01 * percent) * solid}
            made = volumes(fractions, look, edge, edge / 120.0, 3)
            yield row(panel, series, percent, [conductivity(packed, {"electrolyte": own}) for packed in made])


def bielefeld2019() -> Iterator[Row]:
    """Spheres that do not touch, on voxels of 0.2 um: threshold of the electronic network, and the best composition."""
    for diameter in (3.0, 5.0, 8.0, 10.0, 15.0):
        yield _connected(diameter)
    for porosity in (5.0, 20.0):
        yield from _active_area(porosity)


def _connected(diameter: float) -> Row:
    """Volume fraction at which 40 % of the active material is connected, between two that bracket it."""
    look = composite(spheres(diameter), polyhedra(3.0), contacts="dispersed")
    middle = 36.67 + 7.83 * np.log(diameter)
    at = middle + np.array([-4.0, -2.0, 0.0, 2.0, 4.0])
    edge = {3.0: 30.0, 5.0: 40.0, 8.0: 48.0, 10.0: 60.0, 15.0: 75.0}[diameter]
    seeds = 4 if edge < 50.0 else 2
    shares = np.zeros((seeds, len(at)))
    for place, percent in enumerate(at):
        for seed, packed in enumerate(volumes({"active": 0.01 * percent}, look, edge, 0.2, seeds)):
            shares[seed, place] = connected(packed.volume.mask("active")).of(1).percolating_fraction(0)
    return share("threshold", "threshold", diameter, [_crossing(at, found, 0.4) for found in shares])


def _crossing(x: NDArray[np.floating], y: NDArray[np.floating], level: float) -> float:
    """Where a rising curve first reaches a level; the nearest end if it does not."""
    return float(np.interp(level, np.maximum.accumulate(y) + 1e-9 * np.arange(len(y)), x))


def _active_area(porosity: float) -> Iterator[Row]:
    look = composite(spheres(5.0), polyhedra(3.0), contacts="dispersed")
    for percent in np.arange(50.0, 86.0, 3.0):
        solid = 1.0 - 0.01 * porosity
        active = 0.01 * percent * solid
        if active > 0.66:
            break
        fractions = {"active": active, "electrolyte": solid - active}
        found = [_area(packed) for packed in volumes(fractions, look, 32.0, 0.25, 2)]
        yield share("area", f"void {porosity:.0f} %", float(percent), found)


def _area(packed: Packed) -> float:
    """Between the two percolating networks, in 1e5 m2/m3."""
    found = measure(packed.volume, roles_of(packed.volume)).active_area
    return 0.0 if found is None else 1e-5 * found.value


def bielefeld2020() -> Iterator[Row]:
    """NMC811 in Li6PS5Cl with 15 vol% of void: tortuosity factor of the electrolyte over its fraction, and with binder."""
    for diameter, edge in ((3.0, 24.0), (15.0, 45.0)):
        look = composite(spheres(diameter), polyhedra(3.0), contacts="dispersed")
        for electrolyte in (0.25, 0.30, 0.35, 0.40, 0.50):
            fractions = {"active": 0.85 - electrolyte, "electrolyte": electrolyte}
            made = volumes(fractions, look, edge, 0.2, 2)
            yield row("factor", f"{diameter:g} µm", electrolyte, [factor(packed) for packed in made])
    yield from _bound()
    yield from _kato()


def _bound() -> Iterator[Row]:
    """Active material and electrolyte 70:30, with binder per volume of active material."""
    for form in ("films", "patches"):
        look = composite(spheres(5.0), polyhedra(3.0), contacts="dispersed", binder={"kind": form})
        bare: list[float] = []
        for ratio in (0.0, 0.05, 0.10):
            active = 0.85 / (1.0 + 30.0 / 70.0 + ratio)
            fractions = {"active": active, "electrolyte": active * 30.0 / 70.0, "binder": active * ratio}
            made = list(volumes(fractions, look, 32.0, 0.2, 3))
            areas = [_area(packed) for packed in made]
            bare = bare or areas
            lost = [100.0 * (1.0 - area / whole) for area, whole in zip(areas, bare, strict=True)]
            yield row("binder", f"binder in {form}", ratio, [factor(packed) for packed in made])
            yield share("area", f"binder in {form}", ratio, lost)


def _kato() -> Iterator[Row]:
    """The reconstruction of Bielefeld 2020 of Kato's cathode: LiCoO2, Li10GeP2S12 of 3.2 mS/cm, acetylene black."""
    solids = {"active": 0.381, "electrolyte": 0.571, "carbon": 0.048}
    look = composite(spheres(10.0, 1.3), polyhedra(3.0))
    made = volumes({name: 0.85 * part for name, part in solids.items()}, look, 40.0, 0.3, 3)
    yield row("kato", "ions", 1, [conductivity(packed, {"electrolyte": 3.2}) for packed in made])
