"""``vqtext.VQTextClassifier``: the pipeline as an estimator of scikit-learn and aeon."""
