"""The set that points lie on: tangents, normals, and its symmetries."""
