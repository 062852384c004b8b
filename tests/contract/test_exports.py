"""The public surface is a list that changes only on purpose."""

from __future__ import annotations

import subprocess
import sys

import pytest

import percolyte

PUBLIC = [
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


def test_the_public_names_are_exactly_these() -> None:
    assert sorted(percolyte.__all__) == PUBLIC
    assert dir(percolyte) == sorted(percolyte.__all__)


@pytest.mark.parametrize("name", PUBLIC)
def test_each_public_name_imports_and_says_what_it_is(name: str) -> None:
    value = getattr(percolyte, name)
    assert value is not None
    assert name == "__version__" or value.__doc__


def test_a_name_that_is_not_public_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        percolyte.nonsense  # noqa: B018


def test_the_names_stay_themselves_in_a_fresh_interpreter_in_any_order() -> None:
    """`percolyte.evaluate` is the function even after the module of that name is loaded."""
    names = [name for name in PUBLIC if name != "__version__"]
    code = (
        "import percolyte, percolyte.evaluation as module, percolyte.resolution, types\n"
        f"for name in {names + names[::-1]}:\n"
        "    value = getattr(percolyte, name)\n"
        "    assert not isinstance(value, types.ModuleType), name\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
