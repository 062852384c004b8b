"""How the particles of a layer look: as the design says, or with the sizes that it leaves out."""

from __future__ import annotations

from percolyte import units
from percolyte.design import (
    Cathode,
    SeparatorLayer,
)
from percolyte.electrode import Electrode, pore_free_density, volume_fractions
from percolyte.errors import InputError
from percolyte.lookup import Resolver
from percolyte.microstructure.pack import Microstructure
from percolyte.microstructure.powders import ConstantSize, SizeShare, SizeTable
from percolyte.microstructure.shapes import Spheres
from percolyte.nouns import replace
from percolyte.pouch.stack import (
    Stack,
)
from percolyte.resolution import Resolved

ASSUMED_RADIUS, ASSUMED_ELECTROLYTE_DIAMETER = 2.5e-6, 2e-6


def layer_microstructure(resolved: Resolved, stack: Stack, name: str) -> tuple[dict[str, float], Microstructure]:
    """Volume fractions of the phases of a layer, and how its particles look.

    `name` is cathode, anode or separator. Sizes that the design does not state
    are those of the cell model for active material, and assumed for the
    electrolyte; the ledger says so.

    Errors: InputError where the layer is no composite of particles.
    """
    design = resolved.design
    written = getattr(design, name, None)
    layer = {"cathode": stack.cathode, "anode": stack.anode.electrode}.get(name)
    if name == "separator":
        volumes = _separator_volumes(resolved)
    elif layer is None or not isinstance(written, Cathode):
        raise InputError(f"'{name}' is no composite layer of this design; write cathode", source=design.label)
    else:
        volumes = {name: float(fraction) for name, fraction in layer.volume_fractions.items()}
    resolver = Resolver(design)
    resolver.ledger = resolved.ledger
    assert isinstance(written, Cathode | SeparatorLayer)
    return recipe_and_look(resolver, name, written, volumes, layer)


def recipe_and_look(
    resolver: Resolver,
    name: str,
    written: Cathode | SeparatorLayer,
    volumes: dict[str, float],
    layer: Electrode | None,
) -> tuple[dict[str, float], Microstructure]:
    """Volume fractions by phase of a microstructure, and its look with the sizes that the design leaves out."""
    fractions: dict[str, float] = {}
    for component, volume in volumes.items():
        phase = resolver.substance(component).phase
        fractions[phase] = fractions.get(phase, 0.0) + volume
    look = written.microstructure
    if look.active is None and isinstance(written, Cathode) and layer is not None:
        look = replace(look, active=Spheres(sizes=_active_sizes(resolver, name, written, layer)))
    if look.electrolyte is None and "electrolyte" in fractions:
        where, why = f"{name}.microstructure.electrolyte.diameter", "the design states no size"
        diameter = resolver.assumed(where, ASSUMED_ELECTROLYTE_DIAMETER, units.DIAMETER, why)
        look = replace(look, electrolyte=Spheres(sizes=ConstantSize(diameter=diameter)))
    return fractions, look


def _separator_volumes(resolved: Resolved) -> dict[str, float]:
    """Volume fractions of the components of the separator, the voids left out."""
    layer = resolved.inputs.separator
    if resolved.design.separator.second is not None:
        raise InputError("a bilayer separator is packed one layer at a time", source=resolved.design.label)
    densities = {name: resolved.substances[name].need("density").number for name in layer.composition}
    porosity = max(0.0, float(1.0 - layer.density / pore_free_density(layer.composition, densities)))
    return {name: float(part) for name, part in volume_fractions(layer.composition, densities, porosity).items()}


def _active_sizes(resolver: Resolver, side: str, written: Cathode, layer: Electrode) -> ConstantSize | SizeTable:
    """Sizes of the active particles as the cell model knows them."""
    if written.active.sizes is not None:
        shares = tuple(SizeShare(diameter=2.0 * size.radius, share=size.share) for size in written.active.sizes)
        return SizeTable(sizes=shares)
    substance = resolver.substance(layer.active[0])
    if written.active.particle_radius is None and substance.default("particle_radius") is None:
        why = "neither the design nor the library states a size"
        return ConstantSize(
            diameter=2.0 * resolver.assumed(f"{side}.active.particle_radius", ASSUMED_RADIUS, units.RADIUS, why)
        )
    radius = resolver.take(f"{side}.active", written.active.particle_radius, substance, "particle_radius")
    return ConstantSize(diameter=2.0 * radius)
