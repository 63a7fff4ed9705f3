"""Missing samples and other rates."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from vqtext.errors import DataError


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Stretches (start, stop) in which a mask ``(T,)`` is true."""
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def fill(signal: np.ndarray, longest: int | None = None) -> np.ndarray:
    """Missing samples replaced by straight lines between their neighbours, in each channel on its own.

    Args:
        signal: ``(C, T)``; NaN is missing.
        longest: longer stretches stay missing, and so do stretches at either end; None fills everything,
            the ends with the nearest sample. A channel without a single sample stays as it is.

    Returns:
        A new array, ``(C, T)``.
    """
    filled = signal.copy()
    time = np.arange(signal.shape[1])
    for row in filled:
        missing = np.isnan(row)
        if missing.all() or not missing.any():
            continue
        if longest is not None:
            for start, stop in runs(missing):
                if stop - start > longest or start == 0 or stop == row.size:
                    missing[start:stop] = False
        known = ~np.isnan(row)
        row[missing] = np.interp(time[missing], time[known], row[known])
    return filled


def resample(signal: np.ndarray, rate_hz: float, new_rate_hz: float) -> np.ndarray:
    """A stretch without time gaps at another rate, low-passed against aliasing where the rate falls.

    Missing samples are bridged for the filter, which would spread each over twenty others, and are missing
    again afterwards.

    Args:
        signal: ``(C, T)``; NaN is missing.

    Returns:
        ``(C, T') float32``, the first sample at the same moment as before.
    """
    from scipy.signal import resample_poly

    ratio = Fraction(new_rate_hz / rate_hz).limit_denominator(1000)
    if not ratio:
        raise DataError(
            f"{new_rate_hz:g} Hz is too slow for recordings of {rate_hz:g} Hz: choose a higher --rate"
        )
    bridged = np.nan_to_num(fill(signal))  # a channel without samples becomes zero here, and NaN below
    new = resample_poly(bridged, ratio.numerator, ratio.denominator, axis=1, padtype="line")
    return np.where(
        np.isnan(signal)[:, nearest(new.shape[1], signal.shape[1], rate_hz, new_rate_hz)], np.nan, new
    ).astype(np.float32)


def nearest(new_length: int, length: int, rate_hz: float, new_rate_hz: float) -> np.ndarray:
    """For each new sample the index of the old one nearest in time, ``(new_length,)``."""
    moments = np.arange(new_length) * (rate_hz / new_rate_hz)
    return np.minimum(np.round(moments).astype(np.int64), length - 1)
