"""L-conv: generators, the layer, its stacks, and it as a field theory."""
