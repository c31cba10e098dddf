"""Following a network through one call: the record, the gauges, and a rule for each operation."""
