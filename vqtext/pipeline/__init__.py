"""The stages, one file each, named as their command."""
