"""The network: signal to tokens, codes, shapes and step names."""
