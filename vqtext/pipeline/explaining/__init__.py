"""What a run says of one window, of recordings and of files."""
