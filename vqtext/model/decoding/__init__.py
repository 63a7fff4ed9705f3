"""From tokens to a class, its steps and the reason."""
