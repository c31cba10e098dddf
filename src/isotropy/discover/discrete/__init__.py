"""Single elements that no flow reaches: mirrors, turns, permutations, cosets."""
