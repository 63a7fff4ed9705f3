"""Beside `vqtext prepare`: windows from DataFrames, shards, a first dataset.toml."""
