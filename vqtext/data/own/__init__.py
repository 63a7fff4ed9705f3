"""Own data: a folder with ``dataset.toml`` → recordings."""
