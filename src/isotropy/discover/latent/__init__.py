"""Symmetries that are linear only behind an autoencoder."""
