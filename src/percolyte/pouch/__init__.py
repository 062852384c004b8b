"""From electrode layers to a cell: stack, convention, energy, cost, vehicle."""
