"""Maps, densities and velocities learnt from samples, good enough to be differentiated."""
