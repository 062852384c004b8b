"""Kramers-Kronig tests and relaxation times, timed beside impedance.py and pyimpspec.

    RIVAL_PYTHON=... DRT_PYTHON=... .venv/bin/python benchmarks/relaxation.py --rounds 7

CPU seconds of one thread; contenders take turns, each process warm. Without an interpreter its rows are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable

import numpy as np
from rival import RIVAL_PYTHON, Rival

from percolyte.impedance.drt import relaxation_times
from percolyte.impedance.measurement import MeasuredSpectrum
from percolyte.impedance.validity import check_spectrum

BLOCKING = "relaxation_times, estimate, blocking"
BARS = {
    "check_spectrum": 20e-3,
    "relaxation_times, estimate": 30e-3,
    BLOCKING: 30e-3,
    "relaxation_times, with bands": 2.0,
}

LIN_KK = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy, impedance
from impedance.validation import linKK
print(json.dumps(f"impedance.py {impedance.__version__}, NumPy {numpy.__version__}"), flush=True)
out, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    f, re, im = (numpy.array(one) for one in json.loads(line)[1:])
    start = time.process_time()
    linKK(f, re + 1j * im, c=0.85, max_M=50, fit_type="complex", add_cap=True)
    print(json.dumps(time.process_time() - start), file=out, flush=True)
"""
PYIMPSPEC = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy, pyimpspec
from importlib.metadata import version
from pyimpspec import DataSet, calculate_drt, perform_kramers_kronig_test
print(json.dumps(f"pyimpspec {version('pyimpspec')}, NumPy {numpy.__version__}"), flush=True)
out, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    job, f, re, im = json.loads(line)
    data = DataSet(numpy.array(f), numpy.array(re) + 1j * numpy.array(im))
    start = time.process_time()
    if job == "kk":
        perform_kramers_kronig_test(data, num_procs=1)
    else:
        calculate_drt(data, method="tr-nnls", num_procs=1)
    print(json.dumps(time.process_time() - start), file=out, flush=True)
"""


def spectrum(*, blocking: bool = False) -> MeasuredSpectrum:
    """60 points from 1 MHz to 10 mHz, two arcs or one before a constant phase element, 0.5 % of noise."""
    frequency = np.geomspace(1e6, 1e-2, 60)
    s = 2j * np.pi * frequency
    if blocking:
        z = 20.0 + 100.0 / (1.0 + (s * 1e-4) ** 0.9) + 1.0 / (1e-3 * s**0.88)
    else:
        z = 20.0 + 100.0 / (1.0 + (s * 1e-4) ** 0.85) + 60.0 / (1.0 + (s * 1e-2) ** 0.9)
    parts = np.random.default_rng(0).standard_normal((2, 60))
    return MeasuredSpectrum(frequency, z + 5e-3 * np.abs(z) * (parts[0] + 1j * parts[1]))


def timed(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    measured, blocked = spectrum(), spectrum(blocking=True)
    numbers = [measured.frequency.tolist(), measured.impedance.real.tolist(), measured.impedance.imag.tolist()]
    contenders: dict[str, Callable[[], float]] = {
        "check_spectrum": lambda: timed(lambda: check_spectrum(measured)),
        "relaxation_times, estimate": lambda: timed(lambda: relaxation_times(measured, bands=False)),
        BLOCKING: lambda: timed(lambda: relaxation_times(blocked, bands=False)),
        "relaxation_times, with bands": lambda: timed(lambda: relaxation_times(measured)),
    }
    if RIVAL_PYTHON:
        lin_kk = Rival(LIN_KK)
        contenders[f"linKK, {lin_kk.about}"] = lambda: lin_kk.ask(json.dumps(["kk", *numbers]))
    if python := os.environ.get("DRT_PYTHON"):
        other = Rival(PYIMPSPEC, python)
        contenders[f"Kramers-Kronig test, {other.about}"] = lambda: other.ask(json.dumps(["kk", *numbers]))
        contenders[f"DRT by tr-nnls, {other.about}"] = lambda: other.ask(json.dumps(["drt", *numbers]))
    for work in contenders.values():
        work()
    names, times = list(contenders), {name: [] for name in contenders}
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            times[name].append(contenders[name]())
    for name, seconds in times.items():
        print(f"| {name} | {1e3 * min(seconds):.3g} ms | {1e3 * statistics.median(seconds):.3g} ms |")
    missed = [name for name, bar in BARS.items() if min(times[name]) > bar]
    raise SystemExit(f"missed: {', '.join(missed)}" if missed else 0)


if __name__ == "__main__":
    main()
