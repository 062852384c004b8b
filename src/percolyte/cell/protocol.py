"""What is done to a cell: steps of current, voltage, power, resistance and rest.

A protocol is written as lines of text, such as

    discharge at 1C until 2.5 V
    rest for 30 min
    charge at 0.5C until 4.2 V
    hold at 4.2 V until 0.05C
    follow drive.csv
    repeat 3 times

or as a list of `Step` in Python.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

from percolyte import units
from percolyte.errors import InputError, Problem, UnitError, suggestion
from percolyte.files import inside, read_pairs
from percolyte.units import Dimension

TIME = Dimension("time", "h", "30 min", low=0.0, high=3.6e8, positive=True)
POWER = Dimension("power per area", "mW/cm2", "10 mW/cm2", low=0.0, high=1e9, positive=True)
Mode = Literal["current", "voltage", "power", "resistance", "profile"]


@dataclass(frozen=True)
class Current:
    """A current density in A/m2, or a C-rate in 1/h; positive discharges."""

    value: float
    c_rate: bool = False

    def density(self, one_c: float) -> float:
        """A/m2 for a cell of this 1C."""
        return self.value * one_c if self.c_rate else self.value


@dataclass(frozen=True)
class Step:
    """One step: what is held, and what ends it. Limits left out do not end it."""

    mode: Mode
    current: Current = Current(0.0)
    """Held in mode 'current'."""
    goal: float = 0.0
    """Volts, W/m2 (positive discharges) or ohm m2, by the mode."""
    until_voltage: float | None = None
    until_current: Current | None = None
    """Magnitude at which a held voltage has tapered off."""
    duration: float | None = None
    until_charge: float | None = None
    """Magnitude of the charge passed, C/m2."""
    profile: tuple[tuple[float, float], ...] = ()
    """Time in s and current in A/m2, in mode 'profile'."""
    words: str = ""
    """The line that it was written as."""


def discharge(c_rate: float, until: float | None = None) -> Step:
    """Constant current out of the cell."""
    end = "" if until is None else f" until {until:g} V"
    return Step("current", Current(c_rate, c_rate=True), until_voltage=until, words=f"discharge at {c_rate:g}C{end}")


_WORDS = ("discharge", "charge", "rest", "hold", "follow", "repeat")
_END = re.compile(r"\b(until|for|or)\b")


def parse_protocol(text: str, folder: Path = Path()) -> list[Step]:
    """Lines of text -> steps; files that they name lie in `folder`.

    Errors: InputError that names every line that cannot be read.
    """
    steps: list[Step] = []
    problems = []
    for number, line in enumerate(text.replace(";", "\n").splitlines(), start=1):
        words = line.split("#")[0].strip()
        if not words:
            continue
        try:
            if words.startswith("repeat"):
                steps = steps * _count(words)
            else:
                steps.append(replace(parse_step(words, folder), words=words))
        except (InputError, UnitError) as error:
            problems.append(Problem(f"line {number}", f"{words!r}: {error}"))
    if not steps and not problems:
        problems.append(Problem("", "the protocol is empty; write for example 'discharge at 1C until 2.5 V'"))
    if len(steps) > 100_000:
        problems.append(Problem("", f"{len(steps)} steps are more than a run can hold; repeat less often"))
    if problems:
        raise InputError(problems)
    return steps


def _count(words: str) -> int:
    match = re.fullmatch(r"repeat (\d{1,6}) times", words)
    if match is None or int(match[1]) < 1:
        raise InputError("write 'repeat 3 times'")
    return int(match[1])


def parse_step(words: str, folder: Path = Path()) -> Step:
    """One line, such as 'discharge at 1C until 2.5 V or for 30 min'."""
    verb, *_ = words.split()
    if verb not in _WORDS:
        raise InputError(f"{verb!r} is no step{suggestion(verb, _WORDS) or '; steps are ' + ', '.join(_WORDS)}")
    if verb == "follow":
        return Step("profile", profile=read_profile(inside(folder, words.removeprefix("follow").strip())))
    head, *ends = _END.split(words)
    if verb == "rest":
        step = Step("current")
    elif verb == "hold":
        step = Step("voltage", goal=units.parse(_after(head, "hold at"), units.VOLTAGE))
    else:
        step = _driven(head, verb)
    for kind, limit in zip(ends[::2], ends[1::2], strict=False):
        step = _limited(step, kind, limit.strip(), ends)
    if step.mode == "voltage" and step.until_current is None and step.duration is None:
        raise InputError("says no end; add 'until 0.05C' or 'for 1 h'")
    if verb == "rest" and step.duration is None:
        raise InputError("says no end; add 'for 30 min'")
    return step


def read_profile(path: Path) -> tuple[tuple[float, float], ...]:
    """Two columns, seconds and mA/cm2 (positive discharges), as times in s and A/m2.

    Errors: InputError for no rows, times that do not rise, or text among the numbers.
    """
    rows = [(time, 10.0 * current) for time, current in read_pairs(path, "s and mA/cm2")]
    if len(rows) < 2:
        raise InputError("the profile is empty; write two columns, time in s and current in mA/cm2", source=str(path))
    if any(b[0] <= a[0] for a, b in pairwise(rows)) or not all(math.isfinite(a) and math.isfinite(b) for a, b in rows):
        raise InputError(
            "the times of a profile rise from row to row, and all its numbers are finite", source=str(path)
        )
    start = rows[0][0]
    return tuple((time - start, current) for time, current in rows)


def _after(head: str, start: str) -> str:
    if not head.startswith(start + " "):
        raise InputError(f"write '{start} ...'")
    return head[len(start) + 1 :].strip()


def _driven(head: str, verb: str) -> Step:
    """A step of current, power or resistance, in the direction of its verb."""
    sign = -1.0 if verb == "charge" else 1.0
    amount = _after(head, f"{verb} at")
    if (rate := c_rate_of(amount)) is not None:
        return Step("current", Current(sign * rate, c_rate=True))
    for mode, dimension in (("power", POWER), ("resistance", units.AREA_RESISTANCE)):
        try:
            return Step(mode, goal=(sign if mode == "power" else 1.0) * units.parse(amount, dimension))  # type: ignore[arg-type]
        except UnitError:
            continue
    return Step("current", Current(sign * units.parse(amount, units.CURRENT_DENSITY)))


def c_rate_of(text: str) -> float | None:
    """'0.5C' and 'C/10' as a rate in 1/h; None for anything else."""
    match = re.fullmatch(r"(\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)?\s*C(?:\s*/\s*(\d+\.?\d*))?", text.strip())
    if match is None or (match[1] is None and match[2] is None and text.strip() != "C"):
        return None
    divisor = float(match[2]) if match[2] else 1.0
    rate = float(match[1] or 1.0) / divisor if divisor else 0.0
    if not 1e-6 <= rate <= 1e4:
        raise InputError(f"{text!r} is no rate between 1e-6 C and 1e4 C")
    return rate


def _limited(step: Step, kind: str, limit: str, ends: list[str]) -> Step:
    """One 'until ...' or 'for ...'; 'or' repeats the kind that its value is of."""
    words = limit.removeprefix("for ").removeprefix("until ").strip()
    if not words:
        return step
    if (rate := c_rate_of(words)) is not None:
        return replace(step, until_current=Current(rate, c_rate=True))
    found = {}
    for name, dimension in (
        ("duration", TIME),
        ("until_voltage", units.VOLTAGE),
        ("until_charge", units.AREAL_CAPACITY),
    ):
        try:
            found[name] = units.parse(words, dimension)
        except UnitError:
            continue
    if found:
        return replace(step, **found)  # type: ignore[arg-type]
    return replace(step, until_current=Current(units.parse(words, units.CURRENT_DENSITY)))
