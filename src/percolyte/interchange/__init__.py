"""Cells and measurements of other programs: PyBaMM scripts, BPX files, data of cyclers."""
