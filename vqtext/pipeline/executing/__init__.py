"""Where the work of a stage is done: in this process, in several of this machine, or on a Ray cluster."""
