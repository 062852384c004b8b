"""Effective transport of the composites of a design, in a line or two each."""

from __future__ import annotations

import textwrap

from percolyte import units
from percolyte.evaluation import Evaluation
from percolyte.transport.effective import Transport

WIDTH, INDENT = 110, 22


def transport_text(e: Evaluation) -> str:
    """Conductivities, tortuosity factor, and how they are known, of each composite."""
    layers = [("cathode", e.transport), *([("anode", e.anode_transport)] if e.anode_transport else [])]
    return "\n".join(line for name, transport in layers for line in _lines(name, transport))


def _lines(name: str, transport: Transport) -> list[str]:
    numbers = [
        f"ions {_conductivity(transport.ionic, transport.ionic_error)}",
        f"electrons {_conductivity(transport.electronic, transport.electronic_error)}",
    ]
    if transport.ionic_tortuosity_factor:
        numbers.append(f"tortuosity factor of the ions {transport.ionic_tortuosity_factor:.3g}")
    margin = " " * INDENT
    said = transport.statement
    if transport.ignored:
        said += f"; ignored: {', '.join(transport.ignored)} (kind = 'microstructure' packs them)"
    known = textwrap.wrap(said, WIDTH, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False)
    return [f"  {name + ' transport':<{INDENT - 2}}{', '.join(numbers)}", *known]


def _conductivity(value: float | None, error: float | None) -> str:
    if value is None:
        return "unknown"
    shown = units.text(value, units.CONDUCTIVITY, digits=3)
    return f"{shown} ± {units.error_text(error)}" if error else shown
