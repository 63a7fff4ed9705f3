"""Recordings: signals of one subject on a regular grid, in physical units."""
