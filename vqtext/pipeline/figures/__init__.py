"""``vqtext figures``: each figure of a run (`drawings`), as files that replace none but its own (`files`)."""
