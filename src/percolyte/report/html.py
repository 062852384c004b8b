"""The report of a design: one self-contained HTML page, and the same as JSON."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

from percolyte import __version__, units
from percolyte.cell.rate import RateCapability, RatePoint
from percolyte.cell.spectrum import DOUBLE_LAYER, HALF_DISCHARGED
from percolyte.design import Cathode, CompositeAnode, write_design
from percolyte.evaluation import Evaluation
from percolyte.files import write_whole
from percolyte.pouch.convention import PRESETS, Convention
from percolyte.pouch.energy import pouch_energy
from percolyte.pouch.stack import CellInputs, build_stack
from percolyte.report import cell_figures, figures, fit_figures, transport_figures, volumes
from percolyte.report.tables import convention_json, evaluation_json
from percolyte.report.transport_text import unknown_text
from percolyte.transport.conduction import interface_text
from percolyte.transport.effective import Transport


def write_report(evaluation: Evaluation, folder: str | os.PathLike[str]) -> list[Path]:
    """Write report.html and evaluation.json into a folder; their paths."""
    page, record = Path(folder) / "report.html", Path(folder) / "evaluation.json"
    data = json.dumps(evaluation_json(evaluation), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(page, render_report(evaluation).encode())
    write_whole(record, data.encode())
    return [page, record]


def render_report(evaluation: Evaluation) -> str:
    """The page as text; every figure is inside it, nothing is fetched."""
    environment = Environment(loader=PackageLoader("percolyte.report", "."), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {"q": _quantity, "plain": _plain, "error": units.error_text}
    e = evaluation
    origins = ("yours", "measured", "library", "assumed", "computed", "convention")
    return environment.get_template("report.html.j2").render(
        e=e,
        layers=_layers(e),
        interface_text=interface_text,
        version=__version__,
        zip=zip,
        units=units,
        pictures=_pictures(e),
        double_layer=DOUBLE_LAYER,
        charge_left=1.0 - HALF_DISCHARGED,
        verdicts={verdict: sum(check.verdict == verdict for check in e.checks) for verdict in ("pass", "warn", "fail")},
        convention=convention_json(e.energy),
        by_origin={origin: [entry for entry in e.ledger.entries if entry.origin == origin] for origin in origins},
        contested=[entry for entry in e.ledger.entries if "published too" in entry.note],
        references=_references(e),
        toml=write_design(e.design),
    )


def _quantity(value: Any, dimension: str, digits: int = 4) -> str:
    """Template filter: {{ value|q('SPECIFIC_ENERGY') }}."""
    return units.text(float(value), getattr(units, dimension), digits=digits)


def _plain(value: Any) -> str:
    """Template filter: four digits, never an exponent."""
    number = float(value)
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def _pictures(e: Evaluation) -> dict[str, str]:
    """Each figure as a data address; absent where a figure does not apply."""
    drawn = {
        "stack": figures.stack_figure(e),
        "breakdown": figures.breakdown_figure(e),
        "map": figures.map_figure(e),
        "tornado": figures.tornado_figure(e.inputs),
        "cost": figures.cost_figure(e.cost),
        "rate": cell_figures.rate_figure(e.rate) if e.rate else None,
        "measured": cell_figures.measured_figure(e.rate, e.measured) if e.rate and e.measured else None,
        "salt": cell_figures.salt_figure(e.rate) if e.rate and e.rate.cell.salt else None,
        "losses": cell_figures.loss_figure(_near(e.rate)) if e.rate else None,
        "heat": cell_figures.heat_figure(_near(e.rate)) if e.rate else None,
        "nyquist": cell_figures.nyquist_figure(e.spectrum) if e.spectrum else None,
        "conventions": figures.convention_figure(_under_each_convention(e), e.energy.convention.title),
    }
    for layer, transport, _, _ in _layers(e):
        drawn |= {f"{layer} {name}": figure for name, figure in _transport_pictures(transport).items()}
    encoded = {
        name: base64.b64encode(figures.svg(figure).encode()).decode() for name, figure in drawn.items() if figure
    }
    return {name: f"data:image/svg+xml;base64,{picture}" for name, picture in encoded.items()}


Layer = tuple[str, Transport, dict[str, str], list[str]]
"""Name, transport, why a conductivity is unknown by carrier, and what of the microstructure the design states itself."""


def _layers(e: Evaluation) -> list[Layer]:
    """The composites whose transport is known."""
    sides = [("cathode", e.transport, e.design.cathode)]
    if e.anode_transport is not None and isinstance(e.design.anode, CompositeAnode):
        sides.append(("anode", e.anode_transport, e.design.anode))
    return [
        (
            side,
            transport,
            {carrier: unknown_text(e, side, transport, carrier) for carrier in ("ionic", "electronic")},
            _own(written),
        )
        for side, transport, written in sides
    ]


def _own(written: Cathode) -> list[str]:
    return sorted({"utilisation", "contact_fraction"} & written.active.model_fields_set)


def _transport_pictures(transport: Transport) -> dict[str, Figure | None]:
    fitted, structure = transport.measured, transport.structure
    return {
        "transport": transport_figures.transport_figure(transport),
        "impedance": fit_figures.fit_figure(fitted.fit, [one.label for one in fitted.files]) if fitted else None,
        **(volumes.structure_figures(structure) if structure else {}),
    }


def _near(rate: RateCapability) -> RatePoint:
    """The discharge nearest to the rate of the diagnosis."""
    return min(rate.points, key=lambda point: abs(point.c_rate - rate.diagnosis.c_rate))


def _under_each_convention(e: Evaluation) -> list[tuple[str, float, float]]:
    """Name, Wh/kg and Wh/L of the same layers, first as designed, then by every preset."""
    conventions = [e.energy.convention, *(preset for preset in PRESETS.values() if preset != e.energy.convention)]
    rows = []
    for convention in conventions:
        energy = pouch_energy(build_stack(_with_convention(e.inputs, convention)))
        rows.append(
            (
                convention.title,
                float(units.to(float(energy.specific_energy), "Wh/kg")),
                float(units.to(float(energy.energy_density), "Wh/L")),
            )
        )
    return rows


def _with_convention(inputs: CellInputs, convention: Convention) -> CellInputs:
    """The same layers and sheet size counted by another convention, as a stack of 20 sheets where the design has none."""
    package = convention.package
    single = inputs.convention.stacking == "single"
    pouch = replace(
        inputs.pouch,
        width=0.102 if single else inputs.pouch.width,
        height=0.052 if single else inputs.pouch.height,
        cathode_sheets=20.0 if single else inputs.pouch.cathode_sheets,
        other_mass=convention.other_mass,
        overhang=convention.overhang,
        rim=package.rim if package else 0.0,
        package_thickness=package.thickness if package else 0.0,
        package_density=package.density if package else 1.0,
    )
    return replace(inputs, convention=convention, pouch=pouch)


def _references(e: Evaluation) -> list[str]:
    """Every source of a library value that was used, once, in order of use, without the substance before it."""
    found = [entry.source.split(": ", 1)[-1] for entry in e.ledger.entries if entry.origin == "library"]
    found += [entry.source for entry in e.ledger.entries if entry.origin == "convention"]
    return list(dict.fromkeys(found))
