"""The words: the built-in lexicon and the prompt templates."""
