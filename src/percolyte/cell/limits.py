"""How far a step of a protocol is from what it controls, and from the limits that end it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from percolyte.cell.control import CAPACITY, DONE, HIGH, LOW, POWER, TAPER, TIME, VOLTAGE

CLOSE = 1e-6
"""Volts to which a limit is met."""


@njit(cache=True, error_model="numpy")
def target_gap(mode: int, goal: float, volts: float, slope: float, total: float) -> tuple[float, float]:
    """How far the controlled quantity is from its goal, and the derivative by current."""
    if mode == VOLTAGE:
        return volts - goal, slope
    if mode == POWER:
        return volts * total - goal, volts + slope * total
    return volts - goal * total, slope - goal


@njit(cache=True, error_model="numpy")
def interpolate(times: Any, values: Any, t: float) -> float:
    """Profile of current against time, linear between its points."""
    if t <= times[0]:
        return float(values[0])
    i = np.searchsorted(times, t)
    if i >= times.size:
        return float(values[-1])
    w = (t - times[i - 1]) / (times[i] - times[i - 1])
    return float(values[i - 1] + w * (values[i] - values[i - 1]))


@njit(cache=True, error_model="numpy")
def share_to_limit(
    mode: int, low: float, high: float, taper: float,
    volts: float, last_volts: float, total: float, last_total: float,
) -> float:  # fmt: skip
    """Share of a step after which it meets the limit that it has passed; one if it has passed none."""
    if mode == VOLTAGE:
        if abs(total) < 0.999 * taper and abs(last_total) > taper:
            return math.log(abs(last_total) / taper) / math.log(abs(last_total) / max(abs(total), 1e-300))
    elif volts < low - CLOSE and total > 0.0:
        return (last_volts - low) / (last_volts - volts)
    elif volts > high + CLOSE and total < 0.0:
        return (last_volts - high) / (last_volts - volts)
    return 1.0


@njit(cache=True, error_model="numpy")
def ending(
    mode: int, low: float, high: float, longest: float, most_charge: float, taper: float,
    t: float, volts: float, total: float, charge: float,
) -> int:  # fmt: skip
    """Which limit a step that has been taken meets; DONE if none."""
    if mode != VOLTAGE and volts <= low + CLOSE and total > 0.0:
        return LOW
    if mode != VOLTAGE and volts >= high - CLOSE and total < 0.0:
        return HIGH
    if t >= longest * (1.0 - 1e-12):
        return TIME
    if most_charge > 0.0 and abs(charge) >= most_charge * (1.0 - 1e-9):
        return CAPACITY
    if mode == VOLTAGE and abs(total) <= taper:
        return TAPER
    return DONE


@njit(cache=True, error_model="numpy")
def approach(h: float, last: float, low: float, high: float, volts: float, fallen: float, total: float) -> float:
    """A step that goes no further than the limit ahead along the slope of the last one, from `fallen` to `volts`."""
    sign = 1.0 if total > 0.0 else -1.0
    fall, gap = sign * (fallen - volts), sign * (volts - (low if total > 0.0 else high))
    return max(gap / fall * last, 1e-6) if fall > 0.0 and gap < fall * h / last else h
