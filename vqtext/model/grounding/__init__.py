"""What training windows are taught: the E-step and the emission model it stands on."""
