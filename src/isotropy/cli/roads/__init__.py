"""Which road the samples of a verb are sent down."""
