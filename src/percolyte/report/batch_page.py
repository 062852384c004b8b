"""A batch of fitted spectra as files: tables, figures, and a page that shows the figures as they are scrolled to."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

from percolyte import units
from percolyte.files import write_whole
from percolyte.impedance.batch import Entry, FileResult, Number
from percolyte.impedance.cells import MeasuredCell
from percolyte.impedance.trends import Course, courses, series_in
from percolyte.interchange.table import write_table
from percolyte.report.batch_figures import figure_name, map_figure, series_map, spectrum_figure, trend_figure
from percolyte.report.figures import svg
from percolyte.report.impedance_batch import Columns, amount_text, batch_columns, law_columns, law_texts, point_columns

FIGURES = "figures"
MOST_INSIDE = 12
"""Figures of series that the page holds; more are shown from their files."""
FORMATS = (".csv", ".parquet", ".xlsx")
Picture = tuple[str, str, Figure]
"""Title, name of its file, figure."""


def courses_of(entries: Sequence[Entry], cell: MeasuredCell) -> tuple[Course, ...]:
    """Every quantity along every series of a batch."""
    return tuple(course for series in series_in(entries) for course in courses(series, cell))


def draw_spectra(one: FileResult, folder: Path, *, anew: bool) -> None:
    """The figure of each spectrum of a file; those that are there stay, unless they are to be drawn anew."""
    for fitted in one.spectra:
        path = folder / FIGURES / figure_name(one.file, fitted.cycle)
        if anew or not path.exists():
            cycle = f", cycle {fitted.cycle}" if len(one.spectra) > 1 else ""
            write_whole(path, svg(spectrum_figure(fitted, f"{one.name}{cycle}")).encode())


def write_batch(
    folder: Path,
    results: Sequence[FileResult],
    entries: Sequence[Entry],
    found: Sequence[Course],
    title: str,
    about: dict[str, str],
) -> list[str]:
    """Tables, trends and page of a batch into its folder; the names of what was written."""
    tables = {"results": batch_columns(entries, results)}
    if found:
        tables |= {"series": point_columns(found), "laws": law_columns(found)}
    for name, columns in tables.items():
        for ending in FORMATS:
            write_table(folder / f"{name}{ending}", columns, about)
    pictures = _pictures(entries, found)
    drawn = [(name, f"{FIGURES}/{file}.svg", svg(figure)) for name, file, figure in pictures]
    for _, file, text in drawn:
        write_whole(folder / file, text.encode())
    page = _page(folder, results, entries, found, title, tables["results"], drawn)
    write_whole(folder / "report.html", page.encode())
    return [*(f"{name}.csv" for name in tables), "report.html"]


def _pictures(entries: Sequence[Entry], found: Sequence[Course]) -> list[Picture]:
    """Trends, one for each quantity and condition, and maps of relaxation times."""
    together: dict[tuple[str, str], list[Course]] = {}
    for course in (one for one in found if one.points):
        together.setdefault((course.quantity, course.series.over), []).append(course)
    pictures = [
        (
            f"{name.replace('_', ' ').capitalize()} over {over.replace('_', ' ')}",
            f"{name}-over-{over}",
            trend_figure(those),
        )
        for (name, over), those in together.items()
    ]
    for number, series in enumerate({id(course.series): course.series for course in found}.values(), start=1):
        figure = series_map(series)
        pictures += [(f"Relaxation times {series.title}", f"relaxation-times-{number}", figure)] if figure else []
    if not found:
        figure = map_figure(entries, [one.label for one in entries], "spectrum")
        pictures += [("Relaxation times in the order of the files", "relaxation-times", figure)] if figure else []
    return pictures


def _page(
    folder: Path,
    results: Sequence[FileResult],
    entries: Sequence[Entry],
    found: Sequence[Course],
    title: str,
    columns: Columns,
    drawn: Sequence[tuple[str, str, str]],
) -> str:
    """The page: trends and maps inside it, figures of spectra beside it."""
    shown = {name: column for name, column in columns.items() if ", 2.5 %" not in name and ", 97.5 %" not in name}
    files = [f"{FIGURES}/{figure_name(one.result.file, one.fitted.cycle)}" for one in entries]
    there = [file if (folder / file).exists() else "" for file in files]
    environment = Environment(loader=PackageLoader("percolyte.report", "."), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("batch.html.j2").render(
        title=title,
        amount=amount_text(results, entries),
        refused=[one for one in results if one.problem],
        pictures=[(name, _inside(text) if number < MOST_INSIDE else file, file) for number, (name, file, text) in enumerate(drawn)],
        laws=[
            (course.quantity.replace("_", " "), course.series.title, list(law_texts(course)),
             [*course.problems, *(course.laws[0].warnings if course.laws else ())])
            for course in found
        ],
        headings=list(shown),
        rows=[
            ([_shown(value) for value in row], f"s{number}" if number < len(there) and there[number] else "")
            for number, row in enumerate(zip(*shown.values(), strict=True))
        ],
        gallery=[
            {"anchor": f"s{number}", "file": file, "label": one.label, "facts": _facts(one)}
            for number, (one, file) in enumerate(zip(entries, there, strict=True))
            if file
        ],
    )  # fmt: skip


def _inside(picture: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(picture.encode()).decode()}"


def _facts(one: Entry) -> str:
    """Quantities with their intervals and what the tests say, under the figure of a spectrum."""
    said = [f"{name.replace('_', ' ')} {_with_interval(number)}" for name, number in one.fitted.quantities.items()]
    if one.condition.temperature is not None:
        said.insert(0, units.text(one.condition.temperature, units.TEMPERATURE, digits=4))
    if one.fitted.tested is not None:
        said.append(f"Kramers-Kronig: {one.fitted.tested.verdict}")
    return "; ".join(said)


def _with_interval(number: Number) -> str:
    if number.value is None or number.low is None or number.high is None:
        return "not known"
    dimension = units.CONDUCTIVITY if number.unit == "S/m" else units.AREA_RESISTANCE
    value, low, high = (units.text(end, dimension, digits=4) for end in (number.value, number.low, number.high))
    return f"{value} (95 %: {low} to {high})"


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else f"{value:.4g}"
