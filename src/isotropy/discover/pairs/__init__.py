"""Roads from pairs of points that one motion joins."""
