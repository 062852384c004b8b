"""Effective ionic and electronic transport of composites, however known."""
