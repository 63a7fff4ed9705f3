"""The words of anchors.h5, resolved for the sensors and the rate of the windows."""
