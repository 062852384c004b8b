"""Labelled voxel images of electrodes: read, generate, measure."""
