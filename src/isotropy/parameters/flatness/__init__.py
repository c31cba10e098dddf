"""Sharpness of minima and directions along which they are flat."""
