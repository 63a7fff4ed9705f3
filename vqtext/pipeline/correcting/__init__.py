"""What people say of moments and steps: kept beside the data, and heard by every training."""
