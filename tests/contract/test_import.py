"""Importing is light, quiet, and changes nothing outside the package."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "scipy",
    "matplotlib",
    "pint",
    "numba",
    "pandas",
    "dask",
    "torch",
    "jinja2",
    "pyarrow",
    "PIL",
    "h5py",
    "zarr",
    "tifffile",
    "skimage",
    "psutil",
)


def fresh(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("name", ["percolyte", "percolyte.cli"])
def test_importing_loads_nothing_heavy(name: str) -> None:
    done = fresh(f"import sys, {name}\nprint(*sys.modules)")
    loaded = {module.split(".")[0] for module in done.stdout.split()}
    assert name.split(".")[0] in loaded
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize("name", ["percolyte", "percolyte.cli", "percolyte.evaluation", "percolyte.design"])
def test_importing_is_quiet(name: str) -> None:
    done = fresh(f"import {name}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", ["percolyte", "percolyte.cli", "percolyte.evaluation"])
def test_importing_changes_no_global_state(name: str) -> None:
    code = f"""
import numpy, logging, warnings, os, sys, locale, signal
def state():
    return (numpy.geterr(), numpy.get_printoptions(), logging.getLogger().handlers[:], logging.getLogger().level,
            warnings.filters[:], dict(os.environ), sys.excepthook, locale.setlocale(locale.LC_ALL), sys.getrecursionlimit(),
            signal.getsignal(signal.SIGINT))
before = state()
import {name}
assert state() == before
"""
    done = fresh(code)
    assert done.returncode == 0, done.stderr


def test_the_figures_leave_matplotlib_as_it_was() -> None:
    code = """
import matplotlib
before = dict(matplotlib.rcParams)
import percolyte.report.figures
assert dict(matplotlib.rcParams) == before
"""
    done = fresh(code)
    assert done.returncode == 0, done.stderr
