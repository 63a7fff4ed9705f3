"""Written words held against what a trained model or the E-step finds."""
