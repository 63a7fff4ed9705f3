"""Recordings cut into windows of one shape."""
