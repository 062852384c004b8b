"""The command line: thin, it calls the nouns and verbs and prints what they say.

Exit status: 0 done; 1 a run that failed for a reason named in `outcome`;
2 bad input, with every problem named. With `--json` stdout holds exactly one
JSON object, and messages go to stderr.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import typer

from percolyte.commands import (
    cell,
    conduction,
    impedance,
    impedance_batch,
    impedance_fit,
    materials,
    microstructure,
    packing,
    polarisation,
    pouch,
    thick,
    tools,
)
from percolyte.commands.shared import note, print_json
from percolyte.errors import InputError, PercolyteError, RunError

app = typer.Typer(
    help="Design all-solid-state lithium batteries from powder to pouch cell.",
    no_args_is_help=True,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _top(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        from percolyte import __version__

        typer.echo(f"percolyte {__version__}")
        raise typer.Exit


for commands in (pouch.app, cell.app, thick.app, packing.app, microstructure.app, conduction.app, tools.app):
    app.add_typer(commands)
app.add_typer(materials.app, name="materials")
impedance.app.add_typer(impedance_fit.app)
impedance.app.add_typer(impedance_batch.app)
impedance.app.add_typer(polarisation.app)
app.add_typer(impedance.app, name="eis")


def _problems(error: PercolyteError) -> list[dict[str, str]]:
    found = error.problems if isinstance(error, InputError) else ()
    return [{"where": problem.where, "what": problem.what} for problem in found]


class _Notes(logging.Handler):
    """What the library logs, as notes beside the result."""

    def emit(self, record: logging.LogRecord) -> None:
        note(record.getMessage())


def _say_progress() -> None:
    logger = logging.getLogger("percolyte")
    logger.setLevel(logging.INFO)
    logger.handlers = [_Notes()]


def main() -> None:
    """The entry point: errors become one message and an exit status."""
    _say_progress()
    try:
        app()
    except RunError as error:
        if "--json" in sys.argv:
            print_json({"outcome": error.outcome, "message": str(error)})
        note(str(error))
        sys.exit(1)
    except PercolyteError as error:
        if "--json" in sys.argv:
            print_json({"outcome": "bad input", "problems": _problems(error)})
        note(str(error))
        sys.exit(2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        told = f"{where}{error.strerror or error}; choose another file or folder"
        if "--json" in sys.argv:
            print_json({"outcome": "bad input", "problems": [{"where": str(error.filename or ""), "what": told}]})
        note(told)
        sys.exit(2)
    except MemoryError:
        told = "the memory does not suffice; read a part of the volume (--crop), or larger voxels (--coarsen 2, voxel = ...)"
        if "--json" in sys.argv:
            print_json({"outcome": "bad input", "problems": [{"where": "", "what": told}]})
        note(told)
        sys.exit(2)
    except KeyboardInterrupt:
        note("interrupted")
        sys.exit(130)
