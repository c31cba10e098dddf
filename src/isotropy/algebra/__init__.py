"""Spans of generators with a bracket: the type, the catalogue, structure, names, and bases on disk."""
