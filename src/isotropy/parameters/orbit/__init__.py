"""Moving along orbits of parameters: teleportation, canonical points, merging, paths."""
