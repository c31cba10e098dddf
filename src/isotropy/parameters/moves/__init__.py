"""How parameters move: groups along axes, blocks, reorderings, vectors of named tensors."""
