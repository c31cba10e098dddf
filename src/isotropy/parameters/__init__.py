"""Symmetries of a network's parameters: teleportation, conserved quantities, flat directions."""
