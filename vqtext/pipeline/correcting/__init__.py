"""What people say of moments and steps: kept beside the data, and read by every training."""
