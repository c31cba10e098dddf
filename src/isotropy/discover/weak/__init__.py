"""Fields that are seen along noisy trajectories, by integrals against test functions."""
