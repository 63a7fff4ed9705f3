"""One file a published data set, found by name."""
