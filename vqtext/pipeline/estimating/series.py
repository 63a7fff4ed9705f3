"""What people hand to an estimator → arrays: series, their classes, and what the channels are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vqtext.data.own.contents import check_contents
from vqtext.data.own.own_recordings import channels_of
from vqtext.data.windows.windows import Windows
from vqtext.errors import DataError, InputError
from vqtext.schema import Channel

TAKEN = "give an array (n, C, T) or (n, T), or a list of arrays (C, T)"


def collection(X: Any) -> Any:
    """Series as aeon keeps them: ``(n, C, T) float32``, or a list of ``(C, T_i)`` where lengths differ.

    What pandas holds stays as it is: aeon knows several ways to read it.

    Raises:
        InputError: there is no series, an empty one, one of other channels, or values that are no numbers.
    """
    if type(X).__module__.partition(".")[0] == "pandas" or _holds_frames(X):
        return X
    if not isinstance(X, list | tuple):
        X = _numbers(X, "X")
        if X.ndim not in (2, 3):
            raise InputError(f"X is {X.ndim}-dimensional: {TAKEN}")
        X = X[:, None] if X.ndim == 2 else X
        if not X.size:
            raise InputError(f"X has shape {X.shape}, and holds no series: give at least one")
        return X
    if not X:
        raise InputError("X holds no series: give at least one")
    series: list[np.ndarray] = []
    for i, one in enumerate(X):
        one = _numbers(one, f"X[{i}]")
        one = one[None] if one.ndim == 1 else one
        if one.ndim != 2 or not one.size:
            raise InputError(f"series {i} has shape {one.shape}: {TAKEN}")
        if series and len(one) != len(series[0]):
            raise InputError(f"series {i} has {len(one)} channels, series 0 has {len(series[0])}")
        series.append(one)
    return np.stack(series) if len({one.shape for one in series}) == 1 else series


def padded(series: Any, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Series as one array ``(n, C, T)`` with NaN behind the shorter ones, and their lengths ``(n,)``.

    A length ends with the last sample: NaN in all channels at the end of a series is no part of it.

    Args:
        series: as `collection` gives them.
        longest: T; what is behind it is cut off.
    """
    joined: np.ndarray = np.full((len(series), series[0].shape[0], longest), np.nan, dtype=np.float32)
    for row, one in zip(joined, series, strict=True):
        row[:, : one.shape[1]] = one[:, :longest]
    there = ~np.isnan(joined).all(axis=1)
    return joined, longest - there[:, ::-1].argmax(axis=1)


def check_samples(series: np.ndarray) -> None:
    """Raises InputError where a series of ``(n, C, T)`` holds an infinite value, or no sample."""
    from vqtext.model.decoding.inputs import in_words, too_large

    wild = np.argwhere(too_large(series))
    if len(wild):
        i, c, at = wild[0]
        raise InputError(
            f"series {i} has {in_words(series[i, c, at])} in channel {c}: write NaN for missing samples"
        )
    empty = np.flatnonzero(np.isnan(series).all(axis=(1, 2)))
    if len(empty):
        raise InputError(f"series {empty[0]} holds nothing but NaN: leave it out")


def classes_in(y: Any, count: int) -> np.ndarray:
    """The class of each series, ``(n,)``.

    Args:
        count: n.

    Raises:
        InputError: another number of them, one that is missing, none that are classes, or one class alone.
    """
    from sklearn.utils.multiclass import type_of_target

    try:
        y = np.asarray(y)
        y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
        if y.ndim != 1:
            raise InputError(f"y has shape {y.shape}: give one class a series, ({count},)")
        if len(y) != count:
            raise InputError(f"X holds {count} series and y {len(y)} classes: give one a series")
        missing = [i for i, value in enumerate(y.tolist()) if _is_missing(value)]
        if missing:
            raise InputError(f"y has no class for series {missing[0]}: leave the series out")
        kind, classes = type_of_target(y), np.unique(y)
    except InputError:
        raise
    except (TypeError, ValueError):
        raise InputError("y mixes classes of several types: make all of them text, or all numbers") from None
    if kind not in ("binary", "multiclass"):
        raise InputError(f"y holds {kind} values, which are no classes: give text or whole numbers")
    if len(classes) < 2:
        raise InputError(f"y holds one class ({classes[0]}): at least two are needed")
    return y


def names_of(classes: np.ndarray) -> list[str]:
    """What each class is called in words and reasons: its text, quoted where it is blank."""
    return [str(name) if str(name).strip() else repr(str(name)) for name in classes]


def channels_in(given: Any, count: int, rate_hz: float) -> tuple[tuple[Channel, ...], np.ndarray]:
    """What the channels are, and the factors that lead to their units, ``(C,)``.

    Args:
        given: None where nothing is known; `Channel`s, in the units of the package; or dicts, as the
            ``[[channels]]`` of a ``dataset.toml``.
        count: C.

    Raises:
        InputError: something is wrong with a channel, or there are more or fewer than C.
    """
    if given is None:
        given = [Channel(f"channel_{c}", "unknown", "unknown", str(c), "1") for c in range(count)]
    if not isinstance(given, Sequence) or isinstance(given, str) or not len(given):
        raise InputError("channels are a list: a dict for each channel, as [[channels]] of a dataset.toml")
    if all(isinstance(one, Channel) for one in given):
        channels, factors = tuple(given), np.ones(len(given))
    else:
        contents = {"name": "X", "rate_hz": rate_hz, "recordings": "X", "label_column": "y"}
        try:
            channels, factors = channels_of(check_contents({**contents, "channels": [*given]}, "channels"))
        except DataError as error:
            raise InputError(str(error)) from None
    if len(channels) != count:
        raise InputError(f"channels describe {len(channels)} channels, the series have {count}")
    return channels, factors


def windows_of(
    signal: np.ndarray,
    length: np.ndarray,
    label: np.ndarray,
    labels: list[str],
    channels: Sequence[Channel],
    rate_hz: float,
    cuts: bool,
) -> Windows:
    """Series as windows, of people who are not known.

    Args:
        signal: ``(n, C, T)``; length: samples of each, ``(n,)``; label: its place in ``labels``, ``(n,)``.
        cuts: all were cut out of one recording; else each is one of its own.

    Raises:
        InputError: as `Windows.validate`.
    """
    n, _, steps = signal.shape
    windows = Windows(
        dataset="series",
        rate_hz=rate_hz,
        channels=list(channels),
        labels=labels,
        subjects=[],
        recordings=["X"] if cuts else [f"X[{i}]" for i in range(n)],
        signal=signal,
        length=length.astype(np.int32),
        label=label.astype(np.int32),
        subject=np.full(n, -1, dtype=np.int32),
        recording=(np.zeros(n) if cuts else np.arange(n)).astype(np.int32),
        start_s=np.arange(n) * steps / rate_hz if cuts else np.zeros(n),
        split=np.full(n, -1, dtype=np.int8),
    )
    try:
        windows.validate()
    except DataError as error:
        raise InputError(str(error)) from None
    return windows


def _numbers(values: Any, where: str) -> np.ndarray:
    """As ``float32``. Raises InputError where they are no numbers."""
    from vqtext.model.decoding.arrays import numbers

    try:
        return numbers(values, where)
    except DataError as error:
        raise InputError(str(error)) from None
    except (TypeError, ValueError):  # lists in lists of different lengths
        raise InputError(f"{where} is no array of numbers: {TAKEN}") from None


def _is_missing(value: Any) -> bool:
    """None, NaN, or what pandas has for it."""
    return value is None or type(value).__name__ in ("NAType", "NaTType") or bool(value != value)


def _holds_frames(X: Any) -> bool:
    first = X[0] if isinstance(X, list | tuple) and X else None
    return hasattr(first, "iloc")
