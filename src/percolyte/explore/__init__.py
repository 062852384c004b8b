"""Many designs at once: vary, solve for a target, map, and ask what matters."""
