"""Effective transport of the composites of a design, in a line or two each."""

from __future__ import annotations

import textwrap

from percolyte import units
from percolyte.cell.model import PorousElectrode
from percolyte.evaluation import Evaluation
from percolyte.transport.effective import Transport

WIDTH, INDENT = 110, 22


def transport_text(e: Evaluation) -> str:
    """Conductivities, tortuosity factor, and how they are known, of each composite."""
    layers = [("cathode", e.transport), *([("anode", e.anode_transport)] if e.anode_transport else [])]
    return "\n".join(line for name, transport in layers for line in _lines(e, name, transport))


def unknown_text(e: Evaluation, side: str, transport: Transport, carrier: str) -> str:
    """Why the conductivity of a carrier is unknown, and what the cell model takes then."""
    taken = electronic_taken(e, side) if carrier == "electronic" else None
    then = (
        f"the cell model takes {units.text(taken, units.CONDUCTIVITY, digits=3)}, high enough not to limit"
        if taken
        else ""
    )
    return "; ".join(part for part in (transport.unknown.get(carrier, ""), then) if part)


def electronic_taken(e: Evaluation, side: str) -> float | None:
    """Electronic conductivity of a composite in the cell model, S/m; None where no cell was run."""
    electrode = None if e.rate is None else getattr(e.rate.cell, side)
    return electrode.electronic if isinstance(electrode, PorousElectrode) else None


def _lines(e: Evaluation, name: str, transport: Transport) -> list[str]:
    numbers = [
        f"ions {_conductivity(transport.ionic, transport.ionic_error)}",
        f"electrons {_conductivity(transport.electronic, transport.electronic_error)}",
    ]
    if transport.ionic_tortuosity_factor:
        numbers.append(f"tortuosity factor of the ions {transport.ionic_tortuosity_factor:.3g}")
    said = [
        f"{carrier}: {why}"
        for carrier, conductivity in (("ions", "ionic"), ("electrons", "electronic"))
        if getattr(transport, conductivity) is None and (why := unknown_text(e, name, transport, conductivity))
    ]
    said.append(transport.statement)
    if transport.ignored:
        said[-1] += f"; ignored: {', '.join(transport.ignored)} (kind = 'microstructure' packs them)"
    if transport.structure is not None:
        said += [f"warning: {warning}" for warning in transport.structure.warnings]
    return [
        f"  {name + ' transport':<{INDENT - 2}}{', '.join(numbers)}",
        *(line for one in said for line in _wrapped(one)),
    ]


def _wrapped(said: str) -> list[str]:
    margin = " " * INDENT
    return textwrap.wrap(said, WIDTH, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False)


def _conductivity(value: float | None, error: float | None) -> str:
    if value is None:
        return "unknown"
    shown = units.text(value, units.CONDUCTIVITY, digits=3)
    return f"{shown} ± {units.error_text(error)}" if error else shown
