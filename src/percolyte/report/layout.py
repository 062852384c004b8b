"""Numbers in the unit of their key, and rows in columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from percolyte import units


def converted(value: Any, unit: str) -> float | None:
    """A number in another unit, rounded to what double arithmetic carries."""
    return None if value is None else float(f"{float(units.to(value, unit)):.12g}")


def aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
