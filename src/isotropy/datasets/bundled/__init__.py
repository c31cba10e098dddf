"""Data that come with the library."""
