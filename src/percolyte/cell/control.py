"""Numbers for what a step of a protocol controls, and for how it ends."""

from __future__ import annotations

CURRENT, VOLTAGE, POWER, RESISTANCE, PROFILE = range(5)
"""What a protocol step controls."""
DONE, TIME, LOW, HIGH, CAPACITY, TAPER, FAILED, FULL, DEPLETED = range(9)
"""How a protocol step ends: running, time, lower or upper voltage, capacity,
current fallen to its limit, no convergence, out of storage, salt used up."""
