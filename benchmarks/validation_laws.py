"""Design laws: what the size, amount and form of the components do, one at a time; each function is one figure.

Lengths in um, fractions in vol% of the layer unless they are said to be of its solids, own conductivities of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from validation_sampling import (
    Number,
    Row,
    by_volume,
    composite,
    conductivity,
    row,
    share,
    spheres,
    volumes,
)

from percolyte.microstructure.clusters import connected
from percolyte.microstructure.networks import Networks, roles_of
from percolyte.microstructure.pack import Microstructure, Packed

BOTH = ("active", "electrolyte")


def size_ratio() -> Iterator[Row]:
    """NMC532 of 6 um and a sulfide glass by weight, 15 vol% of void; electrons are taken to reach every particle."""
    for percent in (60.0, 70.0, 75.0, 80.0, 85.0):
        recipe = {"active": percent, "electrolyte": 100.0 - percent}
        fractions = by_volume(recipe, {"active": 4700.0, "electrolyte": 1880.0}, 0.15)
        for ratio in (0.5, 1.0, 2.0, 3.0, 5.0, 8.0):
            look = composite(spheres(6.0, 1.2), spheres(6.0 / ratio))
            made = list(volumes(fractions, look, 30.0, 0.25, 3))
            series = f"{percent:.0f} wt%"
            used = [100.0 * Networks(p.volume, roles_of(p.volume, electronic=BOTH), 0).utilisation for p in made]
            yield share("utilisation", series, ratio, used)
            yield row("conductivity", series, ratio, [conductivity(p, {"electrolyte": 1.0}) for p in made])


def void() -> Iterator[Row]:
    """Conductivity of the electrolyte over porosity, at two shares of active material in the solids and two size ratios."""
    for percent in (47.5, 60.0):
        for ratio in (1.0, 3.0):
            look = composite(spheres(6.0, 1.3), spheres(6.0 / ratio, 1.3))
            for porosity in (0.0, 5.0, 10.0, 15.0, 20.0, 25.0):
                solid = 1.0 - 0.01 * porosity
                active = 0.01 * percent * solid
                made = volumes({"active": active, "electrolyte": solid - active}, look, 30.0, 0.25, 3)
                found = [conductivity(packed, {"electrolyte": 1.0}) for packed in made]
                yield row(f"{percent:g}", f"size ratio {ratio:g}", porosity, found)


def electrons() -> Iterator[Row]:
    """Electrons through the active material alone, over the size of its particles in an electrolyte of 3 um."""
    for percent in (30.0, 35.0, 41.0, 50.0):
        look_at = f"{percent:.0f} vol%"
        for diameter, edge in ((2.0, 24.0), (4.0, 32.0), (8.0, 48.0), (16.0, 72.0)):
            look = composite(spheres(diameter, 1.25), spheres(3.0))
            made = list(volumes({"active": 0.01 * percent, "electrolyte": 0.86 - 0.01 * percent}, look, edge, 0.4, 3))
            yield share("connected", look_at, diameter, [100.0 * _through(packed, "active") for packed in made])
            yield row("conductivity", look_at, diameter, [conductivity(packed, {"active": 1.0}) for packed in made])


def _through(packed: Packed, phase: str) -> float:
    """Share of a phase in clusters that lead through."""
    return connected(packed.volume.mask(phase)).of(1).percolating_fraction(0)


CARBONS: Mapping[str, Mapping[str, object]] = {
    "particles": {"kind": "particles", "diameter": 0.3e-6},
    "aggregates of 32": {"kind": "aggregates", "diameter": 0.3e-6, "primaries": 32},
    "aggregates of 128": {"kind": "aggregates", "diameter": 0.3e-6, "primaries": 128},
    "fibres, aspect 10": {"kind": "fibres", "diameter": 0.2e-6, "length": 2e-6},
    "fibres, aspect 20": {"kind": "fibres", "diameter": 0.2e-6, "length": 4e-6},
    "fibres, aspect 40": {"kind": "fibres", "diameter": 0.2e-6, "length": 8e-6},
}


def carbon() -> Iterator[Row]:
    """Share of the carbon that leads through: in electrolyte alone, and with 30 vol% of active material of 8 um."""
    for panel, active in (("alone", 0.0), ("active", 0.30)):
        for series, form in CARBONS.items():
            for percent in (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 11.0, 15.0, 20.0, 25.0):
                part = 0.01 * percent
                look = Microstructure.model_validate(
                    {"active": spheres(8.0), "electrolyte": spheres(3.0), "carbon": form}
                )
                fractions = {"active": active, "electrolyte": 1.0 - active - part, "carbon": part}
                made = volumes(fractions, look, 20.0, 0.2, 2)
                yield share(panel, series, percent, [100.0 * _through(packed, "carbon") for packed in made])


def binder() -> Iterator[Row]:
    """What binder leaves of the ionic conductivity; 15 vol% of void, binder in the place of electrolyte."""
    for active in (0.45, 0.55):
        for form in ("films", "patches"):
            look = composite(spheres(5.0, 1.3), spheres(2.0), binder={"kind": form})
            found = {}
            for percent in (0.0, 1.0, 2.0, 4.0, 6.0):
                part = 0.01 * percent
                fractions = {"active": active, "electrolyte": 0.85 - active - part, "binder": part}
                made = volumes(fractions, look, 30.0, 0.2, 3)
                found[percent] = [conductivity(packed, {"electrolyte": 1.0}) for packed in made]
            for percent, numbers in found.items():
                over = [Number(n.value / bare.value, 0.0) for n, bare in zip(numbers, found[0.0], strict=True)]
                yield row("conductivity", f"{form}, {100 * active:.0f} vol% active", percent, over)
