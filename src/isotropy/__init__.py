"""Find, impose, price and use the continuous symmetries of data, models and dynamics."""
