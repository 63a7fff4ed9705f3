"""The artifact store: HDF5 in and out, provenance, locks and atomic publishing."""
