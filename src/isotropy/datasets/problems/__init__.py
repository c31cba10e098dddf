"""Problems whose symmetry is known beforehand."""
