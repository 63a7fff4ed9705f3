"""Around `vqtext train`: its inputs, checks of words, what is fitted afterwards, its record."""
