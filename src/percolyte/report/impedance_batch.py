"""A batch of fitted spectra as the columns of a table, a figure, and a page."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import matplotlib as mpl
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

from percolyte import units
from percolyte.errors import InputError
from percolyte.impedance.batch import FileResult, Fitted, Number
from percolyte.impedance.conductivity import QUANTILE
from percolyte.impedance.estimates import Estimate
from percolyte.impedance.series import Trend, fit_series
from percolyte.report.figures import ACCENT, INK, STYLE, svg

Entry = tuple[FileResult, Fitted]


def entries_of(results: Sequence[FileResult]) -> list[Entry]:
    """Every fitted spectrum with its file, in order."""
    return [(one, spectrum) for one in results for spectrum in one.spectra]


def at_temperatures(results: Sequence[FileResult], written: str) -> tuple[FileResult, ...]:
    """The same with temperatures as a person writes them, one for each spectrum in order or one for all.

    Errors: InputError for text that is no temperature, and for another number of them.
    """
    kelvins = [units.parse(word, units.TEMPERATURE) for word in written.split(",")]
    spectra = sum(len(one.spectra) for one in results)
    if len(kelvins) not in (1, spectra):
        raise InputError(
            f"--temperatures names {len(kelvins)} for {spectra} spectra; write one for all, or one for each"
        )
    following = iter(kelvins * spectra if len(kelvins) == 1 else kelvins)
    return tuple(
        replace(one, spectra=tuple(replace(each, temperature=next(following)) for each in one.spectra))
        for one in results
    )


def batch_columns(results: Sequence[FileResult]) -> dict[str, list[Any]]:
    """One row a spectrum, and one a file that could not be read."""
    entries = entries_of(results)
    names = list(dict.fromkeys(name for _, one in entries for name in one.conductivities))
    parameters = list(dict.fromkeys(name for _, one in entries for name in one.parameters))
    rows: list[dict[str, Any]] = []
    for result in results:
        for one in result.spectra:
            row = {"file": result.file, "cycle": one.cycle, "measured at": one.measured_at, "temperature / K": one.temperature,
                   "points": one.points, "outcome": one.outcome}  # fmt: skip
            for name in names:
                row |= _spread(f"{name} / S/m", one.conductivities.get(name))
            for name in parameters:
                row |= _spread(name, one.parameters.get(name))
            rows.append({**row, "residual rms / 1": one.noise, "notes": "; ".join(one.warnings)})
        if result.problem:
            rows.append({"file": result.file, "outcome": "not read", "notes": result.problem})
    headings = list(dict.fromkeys(heading for row in rows for heading in row))
    texts = {"file", "measured at", "outcome", "notes"}
    return {heading: [row.get(heading, "" if heading in texts else None) for row in rows] for heading in headings}


def _spread(name: str, number: Number | None) -> dict[str, float | None]:
    found = number or {"value": None, "low": None, "high": None}
    return {name: found["value"], f"{name}, 2.5 %": found["low"], f"{name}, 97.5 %": found["high"]}


def trends(entries: Sequence[Entry]) -> dict[str, Trend]:
    """Arrhenius law of each conductivity, where at least three temperatures are known."""
    found = {}
    for name in dict.fromkeys(name for _, one in entries for name in one.conductivities):
        points = [(one.temperature, one.conductivities[name]) for _, one in entries if one.temperature is not None]
        known = [(t, n) for t, n in points if n["value"] is not None and n["low"] and n["high"]]
        if len({t for t, _ in known}) >= 3:
            values = [_estimate(name, number) for _, number in known]
            found[name] = fit_series([t for t, _ in known], values, "arrhenius")
    return found


def _estimate(name: str, number: Number) -> Estimate:
    value, low, high = number["value"], number["low"] or 0.0, number["high"] or math.inf
    return Estimate(name, "S/m", value, low, high, math.log(high / low) / (2.0 * QUANTILE))


def batch_figure(entries: Sequence[Entry]) -> Figure | None:
    """Conductivities in the order of the spectra, or over temperature with their Arrhenius law."""
    names = [
        name for name in dict.fromkeys(name for _, one in entries for name in one.conductivities)
        if any(one.conductivities[name]["value"] is not None for _, one in entries if name in one.conductivities)
    ]  # fmt: skip
    if not names:
        return None
    laws = trends(entries)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 3.4), layout="constrained")
        axes = figure.add_subplot()
        for name, colour in zip(names, (ACCENT, INK, "#b3402e", "#e0a93b", "#3b5b92"), strict=False):
            for number, (_, one) in enumerate(entries, start=1):
                found = one.conductivities.get(name)
                if found is None or found["value"] is None:
                    continue
                x = 1000.0 / one.temperature if laws and one.temperature else number
                value, low, high = (10.0 * (found[end] or 0.0) for end in ("value", "low", "high"))
                axes.errorbar(
                    x,
                    value,
                    [[value - low], [max(high - value, 0.0)]],
                    fmt="o",
                    color=colour,
                    markersize=4,
                    linewidth=1.0,
                )
            axes.plot([], [], "o", color=colour, markersize=4, label=_named(name, laws.get(name)))
            if name in laws:
                spots = sorted(one.temperature for _, one in entries if one.temperature)
                axes.plot(
                    [1000.0 / t for t in spots], [10.0 * laws[name].at(t) for t in spots], color=colour, linewidth=0.9
                )
        axes.set(yscale="log", ylabel="conductivity (mS/cm)", xlabel="1000 / T (1/K)" if laws else "spectrum")
        axes.legend(fontsize=8, loc="best")
        return figure


def _named(name: str, law: Trend | None) -> str:
    plain = name.replace("_", " ")
    if law is None or law.slope.value is None:
        return plain
    ends = (law.slope.value, law.slope.low, law.slope.high)
    energy, low, high = (units.text(end, units.ACTIVATION_ENERGY, digits=3) for end in ends)
    return f"{plain}: {energy} ({low} to {high})"


def batch_page(results: Sequence[FileResult], title: str) -> str:
    """Everything of a batch on one page that fetches nothing."""
    entries = entries_of(results)
    figure = batch_figure(entries)
    columns = {name: column for name, column in batch_columns(results).items() if not name.endswith("%")}
    environment = Environment(loader=PackageLoader("percolyte.report", "."), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("batch.html.j2").render(
        title=title,
        spectra=len(entries),
        files=sum(not one.problem for one in results),
        refused=sum(bool(one.problem) for one in results),
        picture="" if figure is None else base64.b64encode(svg(figure).encode()).decode(),
        laws=[_named(name, law) for name, law in trends(entries).items()],
        headings=list(columns),
        rows=[[_shown(value) for value in row] for row in zip(*columns.values(), strict=True)],
    )


def _shown(value: Any) -> str:
    if value is None:
        return "not known"
    return value if isinstance(value, str) else f"{value:.4g}"
