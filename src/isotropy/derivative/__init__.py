"""The Lie derivative of maps and of linear families of functions, and its finite counterparts."""
