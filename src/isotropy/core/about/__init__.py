"""What the library says of itself: its version, its papers, its example data, and where names moved."""
