"""Readers of recordings, windowing and splits."""
