"""The commands: each reads its options, calls one function and prints its answer."""
