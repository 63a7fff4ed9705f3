"""Phrases merged into anchors: what is near, what must never merge, where to cut."""
