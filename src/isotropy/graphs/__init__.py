"""Graph moments, words of propagation rules, and what a depth of them can learn."""
