"""``vqtext.VQTextClassifier``: the pipeline as an estimator of scikit-learn and aeon."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np

from vqtext.errors import InputError
from vqtext.pipeline.estimating.base import base
from vqtext.pipeline.estimating.series import (
    channels_in,
    check_samples,
    classes_in,
    collection,
    names_of,
    padded,
    windows_of,
)
from vqtext.pipeline.estimating.words import guides, words_in
from vqtext.reason import Reason

Base: Any = base()


class VQTextClassifier(Base):
    """Classes of time series, with the steps that say why.

    Where aeon is installed when this is first imported, it is an aeon ``BaseClassifier``, with its tags and
    the collections that aeon reads; else the same class on scikit-learn alone, which takes arrays and lists
    of arrays. Either is an estimator of scikit-learn: ``clone``, ``Pipeline``, ``cross_val_score``, pickle
    and joblib work. People are kept apart by the caller's splitter (``cross_val_score(…, groups=subjects,
    cv=GroupKFold())``); ``fit`` takes no groups.

    What is trained is the model of ``vqtext train``: with the same series, classes, words, settings and seed
    it is the same model. Variables ``VQTEXT_…`` and ``vqtext.toml`` are not read.

    Args:
        channels: what each channel is. A list of dicts, as the ``[[channels]]`` of a ``dataset.toml``
            (``docs/own-data.md``; the series are in the units that stand there), or of
            `vqtext.schema.Channel`. None: nothing is known of them, and signatures are not read.
        subactions: words of the classes: the path of a ``subactions.json``, `vqtext.schema.SubActions`, or a
            dict of class → list of its steps, each a phrase or a dict as in the file. Then the embedded text
            encoder is loaded, and steps are found by words, order and sensors. None: each class has one step
            of its name, and no text model is loaded.
        rate_hz: samples a second. None: 1, and seconds are samples.
        epochs: epochs of training. None: as many as the preset's steps need.
        preset: ``tiny``, ``small`` or ``paper``. None is ``small``.
        longest: samples of the longest series that will be asked about. None: as long as those of ``fit``.
        cuts: the series were cut out of longer recordings, and might as well begin at another moment. False:
            each is a whole trial, from its beginning to its end.
        settings: any other setting of ``vqtext.toml``, by its dotted name: ``{"train.refit": False}``.
        random_state: a seed, a ``RandomState``, or None for a seed drawn from numpy's.
        verbose: show on stderr how far the training is.

    Attributes:
        classes_: the classes, sorted, ``(n_classes_,)``.
        model_: the trained `vqtext.model.load.VQText`; ``model_.save(folder)`` keeps it for ``vqtext.load``.

    Errors:
        Of ``fit``, ``predict``, ``predict_proba``, ``transform`` and ``explain``:
        `InputError`, a ValueError: series that differ in channels, are of another length than those of
        ``fit`` where all of those had one length, or hold an infinite value or nothing but NaN (a NaN is a
        missing sample); classes that are missing, too few or too many.
        `WordsError`, `ArtifactError`, `ConfigError`: something is wrong with the words or settings.
        ``sklearn.exceptions.NotFittedError``: ``fit`` comes first.

    Series may differ in length. Of one that is longer than ``longest``, or than all of those that ``fit``
    saw, the start is read, as far as that, with a warning.
    """

    _tags: ClassVar[dict[str, Any]] = {
        "X_inner_type": ["np-list", "numpy3D"],
        "capability:multivariate": True,
        "capability:unequal_length": True,
        "capability:missing_values": True,
        "algorithm_type": "deeplearning",
    }

    def __init__(
        self,
        channels=None,
        subactions=None,
        rate_hz=None,
        epochs=None,
        preset=None,
        longest=None,
        cuts=False,
        settings=None,
        random_state=None,
        verbose=False,
    ):
        self.channels = channels
        self.subactions = subactions
        self.rate_hz = rate_hz
        self.epochs = epochs
        self.preset = preset
        self.longest = longest
        self.cuts = cuts
        self.settings = settings
        self.random_state = random_state
        self.verbose = verbose
        super().__init__()

    def explain(self, X: Any) -> list[Reason]:
        """Class and ordered reason of each series; a class is named by its text."""
        signal = self._read(X)
        return self.model_.explain(signal)

    def transform(self, X: Any) -> np.ndarray:
        """What was found in each series, ``(n, columns)``, for other learners.

        Columns: ``seconds PHRASE``, how long each step of the words lasts in the series; ``seconds unknown``,
        how long none fits; ``share of code 0`` …, which part of the tokens has each code of the codebook.
        """
        from vqtext.pipeline.estimating.features import features

        signal = self._read(X)
        return features(self.model_, signal)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns of `transform`."""
        from vqtext.pipeline.estimating.features import feature_names

        self._check_is_fitted()
        return feature_names(self.model_)

    def _fit(self, X: Any, y: np.ndarray) -> VQTextClassifier:
        from vqtext.pipeline.estimating.fitting import settings_of, train

        rate_hz = 1.0 if self.rate_hz is None else _positive(self.rate_hz, "rate_hz")
        longest = None if self.longest is None else _samples(self.longest)
        self._steps = longest or max(one.shape[1] for one in X)
        self._any_length = longest is not None or len({one.shape[1] for one in X}) > 1
        channels, self._factors = channels_in(self.channels, X[0].shape[0], rate_hz)
        self._check_shape(X)  # warns of series that are longer than longest
        names = names_of(self.classes_)
        words = None if self.subactions is None else words_in(self.subactions, names)
        usual = {
            "train.seeds": [_seed(self.random_state)],
            "train.epochs": self.epochs,
            "train.preset": self.preset,
            "train.grounding": "label" if words is None else None,
            "guidance.source": None if words is not None and guides(words) else "none",
            "embed.encoder": "minilm",
        }
        settings = settings_of(self.settings, usual)
        signal, length = self._arranged(X)
        # in order of appearance, as the windows of a data set are
        _, first, code = np.unique(y, return_index=True, return_inverse=True)
        self._order = np.argsort(first)  # places of the model's labels among classes_
        label = np.argsort(self._order)[code]
        labels = [names[i] for i in self._order]
        windows = windows_of(signal, length, label, labels, channels, rate_hz, bool(self.cuts))
        self.model_ = train(windows, words, settings, bool(self.verbose))
        return self

    def _predict(self, X: Any) -> np.ndarray:
        return self.classes_[self._predict_proba(X).argmax(axis=1)]

    def _predict_proba(self, X: Any) -> np.ndarray:
        found = np.empty((len(X), len(self.classes_)))
        found[:, self._order] = self.model_.predict_proba(self._arranged(X)[0])
        return found / found.sum(axis=1, keepdims=True)

    def _read(self, X: Any) -> np.ndarray:
        """Series as the model takes them, ``(n, C, T)``."""
        self._check_is_fitted()
        X = self._preprocess_collection(X, store_metadata=False)
        self._check_shape(X)
        return self._arranged(X)[0]

    def _arranged(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Series ``(n, C, T)`` in the units of the channels, and their lengths ``(n,)``."""
        signal, length = padded(X, self._steps)
        check_samples(signal)
        return (signal * self._factors[:, None]).astype(np.float32), length

    def _preprocess_collection(self, X: Any, store_metadata: bool = True) -> Any:
        return super()._preprocess_collection(collection(X), store_metadata)

    def _check_shape(self, X: Any) -> None:
        """Raises InputError for another number of channels, or a length that is not one of ``fit``'s."""
        there, wanted = X[0].shape[0], len(self._factors)
        if there != wanted:
            raise InputError(f"the series have {there} channels, those of fit had {wanted}")
        length = np.array([one.shape[1] for one in X])
        if not self._any_length and (other := np.flatnonzero(length != self._steps)).size:
            raise InputError(
                f"series {other[0]} has {length[other[0]]} samples, all of fit had {self._steps}: cut it to "
                "that, or fit with longest=…, which takes series of any length up to it"
            )
        if (more := length > self._steps).any():
            warnings.warn(
                f"{more.sum()} of {len(X)} series are longer than {self._steps} samples, and read as far as "
                f"that; longest={length.max()} in the constructor reads all of them",
                UserWarning,
                stacklevel=3,
            )

    def _check_y(
        self, y: Any, n_cases: int, update_classes: bool = True, allow_single_class: bool = False
    ) -> np.ndarray:
        y = classes_in(y, n_cases)
        if update_classes:
            self.classes_ = np.unique(y)
            self.n_classes_ = len(self.classes_)
            self._class_dictionary = {name: i for i, name in enumerate(self.classes_)}
        return y

    @classmethod
    def _get_test_params(cls, parameter_set: str = "default") -> dict[str, Any]:
        """Of aeon's checks: as small and short as it gets."""
        return {"preset": "tiny", "epochs": 1, "settings": {"train.accelerator": "cpu"}}


def _seed(random_state: Any) -> int:
    from sklearn.utils import check_random_state

    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(1 << 31))


def _positive(value: Any, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 < number < np.inf:
        raise InputError(f"{name} is {value!r}, not a positive number")
    return number


def _samples(value: Any) -> int:
    number = _positive(value, "longest")
    if number != int(number):
        raise InputError(f"longest is {value!r}, not a whole number of samples")
    return int(number)
