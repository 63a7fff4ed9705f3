"""Windows as text: facts, sentences, and what a language model is asked."""
