"""The functions that a BPX file may write: numbers, x, + - * / **, exp and tanh.

The text is taken apart into a tree of which only these parts are accepted, and
the tree is turned into numpy operations; nothing of it is ever executed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from percolyte.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Curve: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]

LONGEST = 10_000
"""Characters of one expression."""
DEEPEST = 400
"""Levels of nesting; a sum counts one level a term."""

_FUNCTIONS: dict[str, Any] = {"exp": np.exp, "tanh": np.tanh, "cosh": np.cosh}
_OPERATORS: dict[type[ast.operator], Any] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}
_ALLOWED = "write it with numbers, x, + - * / **, exp and tanh"


def parse_expression(text: str) -> Curve:
    """A function of x from its text, for arrays of any shape.

    Precedence is that of Python: ** before the sign before * and / before +
    and -, and ** from the right. Numbers are floats, so that no power grows
    without bound.

    Errors: InputError for anything else than the parts above.
    """
    if len(text) > LONGEST:
        raise InputError(f"the expression has {len(text)} characters; {LONGEST} are the most; give a table instead")
    try:
        term = _term(ast.parse(text.strip(), mode="eval").body, 0)
    except InputError:
        raise
    except (ValueError, SyntaxError, OverflowError, MemoryError, RecursionError):
        raise InputError(f"{text[:60]!r} is no expression; {_ALLOWED}") from None

    def curve(x: NDArray[np.float64]) -> NDArray[np.float64]:
        at = np.asarray(x, dtype=float)
        with np.errstate(all="ignore"):
            return np.asarray(np.broadcast_to(term(at), at.shape), dtype=float)

    return curve


def _term(node: ast.expr, depth: int) -> Callable[[Any], Any]:
    """One part of the tree as a function of x."""
    if depth > DEEPEST:
        raise InputError(f"the expression has more than {DEEPEST} terms inside each other; give a table instead")
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        number = float(node.value)
        return lambda x: number
    if isinstance(node, ast.Name) and node.id == "x":
        return lambda x: x
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        operate, left, right = _OPERATORS[type(node.op)], _term(node.left, depth + 1), _term(node.right, depth + 1)
        return lambda x: operate(left(x), right(x))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = _term(node.operand, depth + 1)
        return inner if isinstance(node.op, ast.UAdd) else lambda x: -inner(x)
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        function = _FUNCTIONS.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if function is not None:
            argument = _term(node.args[0], depth + 1)
            return lambda x: function(argument(x))
    raise InputError(f"{ast.unparse(node)[:60]!r} is not allowed in a function of x; {_ALLOWED}")
