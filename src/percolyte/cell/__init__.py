"""The cell in time: voltage, rate capability and losses of a solid-state cell."""
