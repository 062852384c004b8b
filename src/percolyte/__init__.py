"""percolyte: design all-solid-state lithium batteries from powder to pouch cell."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from percolyte.design import Design, read_design, write_design
    from percolyte.electrode import build_electrode
    from percolyte.errors import InputError, PercolyteError, RunError
    from percolyte.evaluation import Evaluation, evaluate
    from percolyte.explore.solve import solve_for
    from percolyte.explore.vary import evaluate_many
    from percolyte.literature import check_literature
    from percolyte.materials.library import material, search
    from percolyte.nouns import replace
    from percolyte.report.html import write_report
    from percolyte.resolution import resolve
    from percolyte.transport.voxels import conduct

_HOMES = {
    "Design": "design",
    "Evaluation": "evaluation",
    "InputError": "errors",
    "PercolyteError": "errors",
    "RunError": "errors",
    "build_electrode": "electrode",
    "check_literature": "literature",
    "conduct": "transport.voxels",
    "evaluate": "evaluation",
    "evaluate_many": "explore.vary",
    "material": "materials.library",
    "read_design": "design",
    "replace": "nouns",
    "resolve": "resolution",
    "search": "materials.library",
    "solve_for": "explore.solve",
    "write_design": "design",
    "write_report": "report.html",
}

__all__ = [
    "Design",
    "Evaluation",
    "InputError",
    "PercolyteError",
    "RunError",
    "__version__",
    "build_electrode",
    "check_literature",
    "conduct",
    "evaluate",
    "evaluate_many",
    "material",
    "read_design",
    "replace",
    "resolve",
    "search",
    "solve_for",
    "write_design",
    "write_report",
]


def __getattr__(name: str) -> Any:
    """Load a public name's module on first use, so that importing percolyte is quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'percolyte' has no attribute {name!r}")
    value = getattr(import_module(f"percolyte.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
