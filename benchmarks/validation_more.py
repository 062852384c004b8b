"""The further published cases of validation.py: recent measurements, particle size, contact loss, pressing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
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

from percolyte.materials.library import material
from percolyte.microstructure.densification import composite_porosity, pressed_porosity
from percolyte.microstructure.interfaces import interface_areas
from percolyte.microstructure.networks import Networks, roles_of
from percolyte.microstructure.pack import Microstructure, Packed

DENSITIES = {"active": 4750.0, "electrolyte": 1870.0, "carbon": 2000.0, "binder": 2200.0}
"""kg/m3: NMC, Li6PS5Cl, carbon fibres, PTFE."""
FIBRES = {"kind": "fibres", "diameter": 0.15e-6, "length": 6e-6}


def recent() -> Iterator[Row]:
    yield from _bazzoun()
    yield from _lee()
    yield from _ketter()


def _bazzoun() -> Iterator[Row]:
    """NMC811 of 5.5 um, Li6PS5Cl of 1.49 um and 1.02 mS/cm, 2 wt% of fibres, 0.3 wt% of PTFE, 400 MPa.

    Volume shares are the paper's; the porosity, not stated, is that of Heckel's law.
    """
    for seams, series in (("closed", "ions"), ("open", "ions, seams open")):
        look = composite(spheres(5.5, 1.4), spheres(1.49, 1.4), carbon=FIBRES, seams=seams)
        for active, electrolyte in ((0.453, 0.527), (0.522, 0.455), (0.595, 0.383)):
            solids = {"active": active, "electrolyte": electrolyte, "carbon": 0.88 * (1.0 - active - electrolyte)}
            solids["binder"] = 1.0 - sum(solids.values())
            dense = 1.0 - composite_porosity(porosity("Li6PS5Cl", 400.0), active)
            made = volumes({name: dense * part for name, part in solids.items()}, look, 30.0, 0.2, 3)
            numbers = [conductivity(packed, {"electrolyte": 1.02}) for packed in made]
            yield row("bazzoun", series, 100.0 * active, numbers)


def _lee() -> Iterator[Row]:
    """NCM82, Li6PS5Cl below 1 um of 1.64 mS/cm and fibres 80:17:3, and PTFE, calendered; porosity not stated: 15 %."""
    for form in ("films", "patches"):
        look = composite(spheres(4.0, 1.4), spheres(1.0), carbon=FIBRES, binder={"kind": form})
        for percent in (0.5, 2.0, 5.0):
            recipe = {"active": 80.0, "electrolyte": 17.0, "carbon": 3.0, "binder": 100.0 * percent / (100.0 - percent)}
            made = volumes(by_volume(recipe, DENSITIES, 0.15), look, 20.0, 0.16, 3)
            found = [conductivity(packed, {"electrolyte": 1.64}) for packed in made]
            yield row("lee", f"ions, binder in {form}", percent, found)


def _ketter() -> Iterator[Row]:
    """NCM83 of 2 um in Li6PS5Cl of 20 um and 5.22 mS/cm, electrons 10 mS/cm; porosity not stated: 14 %."""
    look = composite(spheres(2.0, 1.3), spheres(20.0))
    for percent in (20.0, 30.0, 35.0, 40.0, 45.0, 50.0, 60.0):
        active = 0.86 * 0.01 * percent
        made = list(volumes({"active": active, "electrolyte": 0.86 - active}, look, 48.0, 0.4, 2))
        yield row("ketter", "ions", percent, [conductivity(packed, {"electrolyte": 5.22}) for packed in made])
        yield row("ketter", "electrons", percent, [conductivity(packed, {"active": 10.0}) for packed in made])
    look = composite(spheres(2.0, 1.3), spheres(20.0), seams="open")
    for percent in (20.0, 30.0, 35.0, 40.0, 45.0, 50.0, 60.0):
        active = 0.86 * 0.01 * percent
        made = list(volumes({"active": active, "electrolyte": 0.86 - active}, look, 48.0, 0.4, 2))
        numbers = [conductivity(packed, {"electrolyte": 5.22}) for packed in made]
        yield row("ketter", "ions, seams open", percent, numbers)


def porosity(electrolyte: str, megapascals: float) -> float:
    substance = material(electrolyte)
    loose, scale = (substance.need(what).number for what in ("loose_porosity", "heckel_pressure"))
    return pressed_porosity(1e6 * megapascals, loose, scale)


def strauss() -> Iterator[Row]:
    """NCM622 of three sizes in Li3PS4, 47.9 % of the solids, no carbon; porosity and electrolyte size are assumed."""
    for contacts in ("touching", "dispersed"):
        for electrolyte in (2.0, 6.0):
            series = f"{contacts}, electrolyte of {electrolyte:g} µm"
            for diameter, edge in ((4.0, 40.0), (8.3, 60.0), (15.6, 75.0)):
                look = composite(spheres(diameter, 1.25), spheres(electrolyte), contacts=contacts)
                fractions = {"active": 0.86 * 0.479, "electrolyte": 0.86 * 0.521}
                made = list(volumes(fractions, look, edge, 0.4, 3))
                dead = [100.0 * (1.0 - Networks(p.volume, roles_of(p.volume), 0).utilisation) for p in made]
                yield share("inactive", series, diameter, dead)
                yield row("electrons", series, diameter, [conductivity(packed, {"active": 10.0}) for packed in made])


def shi() -> Iterator[Row]:
    """NMC532 of 12 um, glass and carbon fibres 60:35:5 by weight: active surface at void, in % of all of it."""
    look = composite(spheres(12.0, 1.3), spheres(3.0, 1.4), carbon=FIBRES)
    for void in (2.87, 3.23, 6.0, 9.5, 14.0):
        recipe = {"active": 60.0, "electrolyte": 35.0, "carbon": 5.0}
        made = volumes(by_volume(recipe, DENSITIES, 0.01 * void), look, 50.0, 0.35, 3)
        yield share("contact", "computed", void, [_at_void(packed) for packed in made])


def _at_void(packed: Packed) -> float:
    labels, phases = packed.volume.labels, packed.volume.phases
    areas = interface_areas(labels, max(phases.values()) + 1, packed.volume.voxel)[phases["active"]]
    return float(100.0 * areas[phases["void"]] / areas.sum())


def pressing() -> Iterator[Row]:
    """Heckel's law of the library, and the conductivity of an electrolyte that is as porous as it says."""
    for electrolyte in ("75Li2S-25P2S5", "Li6PS5Cl"):
        for pressure in np.linspace(20.0, 520.0, 26):
            dense = 100.0 * (1.0 - porosity(electrolyte, float(pressure)))
            yield Row("density", electrolyte, float(pressure), dense, dense, dense)
    look = Microstructure(electrolyte=spheres(3.0, 1.4))
    found = {}
    for pressure in (98.0, 150.0, 200.0, 300.0, 392.0):
        made = volumes({"electrolyte": 1.0 - porosity("75Li2S-25P2S5", pressure)}, look, 30.0, 0.25, 3)
        found[pressure] = [conductivity(packed, {"electrolyte": 1.0}) for packed in made]
    scale = 0.65 / np.mean([number.value for number in found[392.0]])
    for pressure, numbers in found.items():
        scaled = [Number(scale * number.value, number.resolution) for number in numbers]
        yield row("conductivity", "computed, scaled to the last point", pressure, scaled)
