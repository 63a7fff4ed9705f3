"""Semi-Markov chains: the one implementation that the E-step, the training and the decoding walk."""
