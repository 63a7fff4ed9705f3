"""Which windows train a model, which choose its epoch, and which test it."""
