"""Force fields in torch: one to train, and toys whose symmetry is known."""
