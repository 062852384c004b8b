"""Impedance and polarisation of measured cells: files, validity, models, fits."""
