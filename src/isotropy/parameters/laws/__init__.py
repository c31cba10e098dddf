"""What training conserves: moment maps, neurons, and the exact step of SGD."""
