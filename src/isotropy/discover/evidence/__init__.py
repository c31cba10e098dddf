"""What the data say about every candidate, and what follows: kernel, split, certificates, conclusion."""
