"""Which symmetry to impose: candidates compared on data that were held out."""
