"""Roads that differentiate: models, data, dynamics, densities, moments, charges, equations, layers."""
