"""What the estimator derives from: aeon's BaseClassifier, or a stand-in where aeon is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError

from vqtext.errors import InputError
from vqtext.pipeline.estimating.series import TAKEN


class StandaloneClassifier(ClassifierMixin, BaseEstimator):
    """The part of aeon's BaseClassifier that the estimator relies on, on scikit-learn alone."""

    is_fitted = False

    def fit(self, X: Any, y: Any) -> Any:
        """Learn from series and their classes; see `VQTextClassifier`."""
        self.is_fitted = False
        X = self._preprocess_collection(X)
        self._fit(X, self._check_y(y, len(X)))
        self.is_fitted = True
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The class of each series, ``(n,)``."""
        self._check_is_fitted()
        return self._predict(self._checked(X))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Posterior of each class, ``(n, classes)``, in the order of ``classes_``."""
        self._check_is_fitted()
        return self._predict_proba(self._checked(X))

    def _checked(self, X: Any) -> Any:
        X = self._preprocess_collection(X, store_metadata=False)
        self._check_shape(X)
        return X

    def _check_is_fitted(self) -> None:
        if not self.is_fitted:
            raise NotFittedError(f"this {type(self).__name__} has not been fitted yet: call fit first")

    def _preprocess_collection(self, X: Any, store_metadata: bool = True) -> Any:
        if not isinstance(X, np.ndarray | list):
            raise InputError(f"X is a {type(X).__name__}, which aeon would read: install it, or {TAKEN}")
        return X

    def __sklearn_is_fitted__(self) -> bool:
        return self.is_fitted

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags


def base() -> Any:
    """The class to derive from."""
    try:
        from aeon.classification.base import BaseClassifier
    except ImportError:
        return StandaloneClassifier
    return BaseClassifier
