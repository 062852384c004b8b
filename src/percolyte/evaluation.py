"""evaluate(design): the whole chain on one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from percolyte import units
from percolyte.check import Check
from percolyte.checks import check_design
from percolyte.design import Design
from percolyte.electrode import DENSEST
from percolyte.errors import InputError, Problem
from percolyte.layer_transport import cell_transport
from percolyte.materials.substance import Substance
from percolyte.pouch.cost import Cost, materials_cost
from percolyte.pouch.energy import PouchEnergy, pouch_energy
from percolyte.pouch.stack import CellInputs, CompositeInputs, Stack, build_stack
from percolyte.pouch.vehicle import driving_range
from percolyte.resolution import Resolved, resolve
from percolyte.sources import Ledger
from percolyte.transport.effective import Transport

if TYPE_CHECKING:
    from percolyte.cell.measured import Comparison
    from percolyte.cell.model import Cell
    from percolyte.cell.rate import RateCapability
    from percolyte.cell.spectrum import Spectrum

LAMINATE = "Al laminate"
"""The library's substance for the pouch film."""


@dataclass(frozen=True)
class Evaluation:
    """Everything percolyte says about one design."""

    outcome: str
    design: Design
    inputs: CellInputs
    substances: dict[str, Substance]
    transport: Transport
    """Of the cathode."""
    anode_transport: Transport | None
    """Of a composite anode."""
    stack: Stack
    energy: PouchEnergy
    possible: PouchEnergy | None
    """The same cell with its electrodes at pore-free density, where they are denser."""
    charged: PouchEnergy | None
    """The same cell with its lithium plated, where it is quoted as assembled."""
    cost: Cost
    rate: RateCapability | None
    """Discharges at C-rates; None where they were not asked for, or cannot be had."""
    rate_missing: str
    """Why there are none, although asked for."""
    spectrum: Spectrum | None
    """Impedance of the half discharged cell, where there are discharges at C-rates and no salt that moves."""
    measured: tuple[Comparison, ...]
    """Measured discharges that the design names, beside the model's, where there are discharges at C-rates."""
    measured_notes: tuple[str, ...]
    """What was found in their files, and left out."""
    ev_range: float
    """m"""
    ledger: Ledger
    checks: tuple[Check, ...] = ()


def evaluate(design: Design, *, rates: Sequence[float] = ()) -> Evaluation:
    """Materials, electrode, transport, stack, energy, rate capability, cost, checks of a design.

    `rates` are the C-rates to discharge at; without any the cell model is not
    run, and measured data are not read. A design whose active material has no
    known open-circuit potential keeps all the rest, and says why there is no
    rate capability.

    Errors: InputError where a value is missing everywhere, an electrode is more
    than 25 % denser than its components can be, or measured data cannot be read.
    """
    resolved = resolve(design)
    stack = build_stack(resolved.inputs)
    _refuse_impossible(stack, design)
    energy = pouch_energy(stack)
    if float(energy.voltage) <= 0.0:
        raise InputError(
            f"the mean voltage of the cell is {float(energy.voltage):.3g} V; check mean_voltage of cathode and anode",
            source=design.label,
        )
    transport, anode_transport = cell_transport(resolved, stack)
    cell, missing = _cell(resolved, stack, transport, anode_transport) if rates else (None, "")
    measured, notes = _measured(design, cell) if cell else ((), ())
    evaluation = Evaluation(
        outcome="done",
        design=design,
        inputs=resolved.inputs,
        substances=resolved.substances,
        transport=transport,
        anode_transport=anode_transport,
        stack=stack,
        energy=energy,
        possible=_at_possible_density(stack),
        charged=_charged(stack),
        cost=_cost(resolved, stack, energy),
        rate=_rate(cell, stack, energy, rates) if cell else None,
        rate_missing=missing,
        spectrum=_spectrum(cell) if cell and cell.salt is None else None,
        measured=measured,
        measured_notes=notes,
        ev_range=float(
            driving_range(
                energy.specific_energy,
                battery_mass=design.vehicle.cell_mass,
                pack_factor=design.vehicle.pack_factor,
                distance_per_energy=design.vehicle.distance_per_energy,
            )
        ),
        ledger=resolved.ledger,
    )
    return replace(evaluation, checks=tuple(check_design(evaluation)))


def _cell(
    resolved: Resolved, stack: Stack, transport: Transport, anode_transport: Transport | None
) -> tuple[Cell | None, str]:
    """The cell model, or why there is none."""
    from percolyte.cell.build import build_cell

    try:
        return build_cell(resolved, stack, transport, anode_transport), ""
    except InputError as error:
        return None, "; ".join(problem.what for problem in error.problems)


def _rate(cell: Cell, stack: Stack, energy: PouchEnergy, rates: Sequence[float]) -> RateCapability:
    from percolyte.cell.rate import rate_of_design

    return rate_of_design(cell, stack, energy, rates)


def _spectrum(cell: Cell) -> Spectrum:
    from percolyte.cell.spectrum import reported_spectrum

    return reported_spectrum(cell)


def _measured(design: Design, cell: Cell) -> tuple[tuple[Comparison, ...], tuple[str, ...]]:
    """The measured discharges that the design names beside the model's, and notes on their files."""
    from percolyte.cell.measured import compare
    from percolyte.interchange.cycler import measured_discharges

    if design.measured is None:
        return (), ()
    found, notes = measured_discharges([(design.folder, one) for one in design.measured], cell, source=design.label)
    return compare(cell, found), notes


def _cost(resolved: Resolved, stack: Stack, energy: PouchEnergy) -> Cost:
    film = resolved.design.library.material(LAMINATE) if resolved.inputs.convention.package else None
    return materials_cost(stack, energy, resolved.substances, film, resolved.ledger)


def _refuse_impossible(stack: Stack, design: Design) -> None:
    problems = []
    for side, electrode in (("cathode", stack.cathode), ("anode", stack.anode.electrode)):
        if electrode is not None and float(electrode.densification) > DENSEST:
            most = units.text(float(electrode.pore_free_density), units.DENSITY, digits=3)
            given = units.text(float(electrode.density), units.DENSITY, digits=3)
            problems.append(
                Problem(
                    f"{side}.density",
                    f"{given} is {100 * (float(electrode.densification) - 1):.3g} % above the {most} that this recipe has "
                    f"without any pore; correct the density, the recipe, or the densities of the materials",
                )
            )
    if problems:
        raise InputError(problems, source=design.label)


def _at_possible_density(stack: Stack) -> PouchEnergy | None:
    """The cell with every electrode that is denser than matter set to no pores."""
    inputs = stack.inputs
    cathode, anode = stack.cathode, stack.anode.electrode
    changed = inputs
    if float(cathode.densification) > 1.0 + 1e-9:
        changed = replace(changed, cathode=_without_pores(inputs.cathode))
    if anode is not None and float(anode.densification) > 1.0 + 1e-9 and isinstance(inputs.anode, CompositeInputs):
        changed = replace(changed, anode=_without_pores(inputs.anode))
    return None if changed is inputs else pouch_energy(build_stack(changed))


def _charged(stack: Stack) -> PouchEnergy | None:
    """The energy of a cell with a plated anode in the charged state, where thickness is quoted as assembled."""
    convention = stack.inputs.convention
    if convention.thickness_state == "charged" or float(stack.anode.plated_thickness) == 0.0:
        return None
    charged = convention.model_copy(update={"thickness_state": "charged"})
    return pouch_energy(build_stack(replace(stack.inputs, convention=charged)))


def _without_pores(composite: CompositeInputs) -> CompositeInputs:
    return replace(composite, density=None, porosity=0.0)
