"""Text beside the signal, in training only."""
