"""A grid of settings: a run for each cell, and their scores side by side."""
