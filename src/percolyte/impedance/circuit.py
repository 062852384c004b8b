"""Circuits as text: `R0-p(R1,CPE1)-TLMa1(CPE2)`.

The notation of the Python package impedance.py: `-` is in series, `p(...,...)` in parallel, an element is its symbol
and a number, `R1`, of which the symbols stand in `elements.LAWS`. A transmission line is `TLM`, the letter of its
contacts and a number, with its interface in parentheses: `TLMc1(p(R2-Wo2,CPE2))` is an electrode with charge
transfer, diffusion and a double layer. Interfaces have the values of the whole layer. `TLMg1(CPE2,open,R3,C3,R4)`
states what stands between each end of a rail and its terminal: ions and electrons of the first end, then of the
second, each `open`, `short` or a circuit.

Parameters are named after the element: `R1`; `CPE1_Q` and `CPE1_a` where it has several; `TLMa1_Ri`, `TLMa1_Re`.
The text is parsed, never evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from percolyte.errors import InputError, suggestion
from percolyte.impedance.branch import Branch, Parallel, Series
from percolyte.impedance.elements import LAWS, Element
from percolyte.impedance.tlm import CASES, Contact, End, TransmissionLine

CONTACTS: tuple[Literal["open", "short"], ...] = ("open", "short")
LONGEST, DEEPEST = 1000, 30
"""Characters and nested parentheses of a circuit."""
LINES = {
    "a": "between steel (ions blocked)",
    "b": "between electrolytes (electrons blocked)",
    "c": "an electrode, steel to electrolyte",
    "d": "both carriers pass at both ends",
    "e": "both pass at one end, then steel",
    "f": "both pass at one end, then electrolyte",
    "g": "any contacts",
}
"""The letters of transmission lines: those of CASES, and one whose contacts are written out."""
T = TypeVar("T")
EXAMPLE = "R0-p(R1,CPE1)-CPE2"
_TOKEN = re.compile(r"p(?=\s*\()|[A-Za-z]+[0-9]*|[-(),]")


def parse_circuit(text: str) -> Branch:
    """Text -> the branch it describes.

    Errors: InputError with the position of what cannot be read, and what to write there.
    """
    if len(text) > LONGEST:
        raise InputError(f"the circuit has {len(text)} characters; at most {LONGEST} are read")
    parser = _Parser(text, _tokens(text))
    branch = parser.series()
    if parser.ahead:
        raise parser.problem(
            "this parenthesis closes none; remove it" if parser.ahead == ")" else "write '-' between parts in series"
        )
    return branch


@dataclass(frozen=True)
class _Token:
    word: str
    at: int


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        match = _TOKEN.match(text, at)
        if match is None:
            raise _problem(text, at, f"{text[at]!r} means nothing in a circuit; write for example {EXAMPLE}")
        found.append(_Token(match[0], at))
        at = match.end()
    return found


@dataclass
class _Parser:
    """Reads tokens from left to right."""

    text: str
    tokens: list[_Token]
    next: int = 0
    depth: int = 0
    labels: set[str] = field(default_factory=set)

    @property
    def ahead(self) -> str:
        """The word that comes next; empty at the end."""
        return self.tokens[self.next].word if self.next < len(self.tokens) else ""

    @property
    def at(self) -> int:
        return self.tokens[self.next].at if self.next < len(self.tokens) else len(self.text)

    def problem(self, what: str, at: int | None = None) -> InputError:
        return _problem(self.text, self.at if at is None else at, what)

    def series(self) -> Branch:
        parts = [self.part()]
        while self.ahead == "-":
            self.next += 1
            parts.append(self.part())
        return parts[0] if len(parts) == 1 else Series(tuple(parts))

    def part(self) -> Branch:
        word, at = self.ahead, self.at
        if not word[:1].isalpha():
            raise self.problem(f"an element is missing; write for example {EXAMPLE}")
        self.next += 1
        if word == "p":
            parts = self.inside(self.series)
            if len(parts) == 1:
                raise self.problem("a parallel group needs two branches at least; write for example p(R1,CPE1)", at)
            return Parallel(tuple(parts))
        symbol = word.rstrip("0123456789")
        if symbol not in LAWS and symbol[:-1] != "TLM":
            raise self.problem(_unknown(word), at)
        if symbol == word:
            raise self.problem(f"{word} has no number; write for example {word}1", at)
        if word in self.labels:
            raise self.problem(f"{word} is there twice; give each element a number of its own", at)
        self.labels.add(word)
        return _element(word, symbol) if symbol in LAWS else self.line(word, symbol[-1], at)

    def inside(self, read: Callable[[], T]) -> list[T]:
        """What stands in parentheses, between commas."""
        opened = self.at
        if self.depth == DEEPEST:
            raise self.problem(f"parentheses are nested more than {DEEPEST} deep; write a simpler circuit")
        self.depth += 1
        self.next += 1
        found = [read()]
        while self.ahead == ",":
            self.next += 1
            found.append(read())
        if self.ahead != ")":
            told = "write '-' or ',' before it" if self.ahead else "write ')'"
            raise self.problem(f"the parenthesis opened at character {opened + 1} is not closed; {told}")
        self.next += 1
        self.depth -= 1
        return found

    def line(self, word: str, case: str, at: int) -> Branch:
        """A transmission line after its name."""
        wanted = f"{word}(CPE1,open,R1,R2,open)" if case == "g" else f"{word}(CPE1)"
        if case not in LINES:
            raise self.problem(_lines(f"the contacts {case!r} of {word} are not known"), at)
        if self.ahead != "(":
            raise self.problem(f"{word} needs its interface in parentheses; write for example {wanted}")
        interface, *contacts = self.inside(self.contact)
        rails = f"{word}_Ri", f"{word}_Re"
        if not isinstance(interface, Branch) or len(contacts) != (4 if case == "g" else 0):
            raise self.problem(f"{word} is written as for example {wanted}", at)
        if case != "g":
            return TransmissionLine(CASES[case], interface, rails)
        try:
            ends = End(contacts[0], contacts[1]), End(contacts[2], contacts[3])
        except InputError as error:
            raise self.problem(f"{word}: {error}", at) from None
        return TransmissionLine(ends, interface, rails)

    def contact(self) -> Contact:
        for word in CONTACTS:
            if self.ahead == word:
                self.next += 1
                return word
        return self.series()


def _element(word: str, symbol: str) -> Element:
    own = LAWS[symbol].parameters
    return Element(LAWS[symbol], (word,) if len(own) == 1 else tuple(f"{word}_{each.name}" for each in own))


def _unknown(word: str) -> str:
    symbol = word.rstrip("0123456789")
    if symbol == "Q":
        return "a constant phase element is written CPE; write for example CPE1"
    if symbol.upper().startswith("TLM"):
        return _lines("a transmission line is TLM, the letter of its contacts and a number")
    known = f"elements are {', '.join(LAWS)}, and transmission lines such as TLMa1(CPE1)"
    return f"no element is called {symbol!r}{suggestion(symbol, LAWS) or '; ' + known}"


def _lines(problem: str) -> str:
    meant = ", ".join(f"{letter} {meaning}" for letter, meaning in LINES.items())
    return f"{problem}: {meant}; write for example TLMa1(CPE1), the interface in parentheses"


def _problem(text: str, at: int, what: str) -> InputError:
    first, last = max(0, at - 40), at + 40
    shown = ("..." if first else "") + text[first:last] + ("..." if last < len(text) else "")
    return InputError(f"circuit '{shown}', character {at + 1}: {what}")
