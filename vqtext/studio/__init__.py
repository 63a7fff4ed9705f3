"""``vqtext studio``: a local page on which the steps of a cache's recordings are seen and mended."""
