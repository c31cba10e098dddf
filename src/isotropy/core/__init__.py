"""Tools without a subject: checks, linear algebra, derivatives by torch, files, flows, what estimators share."""
