"""Semi-Markov chains: the one implementation of the E-step, the training and the decoding."""
