"""Which quantity stands under a heading, in which unit and with which sign.

`Re(Z)/Ohm`, `Zre (ohms)`, `Z' [kohm]`, `Real Impedance / ohm`, `Zreal` with a
line of units below it: a heading is a name and a unit, divided in one of a few
ways. A heading whose name is known and whose unit is not is a problem to name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Quantity = Literal["frequency", "real", "imaginary", "modulus", "phase", "cycle", "time", "voltage", "current"]
MOST = 1000
"""Headings of the widest table."""

# Names in lower case without blanks and underscores, the one that is preferred first
_NAMES: dict[Quantity, tuple[str, ...]] = {
    "frequency": ("freq", "frequency", "f", "fre"),
    "real": ("re(z)", "z'", "zre", "zreal", "z'(a)", "realimpedance", "rez", "realz", "re", "real", "realpart", "zr", "resistance"),
    "imaginary": ("im(z)", "z''", "zim", "zimag", "zimg", "z''(b)", "imaginaryimpedance", "imz", "imagz", "im", "imag",
                  "imaginary", "imaginarypart", "imagimpedance", "zi", "reactance"),
    "modulus": ("|z|", "zmod", "modulus", "z", "absz", "abs(z)", "mag(z)", "zmag", "impedance", "magnitude", "absoluteimpedance",
                "impedancemagnitude"),
    "phase": ("phase(z)", "zphz", "phase", "phaseangle", "theta", "phi", "arg(z)", "impedancephase", "zphase"),
    "cycle": ("cyclenumber", "cyclecount", "cycle", "sweep", "scan"),
    "time": ("time", "testtime", "elapsedtime", "t", "timesec"),
    "voltage": ("<ewe>", "ewe", "ecell", "voltage", "e", "vf", "potential", "v", "u", "vdc", "edc"),
    "current": ("<i>", "i", "current", "im", "idc"),
}  # fmt: skip
_MINUS = ("-", "neg", "minus", "negative")
_OHMS = {
    "ohm": 1.0,
    "ohms": 1.0,
    "OHM": 1.0,
    "kohm": 1e3,
    "kohms": 1e3,
    "Mohm": 1e6,
    "mohm": 1e-3,
    "uohm": 1e-6,
    "Gohm": 1e9,
}
_AREAS = {"cm2": 1e-4, "m2": 1.0, "mm2": 1e-6}
_UNITS: dict[Quantity, dict[str, float]] = {
    "frequency": {"Hz": 1.0, "hz": 1.0, "HZ": 1.0, "kHz": 1e3, "khz": 1e3, "MHz": 1e6, "mHz": 1e-3, "s-1": 1.0, "1/s": 1.0,
                  "rad/s": 0.5 / math.pi, "rads-1": 0.5 / math.pi},
    "real": _OHMS, "imaginary": _OHMS, "modulus": _OHMS,
    "phase": {"deg": 1.0, "degree": 1.0, "degrees": 1.0, "°": 1.0, "rad": 180.0 / math.pi, "mrad": 0.18 / math.pi},
    "cycle": {},
    "time": {"s": 1.0, "sec": 1.0, "seconds": 1.0, "min": 60.0, "h": 3600.0, "ms": 1e-3},
    "voltage": {"V": 1.0, "mV": 1e-3, "Vvs.Ref.": 1.0, "volt": 1.0, "volts": 1.0},
    "current": {"A": 1.0, "mA": 1e-3, "uA": 1e-6, "nA": 1e-9, "amp": 1.0},
}  # fmt: skip
RUN: Mapping[Quantity, str] = {"time": "s", "voltage": "V", "current": "A"}
"""What a run of direct current is made of, and a unit of each."""
_NEEDS_A_UNIT = RUN.keys()
"""Short names (`t`, `E`, `I`) that mean nothing without one."""
_SPELT = str.maketrans({
    "Ω": "ohm", "\u2126": "ohm", "µ": "u", "μ": "u", "−": "-", "–": "-", "′": "'", "’": "'", "″": "''", "”": "''", '"': "''",
    "²": "2", "º": "°", "φ": "phi", "ϕ": "phi", "θ": "theta", "\N{REPLACEMENT CHARACTER}": "°",
})  # fmt: skip
_BRACKETS = re.compile(r"(.*[^\s(\[])\s*[(\[]([^()\[\]]*)[)\]]")


@dataclass(frozen=True)
class Meaning:
    """What stands under a heading; values times `factor` are Hz, ohm, degrees, s, V or A."""

    quantity: Quantity
    factor: float = 1.0
    negative: bool = False
    """The column holds minus the quantity."""
    per_area: bool = False
    """The factor leads to ohm m2."""
    has_unit: bool = True
    rank: int = 0
    """Place of the name among those of the quantity; the lowest is used."""


@dataclass(frozen=True)
class UnknownUnit:
    """A heading whose name is known and whose unit is not."""

    quantity: Quantity
    unit: str


@lru_cache(maxsize=4096)
def meaning(heading: str) -> Meaning | UnknownUnit | None:
    """The quantity under a heading; None for one that is not used here."""
    unknown: UnknownUnit | None = None
    for name, unit in divisions(heading.strip().strip("#").translate(_SPELT).strip()):
        for quantity, negative, rank in _named(name):
            found = _measured(quantity, unit, negative, rank)
            if isinstance(found, Meaning):
                return found
            unknown = unknown or found
    return unknown


def divisions(heading: str) -> Iterator[tuple[str, str]]:
    """The ways to divide a heading into name and unit."""
    if len(heading) > 80:
        return
    for sign in ("/", ",", " in ", ":"):
        name, found, unit = heading.partition(sign)
        if found:
            yield name, unit
    if match := _BRACKETS.fullmatch(heading):
        yield match[1], match[2]
    yield heading, ""
    for sign in (" ", "_", "."):
        name, found, unit = heading.rpartition(sign)
        if found:
            yield name, unit


def _named(name: str) -> Iterator[tuple[Quantity, bool, int]]:
    """Quantities of that name, whether with a minus, and the place of the name among theirs."""
    plain = re.sub(r"[\s_]", "", name).lower()
    for quantity, names in _NAMES.items():
        for minus in ("", *_MINUS):
            rest = plain.removeprefix(minus)
            if (rest != plain or not minus) and rest in names:
                yield quantity, bool(minus), names.index(rest)


def _measured(quantity: Quantity, unit: str, negative: bool, rank: int) -> Meaning | UnknownUnit | None:
    plain = re.sub(r"[\s*·.^]", "", unit) if quantity != "voltage" else unit.replace(" ", "")
    if not plain:
        if quantity in _NEEDS_A_UNIT:
            return None
        return Meaning(quantity, negative=negative, has_unit=quantity == "cycle", rank=rank)
    for spelt in (plain, plain.replace("Ohm", "ohm")):
        if spelt in _UNITS[quantity]:
            return Meaning(quantity, _UNITS[quantity][spelt], negative, rank=rank)
        for ending, area in _AREAS.items():
            inner = spelt.removesuffix(ending)
            if inner != spelt and _UNITS[quantity] is _OHMS and inner in _OHMS:
                return Meaning(quantity, _OHMS[inner] * area, negative, True, rank=rank)
    return UnknownUnit(quantity, unit.strip()) if quantity not in _NEEDS_A_UNIT else None


@dataclass(frozen=True)
class Located:
    """Where the quantities of a table stand: heading and meaning of each."""

    columns: dict[Quantity, tuple[str, Meaning]]
    unknown: dict[str, UnknownUnit]

    @property
    def is_spectrum(self) -> bool:
        found = self.columns.keys()
        return "frequency" in found and ({"real", "imaginary"} <= found or {"modulus", "phase"} <= found)

    @property
    def is_polarisation(self) -> bool:
        return {"time", "voltage", "current"} <= self.columns.keys()


def locate(headings: Sequence[str]) -> Located:
    """The quantities among the headings; of several columns of one quantity, the one of the preferred name."""
    columns: dict[Quantity, tuple[str, Meaning]] = {}
    unknown: dict[str, UnknownUnit] = {}
    for heading in headings[:MOST]:
        found = meaning(heading)
        if isinstance(found, UnknownUnit):
            unknown[heading] = found
        elif found is not None:
            known = columns.get(found.quantity)
            if known is None or found.rank < known[1].rank:
                columns[found.quantity] = (heading, found)
    return Located(columns, unknown)


def of_a_run(headings: Sequence[str]) -> dict[Quantity, tuple[str, bool]]:
    """Headings that name time, voltage and current, each with whether its unit is known."""
    found = {name: (heading, True) for name, (heading, _) in locate(headings).columns.items() if name in RUN}
    for heading in headings[:MOST]:
        for name, _ in divisions(heading.strip().translate(_SPELT)):
            for quantity, _, _ in _named(name):
                if quantity in RUN:
                    found.setdefault(quantity, (heading, False))
    return found


def with_units(headings: Sequence[str], below: Sequence[str]) -> list[str] | None:
    """Headings with the units of the line below them, or None where that is no line of units."""
    joined = [f"{heading.strip()} ({unit.strip()})" if unit.strip() else heading for heading, unit in zip(headings, below, strict=False)]  # fmt: skip
    joined += headings[len(joined) :]
    both, alone = locate(joined), locate(headings)
    known = [meaning for _, meaning in both.columns.values() if meaning.has_unit and meaning.quantity != "cycle"]
    if not known or len(both.columns) < len(alone.columns):
        return None
    return joined
