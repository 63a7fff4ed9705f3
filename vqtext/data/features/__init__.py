"""What is measured of each sensor: motion, vertical velocity, facts."""
