"""What worse devices cost: corrupted test windows, beside MiniRocket."""
