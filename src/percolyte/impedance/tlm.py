"""Transmission lines: two rails, ions and electrons, joined by an interface all along.

Rails of R_i and R_e in ohm from end to end, an interface of Z_s in ohm for the whole layer. With R = R_i + R_e,
κ = R_e/R and x² = R/Z_s, the difference η of the potentials of the rails obeys η'' = (x/L)² η. It is the sum of an
odd and an even mode about the middle of the layer, with the resistances

    U = R coth(x/2)/(2x),   V = R tanh(x/2)/(2x).

What remains depends on how the rails are contacted. An end takes the share s of its current from the ions: s = 0
where only electrons pass (steel), s = 1 where only ions pass (an electrolyte layer). Then

    Z = R_i R_e/R + (s_0 - s_L)² U + (s_0 + s_L - 2κ)² V     where both ends block,
    Z = R_i R_e/R + (s - κ)² R tanh(x)/x                      where one does, and the other joins the rails,
    Z = R_i R_e/R                                             where both join them,

and `_general` for any impedance at each of the four ends. The usual forms follow from
coth x = (coth(x/2) + tanh(x/2))/2 and 1/sinh x = (coth(x/2) - tanh(x/2))/2.

Per area as well as per cell: with resistances in ohm m2 the rails are L/σ_eff and Z comes in ohm m2. Holds for a
uniform layer, thin against its width, and a small signal. Limits: ω -> ∞ gives R_i R_e/R in all; ω -> 0 with an
interface that blocks gives R_e between steel and R_i between electrolytes.

Sources: J. Bisquert et al., J. Phys. Chem. B 104 (2000) 2287-2298 (one rail a side); Z. Siroma et al.,
J. Power Sources 316 (2016) 215-223 (electrons at both sides). M. Falco et al., Mol. Syst. Des. Eng. 4 (2019)
850-871, print them as Eqs. 11 and 14 with terms under the root that belong outside the hyperbolic function.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np

from percolyte.errors import InputError
from percolyte.impedance.branch import Branch, Terms
from percolyte.impedance.measurement import Complexes, Floats
from percolyte.impedance.model import Parameter
from percolyte.numerics.hyperbolic import tanh_ratio

Contact: TypeAlias = Branch | Literal["open", "short"]
"""Between the end of a rail and the terminal there."""


@dataclass(frozen=True)
class End:
    """How the two rails are contacted at one end of the layer."""

    ions: Contact
    electrons: Contact

    def __post_init__(self) -> None:
        if self.ions == "open" and self.electrons == "open":
            raise InputError("an end where both rails are open carries no current: contact the ions or the electrons")

    @cached_property
    def branches(self) -> tuple[Branch, ...]:
        """The contacts that have parameters, ions first."""
        return tuple(contact for contact in (self.ions, self.electrons) if isinstance(contact, Branch))


STEEL = End(ions="open", electrons="short")
ELECTROLYTE = End(ions="short", electrons="open")
JOINED = End(ions="short", electrons="short")

CASES = {
    "a": (STEEL, STEEL),
    "b": (ELECTROLYTE, ELECTROLYTE),
    "c": (STEEL, ELECTROLYTE),
    "d": (JOINED, JOINED),
    "e": (JOINED, STEEL),
    "f": (JOINED, ELECTROLYTE),
}
"""The ideal ends by letter: (a) ion-blocking, (b) electron-blocking, (c) an electrode; (d) to (f) with joined rails."""

IONS, ELECTRONS = "ionic_resistance", "electronic_resistance"


@dataclass(frozen=True)
class TransmissionLine(Branch):
    """A layer between two ends; its interface is any branch, with the values of the whole layer."""

    ends: tuple[End, End]
    interface: Branch
    rails: tuple[str, ...] = (IONS, ELECTRONS)
    """Names of the resistances of the rails; without the second, electrons are free, R_e = 0."""

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        own = tuple(Parameter(name, "ohm") for name in self.rails)
        contacts = tuple(parameter for part in self._contacts for parameter in part.parameters)
        return own + self.interface.parameters + contacts

    @cached_property
    def _contacts(self) -> tuple[Branch, ...]:
        return self.ends[0].branches + self.ends[1].branches

    def terms(self, values: Floats, omega: Floats) -> Terms:
        rails = len(self.rails)
        ionic = values[0]
        electronic = values[1] if rails == 2 else np.zeros_like(ionic)
        count = rails + len(self.interface.parameters)
        interface, inner = self.interface.terms(values[rails:count], omega)
        line = _Line.of(ionic, electronic, interface)
        if self._contacts:
            impedance, slopes, outer = _contacted(line, self.ends, values[count:], omega)
        else:
            impedance, slopes, outer = *_ideal(line, self.ends), []
        return impedance, slopes[:rails] + [slopes[2] * slope for slope in inner] + outer


@dataclass(frozen=True)
class _Line:
    """What all cases share."""

    total: Floats
    """R = R_i + R_e"""
    ionic: Floats
    """1 - κ = R_i/R, not taken as a difference: rails may lie many decades apart."""
    electronic: Floats
    """κ = R_e/R"""
    interface: Complexes
    """Z_s"""

    @classmethod
    def of(cls, ionic: Floats, electronic: Floats, interface: Complexes) -> _Line:
        total = ionic + electronic
        return cls(total, ionic / total, electronic / total, interface)

    @property
    def parallel(self) -> Floats:
        """R_i R_e/R"""
        return self.total * self.ionic * self.electronic

    def weight(self, ions: Any, electrons: Any) -> Any:
        """How far a share s of the ions, with 1 - s of the electrons, lies from κ; for a sum of ends likewise."""
        return ions * self.ionic - electrons * self.electronic

    def modes(self) -> tuple[tuple[Complexes, Complexes, Complexes], tuple[Complexes, Complexes, Complexes]]:
        """U and V, each with its derivatives by R and Z_s."""
        quarter = 0.25 * self.total
        v = quarter / self.interface
        ratio, slope = tanh_ratio(v)
        inverse = 1.0 / ratio
        relative = slope * inverse
        odd = self.interface * inverse, -0.25 * relative * inverse / v, (1.0 + relative) * inverse
        even = quarter * ratio, 0.25 * (ratio + slope), -v * slope
        return odd, even

    def slopes(self, by_share: Complexes, by_total: Complexes, by_interface: Complexes) -> list[Complexes]:
        """dZ/dR_i, dZ/dR_e, dZ/dZ_s from the derivatives of Z - R_i R_e/R by κ, R and Z_s."""
        per_total = by_share / self.total
        return [
            self.electronic * self.electronic + by_total - self.electronic * per_total,
            self.ionic * self.ionic + by_total + self.ionic * per_total,
            by_interface,
        ]


def _ideal(line: _Line, ends: tuple[End, End]) -> tuple[Complexes, list[Complexes]]:
    """Z and its derivatives by R_i, R_e and Z_s where every contact is open or short."""
    shares = [float(end.electrons == "open") for end in ends if end.ions != end.electrons]
    weight = line.weight(sum(shares), len(shares) - sum(shares))
    if not shares:
        nothing = np.zeros_like(line.interface)
        return line.parallel + nothing, line.slopes(nothing, nothing, nothing)
    if len(shares) == 1:
        square = line.total / line.interface
        ratio, slope = tanh_ratio(square)
        amount = weight * weight
        by_share = (-2.0 * weight * line.total) * ratio
        return line.parallel + (amount * line.total) * ratio, line.slopes(
            by_share, amount * (ratio + slope), -amount * square * slope
        )
    odd, even = line.modes()
    amount = weight * weight
    impedance, by_total, by_interface = (amount * own for own in even)
    if shares[0] != shares[1]:
        impedance, by_total, by_interface = impedance + odd[0], by_total + odd[1], by_interface + odd[2]
    return line.parallel + impedance, line.slopes(-4.0 * weight * even[0], by_total, by_interface)


@dataclass(frozen=True)
class _Contacts:
    """The contacts of one end in numbers that stay finite whether they are open, short or neither."""

    ions: Complexes | float
    """s = Z_e/(Z_i + Z_e), what the ions carry where the line itself resists nothing."""
    electrons: Complexes | float
    """1 - s"""
    parallel: Complexes | float
    """Z_i Z_e/(Z_i + Z_e)"""
    loop: Complexes | float
    """Z_i + Z_e, or one where that is infinite."""
    closed: float
    """Whether both rails are contacted."""
    slopes: tuple[list[Complexes], list[Complexes]]
    """Of Z_i and Z_e by their own parameters."""

    @classmethod
    def of(cls, end: End, values: Floats, omega: Floats) -> _Contacts:
        inner: list[list[Complexes]] = [[], []]
        found: list[Complexes | float] = [0.0, 0.0]
        first = 0
        for side, contact in enumerate((end.ions, end.electrons)):
            if isinstance(contact, Branch):
                count = len(contact.parameters)
                found[side], inner[side] = contact.terms(values[first : first + count], omega)
                first += count
        ions, electrons = found
        slopes = inner[0], inner[1]
        if "open" in (end.ions, end.electrons):
            passing = float(end.electrons == "open")
            return cls(passing, 1.0 - passing, ions + electrons, 1.0, 0.0, slopes)
        if (end.ions, end.electrons) == ("short", "short"):
            return cls(0.5, 0.5, 0.0, 0.0, 1.0, slopes)
        loop = ions + electrons
        return cls(electrons / loop, ions / loop, ions * electrons / loop, loop, 1.0, slopes)


def _general(
    line: _Line, one: _Contacts, other: _Contacts
) -> tuple[Complexes, list[Complexes], list[tuple[Complexes, Complexes]]]:
    """Z, its derivatives by R_i, R_e and Z_s, and those by the contacts of each end.

    Kirchhoff's laws at both ends, with the two modes between them, are two equations for the ionic currents
    j_0 and j_L per current of the cell. By Tellegen's theorem dZ/dZ_k is the square of the current through k.
    """
    (odd, *odd_slopes), (even, *even_slopes) = line.modes()
    q0, q1 = line.weight(one.ions, one.electrons), line.weight(other.ions, other.electrons)
    loops, product, both = one.loop * other.loop, 4.0 * odd * even, one.closed * other.closed
    odd_part, even_part = (one.ions - other.ions) ** 2 * loops, (q0 + q1) ** 2 * loops
    single = q0 * q0 * one.loop * other.closed + q1 * q1 * other.loop * one.closed
    mixed = one.closed * other.loop + other.closed * one.loop
    over = 1.0 / (both * product + mixed * (odd + even) + loops)
    core = (odd_part * odd + even_part * even + single * product) * over
    linear = q0 * one.loop * other.closed + q1 * other.loop * one.closed
    by_share = -(4.0 * (q0 + q1) * loops * even + 2.0 * linear * product) * over
    by_odd = (odd_part + 4.0 * single * even - core * (4.0 * both * even + mixed)) * over
    by_even = (even_part + 4.0 * single * odd - core * (4.0 * both * odd + mixed)) * over
    by_total, by_interface = (by_odd * u + by_even * v for u, v in zip(odd_slopes, even_slopes, strict=True))

    pushes = q0 * one.loop, q1 * other.loop
    outer = []
    for end, far, own, across in ((one, other, *pushes), (other, one, *pushes[::-1])):
        added = ((far.closed * (odd + even) + far.loop) * own + (odd - even) * end.closed * across) * over
        outer.append(((line.electronic + added) ** 2, (line.ionic - added) ** 2))
    impedance = line.parallel + one.parallel + other.parallel + core
    return impedance, line.slopes(by_share, by_total, by_interface), outer


def _contacted(
    line: _Line, ends: tuple[End, End], values: Floats, omega: Floats
) -> tuple[Complexes, list[Complexes], list[Complexes]]:
    """`_general`, with the derivatives by the parameters of the contacts in place of those by the contacts."""
    count = sum(len(part.parameters) for part in ends[0].branches)
    contacts = _Contacts.of(ends[0], values[:count], omega), _Contacts.of(ends[1], values[count:], omega)
    impedance, slopes, outer = _general(line, *contacts)
    inner = [
        current * slope
        for end, currents in zip(contacts, outer, strict=True)
        for current, own in zip(currents, end.slopes, strict=True)
        for slope in own
    ]
    return impedance, slopes, inner
