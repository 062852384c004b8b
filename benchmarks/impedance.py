"""How fast impedance spectra are fitted, and how well: beside lmfit and pyimpspec, and against what theory allows.

One run measures everything in rounds that visit every contender once, in an
order that rotates. CPU and wall seconds, single thread. See README.md beside this file.
"""

from __future__ import annotations

import os

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
)

import argparse
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import numpy as np
from energy import Contender, asked, processor, repeat, shown, verdict
from rival import RIVAL_PYTHON, Rival

import percolyte
from percolyte.impedance.estimates import Fit
from percolyte.impedance.fit import Measured, fit, fit_all, fit_jointly
from percolyte.impedance.measurement import Complexes, Floats, MeasuredSpectrum
from percolyte.impedance.model import Parameter
from percolyte.impedance.posterior import sample_posterior

NOISE, MANY = 0.005, 1000
FREQUENCY = np.logspace(6, -2, 60)
OMEGA = 2.0 * np.pi * FREQUENCY
TRUTH = (60.0, 12.0, 3e-4, 0.9)
SETS = {
    "60/12": TRUTH,
    "20/20": (20.0, 20.0, 3e-4, 0.9),
    "200/2": (200.0, 2.0, 3e-4, 0.9),
    "5/300": (5.0, 300.0, 3e-4, 0.9),
}
START = (90.0, 20.0, 1e-3, 0.7)
NAMES = ("ionic_resistance", "electronic_resistance", "interface_factor", "interface_exponent")
LARGER = (NAMES[:2],)
ONE_BAR, MANY_BAR, AUTOMATIC_BAR, SAMPLES_BAR = 1.0, 0.2, 200.0, 2.0
"""Time over that of lmfit for one and for a thousand; pyimpspec's automatic fit over one of a thousand; seconds of sampling."""

RIVAL = r"""
import json, sys, time, warnings
from importlib.metadata import version
import lmfit, numpy as np, pyimpspec
warnings.simplefilter("ignore")

frequency = np.logspace(6, -2, 60)
logs = np.log(2 * np.pi * frequency) + 0.5j * np.pi
truth, start = (60.0, 12.0, 3e-4, 0.9), (90.0, 20.0, 1e-3, 0.7)

def line(i, e, q, a):
    r = i + e
    x = np.sqrt(r * q * np.exp(a * logs))
    decay = np.exp(-x)
    square = decay * decay
    return (i * e + ((i * i + e * e) * (1 + square) + 4 * i * e * decay) / ((1 - square) * x)) / r

rng = np.random.default_rng(0)
clean = line(*truth)
measured = [clean * (1 + 0.005 * (rng.standard_normal(60) + 1j * rng.standard_normal(60))) for _ in range(100)]
best = [None] * 100

def residuals(p, z, weight):
    return ((line(p["i"].value, p["e"].value, p["q"].value, p["a"].value) - z) * weight).view(float)

def with_lmfit(z):
    p = lmfit.Parameters()
    for name, value in zip("ieq", start):
        p.add(name, value=value, min=0.0)
    p.add("a", value=start[3], min=0.0, max=1.0)
    found = lmfit.minimize(residuals, p, args=(z, 1 / np.abs(z)))
    return found.chisqr, found.nfev

def with_pyimpspec(z, method, weight):
    circuit = pyimpspec.parse_cdc("[Tlm{X_1=[R{R=90}],X_2=[R{R=20}],Zeta=[Q{Y=1e-3,n=0.7}]}]")
    found = pyimpspec.fit_circuit(circuit, pyimpspec.DataSet(frequency, z), method=method, weight=weight, num_procs=1)
    z_fit = found.circuit.get_impedances(frequency)
    return float((np.abs((z_fit - z) / z) ** 2).sum()), 0

JOBS = {
    "lmfit": lambda k: with_lmfit(measured[k]),
    "lmfit 100": lambda k: [with_lmfit(z) for z in measured][-1],
    "leastsq": lambda k: with_pyimpspec(measured[k], "leastsq", "modulus"),
    "auto": lambda k: with_pyimpspec(measured[k], "auto", "auto"),
}
print(json.dumps({name: version(name) for name in ("lmfit", "pyimpspec", "numpy", "scipy")}), flush=True)
count = 0
for job in sys.stdin:
    count += 1
    cpu, wall = time.process_time(), time.perf_counter()
    try:
        outcome = JOBS[job.strip()](count % 100)
    except Exception as error:
        outcome = repr(error), 0
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(job.strip(), outcome, file=sys.stderr)
    print(json.dumps([cpu, wall]), flush=True)
"""


@dataclass(frozen=True)
class Line:
    """Two rails with a constant phase element between them; contacts as in (a), (b) or (c) of the documentation."""

    case: str

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        units = ("ohm", "ohm", "F s^(a-1)")
        free = tuple(Parameter(name, unit) for name, unit in zip(NAMES, units, strict=False))
        return (*free, Parameter(NAMES[3], "", 0.0, 1.0))

    def evaluate(self, values: Floats, omega: Floats) -> tuple[Complexes, Complexes]:
        i, e, q, a = (values[..., k, None] for k in range(4))
        logs = np.log(omega) + 0.5j * np.pi
        r = i + e
        x = np.sqrt(r * q * np.exp(a * logs))
        if self.case == "b":
            i, e = e, i
        z, d_i, d_e, dx = (_between_contacts if self.case == "c" else _between_equal_contacts)(i, e, r, x)
        if self.case == "b":
            d_i, d_e = d_e, d_i
        slopes = np.empty((*x.shape, 4), complex)
        turned = dx * x
        through = turned / (2.0 * r)
        slopes[..., 0], slopes[..., 1] = d_i + through, d_e + through
        slopes[..., 2], slopes[..., 3] = turned / (2.0 * q), 0.5 * turned * logs
        return z, slopes


def _between_contacts(i: Floats, e: Floats, r: Floats, x: Complexes) -> tuple[Complexes, ...]:
    decay = np.exp(-x)
    square = decay * decay
    coth, csch = (1.0 + square) / (1.0 - square), 2.0 * decay / (1.0 - square)
    even, odd = i * i + e * e, 2.0 * i * e
    part = (even * coth + odd * csch) / x
    dx = -(part + csch * (even * csch + odd * coth)) / (x * r)
    own = part / r**2
    d_i = (e / r) ** 2 - own + 2.0 * (i * coth + e * csch) / (x * r)
    d_e = (i / r) ** 2 - own + 2.0 * (e * coth + i * csch) / (x * r)
    return (i * e + part) / r, d_i, d_e, dx


def _between_equal_contacts(i: Floats, e: Floats, r: Floats, x: Complexes) -> tuple[Complexes, ...]:
    decay = np.exp(-x)
    tanh = (1.0 - decay) / (1.0 + decay)
    ratio = 2.0 * tanh / x
    dx = e * e / r * ((1.0 - tanh**2) - ratio) / x
    d_e = (i / r) ** 2 + (2.0 * e / r - (e / r) ** 2) * ratio
    return i * e / r + e * e / r * ratio, (e / r) ** 2 * (1.0 - ratio), d_e, dx


def spectra(case: str, truth: Sequence[float], number: int, seed: int = 0) -> list[MeasuredSpectrum]:
    rng = np.random.default_rng(seed)
    clean = Line(case).evaluate(np.array(truth), OMEGA)[0]
    wrong = rng.standard_normal((number, 60)) + 1j * rng.standard_normal((number, 60))
    return [MeasuredSpectrum(FREQUENCY, clean * (1.0 + NOISE * row)) for row in wrong]


def starts(truth: Sequence[float], number: int) -> list[dict[str, float]]:
    """Off by a lognormal factor of sigma 1; exponents from 0.5 to 1."""
    rng = np.random.default_rng(1)
    values = np.array(truth) * np.exp(rng.standard_normal((number, 4)))
    values[:, 3] = rng.uniform(0.5, 1.0, number)
    return [dict(zip(NAMES, row.tolist(), strict=True)) for row in values]


def least_errors(case: str, truth: Sequence[float]) -> Floats:
    z, slopes = Line(case).evaluate(np.array(truth), OMEGA)
    rows = slopes * np.array([*truth[:3], 1.0]) / np.abs(z)[:, None]
    errors: Floats = NOISE * np.sqrt(np.diag(np.linalg.inv((rows.conj().T @ rows).real)))
    return errors


def deviations(found: Sequence[Fit], truth: Sequence[float]) -> Floats:
    values = np.array([one.optimum for one in found])
    return np.concatenate([np.log(values[:, :3] / truth[:3]), values[:, 3:] - truth[3]], axis=1)


def recovered(case: str, name: str, number: int) -> bool:
    """Spread, bias, convergence and coverage of one well-posed set."""
    truth, model = SETS[name], Line(case)
    larger = (LARGER if truth[0] > truth[1] else (LARGER[0][::-1],)) if case == "c" else ()
    measured = spectra(case, truth, number, seed=10 * list(SETS).index(name) + "abc".index(case))
    found = fit_all(measured, model, start=starts(truth, number), larger=larger)
    drawn = fit_all(measured, model, larger=larger)
    best = [max(one.log_likelihood, other.log_likelihood) - 1e-3 for one, other in zip(found, drawn, strict=True)]
    reached, as_good = (
        [one.outcome == "done" and one.log_likelihood > least for one, least in zip(fits, best, strict=True)]
        for fits in (found, drawn)
    )
    off = deviations(found, truth)
    spread = off.std(axis=0)
    loss, bias = (spread / least_errors(case, truth)).max(), (np.abs(off.mean(axis=0)) / spread).max()
    held = [
        np.mean([one[key].low <= true <= one[key].high for one in found])
        for key, true in zip(NAMES, truth, strict=True)
    ]
    met = loss <= 1.1 and bias <= 0.1 and np.mean(reached) >= 0.999 and np.mean(as_good) >= 0.99
    met = met and min(held) >= 0.93 and max(held) <= 0.97
    shares = " ".join(f"{100 * share:.1f}" for share in held)
    print(
        f"| ({case}) {name} | {loss:.2f} | {bias:.2f} | {100 * np.mean(reached):.1f} % | {100 * np.mean(as_good):.1f} % | "
        f"{shares} % | {100 * spread[0]:.2f} %, {100 * spread[1]:.2f} % | {'met' if met else 'MISSED'} |"
    )
    return bool(met)


def joint(name: str, number: int) -> bool:
    truth, off = SETS[name], []
    pairs = zip(spectra("a", truth, number, 5), spectra("b", truth, number, 6), strict=True)
    for blocked, opened in pairs:
        found = fit_jointly([Measured(blocked, Line("a")), Measured(opened, Line("b"))])
        off.append(np.log(found.optimum[:2] / truth[:2]))
    spread = np.std(off, axis=0)
    return verdict(f"(a) and (b) jointly, {name}: both rails 0.15 %", spread.max() <= 0.0015,
                   f"{100 * spread[0]:.3f} % and {100 * spread[1]:.3f} %")  # fmt: skip


def contenders(rival: Rival | None) -> list[Contender]:
    model, many = Line("c"), spectra("c", TRUTH, MANY)
    start = dict(zip(NAMES, START, strict=True))
    known = fit(many[0], model, start=start, larger=LARGER)
    found = [
        Contender("one fit, start given", repeat(partial(fit, many[0], model, start=start, larger=LARGER), 10)),
        Contender("one fit, no start", repeat(partial(fit, many[0], model, larger=LARGER), 3)),
        Contender("1,000 spectra, start given", repeat(partial(fit_all, many, model, start=start, larger=LARGER), 1)),
        Contender("1,000 spectra, no start", repeat(partial(fit_all, many, model, larger=LARGER), 1)),
        Contender("samples of the posterior, 64 walkers, 1,000 steps", repeat(partial(sample_posterior, known), 1)),
    ]
    theirs = {"lmfit, one fit": "lmfit", "lmfit, 100 spectra": "lmfit 100", "pyimpspec, leastsq, modulus": "leastsq",
              "pyimpspec, auto": "auto"}  # fmt: skip
    return found + ([Contender(name, asked(rival, job)) for name, job in theirs.items()] if rival else [])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--replicates", type=int, default=4000)
    options = parser.parse_args()
    rival = Rival(RIVAL) if RIVAL_PYTHON else None
    print(f"{date.today()}, {options.rounds} rounds. percolyte {percolyte.__version__}, Python {platform.python_version()}, "
          f"NumPy {np.__version__}; {processor()}")  # fmt: skip
    timed = contenders(rival)
    if rival is not None:
        print(f"rivals: {rival.about}")
    for contender in timed:
        contender.measure()
    for turn in range(options.rounds):
        first = turn * len(timed) // options.rounds
        for contender in timed[first:] + timed[:first]:
            contender.samples.append(contender.measure())
    print("\n| what | CPU, minimum | CPU, median | wall, minimum | wall, median |\n| --- | --- | --- | --- | --- |")
    for contender in timed:
        print(contender.row)
    print("\n| set | spread over bound | bias over spread | converged, poor starts | no start | intervals hold | spread of R_i, R_e | bar |\n"
          "| --- | --- | --- | --- | --- | --- | --- | --- |")  # fmt: skip
    well_posed = [("a", "60/12"), ("b", "60/12"), ("c", "60/12"), ("a", "20/20"), ("b", "20/20"), ("b", "200/2"),
                  ("c", "200/2"), ("a", "5/300"), ("c", "5/300")]  # fmt: skip
    met = [recovered(case, name, options.replicates) for case, name in well_posed]
    print()
    met += [joint(name, options.replicates // 20) for name in SETS]
    return 0 if all([*met, *judge({contender.name: contender for contender in timed})]) else 1


def judge(timed: dict[str, Contender]) -> list[bool]:
    one, many = timed["one fit, start given"].cpu, timed["1,000 spectra, start given"].cpu
    samples = timed["samples of the posterior, 64 walkers, 1,000 steps"].cpu
    met = [verdict("sampling takes 2 s", samples <= SAMPLES_BAR, shown(samples))]
    if "lmfit, one fit" in timed:
        hundred = timed["lmfit, 100 spectra"].cpu
        other = min(timed["lmfit, one fit"].cpu, hundred / 100)
        automatic = timed["pyimpspec, auto"].cpu
        met += [
            verdict("one fit over lmfit's: 1.0", one <= ONE_BAR * other, f"{one / other:.2f}"),
            verdict("1,000 spectra over lmfit's: 0.2", many <= MANY_BAR * 10 * hundred, f"{many / (10 * hundred):.2f}"),
            verdict("pyimpspec's automatic fit takes longer: 200 times", automatic >= AUTOMATIC_BAR * many / MANY,
                    f"{automatic / (many / MANY):.0f} times"),
        ]  # fmt: skip
    return met


if __name__ == "__main__":
    sys.exit(main())
