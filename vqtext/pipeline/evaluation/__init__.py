"""Scores of a run: classes, names, codes, controls."""
