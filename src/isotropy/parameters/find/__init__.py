"""From a record to the symmetry of the parameters, verified."""
