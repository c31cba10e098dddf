"""Structures of atoms: turning them, what calculators give for them, and their orbits."""
