"""What the command line is given: data, candidates, models, saved programs."""
