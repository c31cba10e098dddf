"""Graph networks of several propagation rules."""
