"""Classifiers on top of tokens, as VQShape has them; every choice is made on training windows."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

STRENGTHS = (0.001, 0.01, 0.1, 1.0, 10.0)  # inverse regularisation that cross-validation chooses from
USUAL = 0.1  # of them, where there is too little to choose by
FOLDS = 5


def histogram(code: np.ndarray, codes: int) -> np.ndarray:
    """Share of each code among a window's tokens: ``(n, M)`` with −1 for none → ``(n, codes)``."""
    counts = np.stack([np.bincount(row[row >= 0], minlength=codes) for row in code]).astype(np.float64)
    return counts / counts.sum(1, keepdims=True).clip(min=1)


def fit_linear(features: np.ndarray, label: np.ndarray, group: np.ndarray, seed: int) -> tuple[Any, float]:
    """Logistic regression whose strength is chosen by cross-validation, subject by subject where known.

    Args:
        features: ``(n, f)``; label: ``(n,)``; group: subject of each window, −1 where unknown, ``(n,)``.

    Returns:
        The fitted classifier and the strength that was chosen: `USUAL` where there is little to choose by.
    """
    from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold

    model, folds = linear(seed), _folds(label, group)
    grid = {"logisticregression__C": list(STRENGTHS)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fold without some label, an optimiser at its last iteration
        if folds < 2:
            return model.set_params(logisticregression__C=USUAL).fit(features, label), USUAL
        by_subject = len(np.unique(group)) > 1 and group.min() >= 0
        cut = GroupKFold(folds) if by_subject else StratifiedKFold(folds, shuffle=True, random_state=seed)
        search = GridSearchCV(model, grid, cv=cut, scoring="neg_log_loss" if not by_subject else "accuracy")
        search.fit(features, label, groups=group if by_subject else None)
    return search.best_estimator_, float(search.best_params_["logisticregression__C"])


def linear(seed: int) -> Any:
    """Logistic regression on standardised features."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=500, random_state=seed))


def _folds(label: np.ndarray, group: np.ndarray) -> int:
    subjects = len(np.unique(group))
    if subjects > 1 and group.min() >= 0:
        return min(FOLDS, subjects)
    return min(FOLDS, int(np.bincount(label)[np.unique(label)].min()))
