"""What broken rotations do to a simulation: time steps, orientations, observables with errors."""
