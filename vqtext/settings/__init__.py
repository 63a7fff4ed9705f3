"""Settings: one typed tree, where its values come from, and presets."""
