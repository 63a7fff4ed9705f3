"""Who writes the words of a label: the built-in lexicon, or a language model."""
