"""PSTrace sessions of PalmSens (.pssession): JSON in UTF-16, arrays with a description each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from percolyte.errors import InputError
from percolyte.impedance.readers.contents import Contents, Table

_HEADINGS = {"Frequency": "f/Hz", "ZRe": "Z'/ohm", "ZIm": "-Z''/ohm"}
"""Descriptions of the arrays; `ZIm` holds minus the imaginary part, as PSTrace shows it."""


def recognises(contents: Contents) -> bool:
    return "PalmSens.DataFiles.SessionFile" in contents.text[:2000]


def tables(contents: Contents) -> list[Table]:
    """One table for each impedance scan of each measurement."""
    try:
        session = json.loads(contents.text.strip("\ufeff\0 \r\n"), parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        raise InputError("is a PalmSens session that is cut off or damaged; save it again") from None
    found = []
    for measurement in _list(session, "Measurements"):
        for values in _scans(measurement):
            found.append(Table(_columns(values), "PalmSens pssession", measured_at=_when(measurement)))
    if not found:
        raise InputError("is a PalmSens session without impedance data")
    return found


def _scans(measurement: Any) -> Iterator[list[Any]]:
    """Arrays of the measurement itself; where it has several scans, of each."""
    scans = [_list(_get(scan, "DataSet"), "Values") for scan in _list(measurement, "EISDataList")]
    whole = _list(_get(measurement, "DataSet"), "Values")
    for values in scans if len(scans) > 1 else [whole, *scans]:
        if _HEADINGS.keys() <= {_get(array, "Description") for array in values if isinstance(_get(array, "Description"), str)}:  # fmt: skip
            yield values
            if values is whole:
                return


def _columns(values: list[Any]) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    columns = {}
    for array in values:
        description = _get(array, "Description")
        if isinstance(description, str) and description in _HEADINGS:
            numbers = [_get(entry, "V") for entry in _list(array, "DataValues")]
            columns[_HEADINGS[description]] = np.array([float(value) if isinstance(value, float | int) else np.nan for value in numbers])  # fmt: skip
    if len({column.size for column in columns.values()}) != 1:
        raise InputError("is a PalmSens session whose arrays of one scan differ in length; save it again")
    return columns


def _when(measurement: Any) -> str:
    """.NET counts tenths of microseconds from the year 1."""
    ticks = _get(measurement, "TimeStamp")
    if not isinstance(ticks, int) or not 0 < ticks < 3_000_000_000_000_000_000:
        return ""
    return (datetime(1, 1, 1) + timedelta(microseconds=ticks // 10)).isoformat(" ", "seconds")


def _get(node: Any, name: str) -> Any:
    return node.get(name) if isinstance(node, dict) else None


def _list(node: Any, name: str) -> list[Any]:
    found = _get(node, name)
    return found if isinstance(found, list) else []
