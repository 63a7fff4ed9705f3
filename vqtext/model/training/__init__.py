"""Training the network: losses, augmentation, checkpoints, processes."""
