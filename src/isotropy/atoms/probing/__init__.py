"""How much a force field breaks rotations: measures, the ladder of rules, the report."""
