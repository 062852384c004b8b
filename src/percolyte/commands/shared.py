"""What every command needs: its arguments, and where its output goes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from percolyte.evaluation import Evaluation

DesignFile = Annotated[
    str, typer.Argument(metavar="DESIGN", help="Design file (TOML), or the name of a shipped example.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


def evaluated(design: str, rates: Sequence[float] = ()) -> Evaluation:
    """The evaluation of a design file or a shipped design."""
    from percolyte.design import read_design
    from percolyte.evaluation import evaluate
    from percolyte.examples import find_design

    return evaluate(read_design(find_design(design)), rates=rates)


def print_json(data: Any) -> None:
    """The one JSON object of a command, on stdout."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def note(message: str) -> None:
    """A message beside the result, on stderr."""
    typer.echo(message, err=True)
