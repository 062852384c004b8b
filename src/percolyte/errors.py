"""The errors of percolyte.

PercolyteError
├── InputError        bad input: every problem named, exit status 2
│   └── UnitError     one text that is not the quantity it should be
└── RunError          a run that failed for a reason named, exit status 1
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the input: where it stands and what to write."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


class PercolyteError(Exception):
    """The root of every error that percolyte raises on purpose."""


class InputError(PercolyteError):
    """Input that cannot be used; carries every problem found, not the first."""

    def __init__(self, problems: Iterable[Problem] | str, *, source: str = "") -> None:
        if isinstance(problems, str):
            problems = (Problem("", problems),)
        self.problems = tuple(problems)
        self.source = source
        super().__init__(str(self))

    def __str__(self) -> str:
        if len(self.problems) == 1 and not self.problems[0].where:
            return f"{self.source}: {self.problems[0].what}" if self.source else self.problems[0].what
        count = counted(len(self.problems), "problem")
        head = f"{self.source}: {count}" if self.source else count
        return "\n".join([head, *(f"  {problem}" for problem in self.problems)])


class UnitError(InputError, ValueError):
    """A text that does not hold the quantity asked for."""


class RunError(PercolyteError):
    """A run that ended without a result; `outcome` is its name in JSON."""

    def __init__(self, outcome: str, message: str) -> None:
        self.outcome = outcome
        super().__init__(message)


def counted(number: int, one: str, many: str = "") -> str:
    """'1 file', '2 files'; `many` where it is not `one` with an s."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def suggestion(word: str, known: Iterable[str]) -> str:
    """' ; did you mean ...?' for the nearest known words, or nothing."""
    known = list(known)
    folded = {name.casefold(): name for name in known}
    near = get_close_matches(word.casefold(), folded, n=2, cutoff=0.7)
    if not near:
        return ""
    return "; did you mean " + " or ".join(repr(folded[name]) for name in near) + "?"
