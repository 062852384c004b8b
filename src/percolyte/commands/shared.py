"""What every command needs: its arguments, and where its output goes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated, Any

import typer

from percolyte.errors import InputError, Problem

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawn

    from percolyte.cell.model import Cell
    from percolyte.cell.protocol import Current
    from percolyte.design import Design
    from percolyte.evaluation import Evaluation
    from percolyte.nouns import N
    from percolyte.pouch.stack import Stack
    from percolyte.resolution import Resolved
    from percolyte.units import Dimension

DesignFile = Annotated[
    str, typer.Argument(metavar="DESIGN", help="Design file (TOML), or the name of a shipped example.")
]


def _table_name(path: Path | None) -> Path | None:
    """The name of a table to write, once it is known that it can be."""
    from percolyte.interchange.table import check_table_name

    if path is not None:
        check_table_name(path)
        can_hold(path)
    return path


def figure_name(path: Path | None) -> Path | None:
    """The name of a figure to write, once it is known that it can be."""
    from percolyte.report.figures import check_figure_name

    if path is not None:
        check_figure_name(path)
        can_hold(path)
    return path


def can_hold(path: Path) -> None:
    """Refuse, before a long run, a file that could not be written after it."""
    folder = next(folder for folder in path.absolute().parents if folder.exists())
    if path.is_dir():
        raise InputError(f"{path} cannot be written: it is a folder; name a file")
    if not folder.is_dir():
        raise InputError(f"{path} cannot be written: {folder} is no folder; choose another")
    try:
        # rights do not tell of everything: /proc, a read-only disk
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {folder} takes no file ({error.strerror}); choose another folder"
        ) from None


def keep_inputs(written: Sequence[Path | None], *read: str) -> None:
    """Refuse, before any work, to write over what is read, under whatever name or link, twice into one file, or in vain."""
    from percolyte.microstructure.files import named_parts

    places = [path for path in written if path is not None]
    for number, place in enumerate(places):
        for name in read:
            source = named_parts(name)[0]
            linked = place.exists() and source.exists() and place.samefile(source)
            if linked or source.resolve() in (place.resolve(), *place.resolve().parents):
                raise InputError(f"{place} would be written over {source}, which is read; give another name or folder")
        if place.resolve() in (other.resolve() for other in places[:number]):
            raise InputError(f"{place} would be written twice; give each output a name of its own")
        can_hold(place)


Table = Annotated[
    Path | None, typer.Option("--out", callback=_table_name, help="Table to write (.csv, .parquet, .xlsx).")
]
Figure = Annotated[
    Path | None, typer.Option("--figure", callback=figure_name, help="Figure to write (.svg, .png, .pdf).")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


def evaluated(design: str, rates: Sequence[float] = ()) -> Evaluation:
    """The evaluation of a design file or a shipped design."""
    from percolyte.design import read_design
    from percolyte.evaluation import evaluate
    from percolyte.examples import find_design

    return evaluate(read_design(find_design(design)), rates=rates)


@dataclass(frozen=True)
class Built:
    """A design, what it resolves to, and its cell model."""

    design: Design
    resolved: Resolved
    stack: Stack
    cell: Cell

    @property
    def assumed(self) -> list[str]:
        """What neither the design nor the library states."""
        return [f"{entry.where} = {entry.shown}" for entry in self.resolved.ledger.entries if entry.origin == "assumed"]


def built(design: str) -> Built:
    """The cell model of a design file or a shipped design."""
    from percolyte.cell.build import build_cell
    from percolyte.design import read_design
    from percolyte.examples import find_design
    from percolyte.layer_transport import cell_transport
    from percolyte.pouch.stack import build_stack
    from percolyte.resolution import resolve

    written = read_design(find_design(design))
    resolved = resolve(written)
    stack = build_stack(resolved.inputs)
    cell = build_cell(resolved, stack, *cell_transport(resolved, stack))
    return Built(written, resolved, stack, cell)


def wanted_current(c_rate: float | None, current: str | None) -> Current:
    """The current of the options --c-rate and --current; 1C without either."""
    from percolyte import units
    from percolyte.cell.protocol import Current

    if c_rate is not None and not 1e-6 <= c_rate <= 1e4:
        raise InputError(f"--c-rate {c_rate:g} is no rate between 1e-6 and 1e4 per hour")
    if current is not None:
        return Current(units.parse(current, units.CURRENT_DENSITY))
    return Current(1.0 if c_rate is None else c_rate, c_rate=True)


def c_rate_of(text: str | float) -> float:
    """'1', '1C' or 'C/10' -> 1/h."""
    rates = c_rates_of(str(text))
    if len(rates) != 1:
        raise InputError(f"'{text}' is not one C-rate; write for example 1 or C/3")
    return rates[0]


def c_rates_of(words: str) -> list[float]:
    """'0.1,C/2,3C' as rates in 1/h."""
    from percolyte.cell.protocol import c_rate_of

    rates = []
    for word in words.split(","):
        text = word.strip()
        found = c_rate_of(text if "C" in text else f"{text}C")
        if found is None:
            raise InputError(f"{text!r} is no C-rate; write for example 0.1,C/3,1,3")
        rates.append(found)
    return rates


def save_table(out: Path | None, columns: Mapping[str, Sequence[Any]], design: Design) -> None:
    """The result as a table, where one is asked for, with the design it is of."""
    if out is not None:
        from percolyte import __version__
        from percolyte.interchange.table import write_table

        write_table(out, columns, {"percolyte": __version__, "design": design.name, "design_digest": design.digest})
        note(f"written: {out}")


def say_assumed(assumed: Sequence[str]) -> None:
    if assumed:
        typer.echo("assumed: " + "; ".join(assumed))


def parsed(written: Mapping[str, str | None], dimensions: Mapping[str, Dimension]) -> dict[str, float]:
    """Options that are given as numbers, or every problem with them."""
    from percolyte import units

    def reader(dimension: Dimension) -> Callable[[str], float]:
        return lambda text: units.parse(text, dimension)

    found = read_texts({f"--{name}": (text, reader(dimensions[name])) for name, text in written.items()})
    return {name.removeprefix("--"): value for name, value in found.items() if value is not None}


Texts = Mapping[str, tuple[Any, Callable[[Any], Any]]]
"""What options were given, None where not, and what reads it."""


def read_texts(given: Texts) -> dict[str, Any]:
    """What the readers of options make of their texts, None where there is none; or every problem with them."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for option, (text, read) in given.items():
        try:
            values[option] = None if text is None else read(text)
        except InputError as error:
            problems += [Problem(f"{option} {problem.where}".strip(), problem.what) for problem in error.problems]
    if problems:
        raise InputError(problems)
    return values


def read_options(noun: type[N], given: Mapping[str, Any], source: str = "") -> N:
    """The noun that options describe; problems with its fields name the options."""
    from percolyte.nouns import read_noun

    try:
        return read_noun(noun, given, source=source)
    except InputError as error:
        problems = [
            Problem(f"--{one.where.rpartition('.')[2].replace('_', '-')}" if one.where else "", one.what)
            for one in error.problems
        ]
        raise InputError(problems, source=source) from None


def write_figure(drawn: Drawn, path: Path) -> None:
    from percolyte.report.figures import save

    save(drawn, path)
    note(f"written: {path}")


def print_result(data: Any, text: str, *, as_json: bool) -> None:
    """What a command found, for programs or for people."""
    if as_json:
        print_json(data)
    else:
        typer.echo(text)


def print_json(data: Any) -> None:
    """The one JSON object of a command, on stdout."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def note(message: str) -> None:
    """A message beside the result, on stderr."""
    typer.echo(message, err=True)
