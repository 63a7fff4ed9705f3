"""What people hold signals in → numbers: arrays, masked arrays, tensors, lists and pandas DataFrames.

A library is known by what its objects can do, so that none of them need be installed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from vqtext.errors import DataError, ShapeError
from vqtext.schema import has_dates, is_frame

TAKEN = "give an array (n, C, T) or (C, T), nested lists, a pandas DataFrame, or a list or dict of them"
MOST_NAMED = 10  # channels that a message lists


def rows_of(given: Any, names: Sequence[str]) -> Any:
    """Signals as something with a ``shape`` of which rows can be taken.

    An array, also one in a file, stays what it is, so that its rows are converted only where they are taken;
    anything else becomes an array in memory.

    Args:
        given: see `TAKEN`.
        names: of the channels, in the order of a model: frames are brought to it by their columns.

    Raises:
        ShapeError: it is nothing of that kind, its parts differ in shape, or a frame has other columns.
        DataError: a value is no number.
    """
    if isinstance(given, torch.Tensor):
        return numbers(given)
    if is_frame(given) or isinstance(given, list | tuple | Mapping):
        return in_memory(given, names, "signals")
    if hasattr(given, "columns") or not hasattr(given, "shape") or not hasattr(given, "dtype"):
        kind = f"{type(given).__module__}.{type(given).__qualname__}".removeprefix("builtins.")
        way = "call its to_pandas()" if hasattr(given, "to_pandas") else TAKEN
        raise ShapeError(f"signals are a {kind}: {way}")
    _check_unit(given, "signals")
    return given


def check_rate(given: Any, rate_hz: float) -> None:
    """Raises ShapeError where rows of a frame, or of one of several, are by their index of another rate."""
    frames = given.values() if isinstance(given, Mapping) else given
    for frame in frames if isinstance(given, list | tuple | Mapping) else [given]:
        if not is_frame(frame) or not has_dates(frame) or len(frame) < 2:
            continue
        step = float(frame.index.to_series().diff().dt.total_seconds().median())
        if not 0.8 < step * rate_hz < 1.25:
            raise ShapeError(
                f"rows of a frame are {step:g} s apart by its index, the model takes {rate_hz:g} Hz: "
                "resample them, or give the whole recording to explain_recording"
            )


def in_memory(given: Any, names: Sequence[str], where: str) -> np.ndarray:
    """The same as ``float32`` in memory.

    Args:
        where: what errors call it.
    """
    if is_frame(given):
        return of_frame(given, names, where)
    if not isinstance(given, list | tuple | Mapping):
        return numbers(rows_of(given, names), where)
    named = given.items() if isinstance(given, Mapping) else enumerate(given)
    parts = {f"{where}[{key!r}]": part for key, part in named}
    if not parts:
        raise ShapeError(f"{where} hold nothing: give at least one window")
    if not any(map(_holds_more, parts.values())):
        return numbers(np.asarray(list(parts.values())), where)
    found = {place: in_memory(part, names, place) for place, part in parts.items() if _holds_more(part)}
    first, shape = next((place, array.shape) for place, array in found.items())
    for place in parts:
        if place not in found or found[place].shape != shape:
            other = f"has shape {found[place].shape}" if place in found else "is a single value"
            raise ShapeError(
                f"{place} {other}, {first} has shape {shape}: give all one shape, NaN where nothing was "
                "measured"
            )
    return np.stack(list(found.values()))


def of_frame(frame: Any, names: Sequence[str], where: str) -> np.ndarray:
    """A frame with one column a channel, in any order, ``(C, T) float32``.

    Raises:
        ShapeError: a column is missing, stands twice, or belongs to no channel.
        DataError: a value is no number.
    """
    columns = [str(column) for column in frame.columns]
    missing = [name for name in names if name not in columns]
    twice = [name for name in names if columns.count(name) > 1]
    strange = [column for column in columns if column not in names]
    if missing:
        raise ShapeError(
            f"{where}: the frame has no column {listed(missing)}; the model's channels are {listed(names)}, "
            f"the frame has {listed(columns)}"
        )
    if twice:
        raise ShapeError(f"{where}: the frame has two columns {listed(twice)}")
    if strange:
        raise ShapeError(
            f"{where}: the model has no channel {listed(strange)}: leave such columns out, with "
            "frame[[c.name for c in model.config.channels]]"
        )
    return np.stack([column_numbers(frame, columns.index(name), where) for name in names])


def column_numbers(frame: Any, place: int, where: str) -> np.ndarray:
    """One column of a frame, ``(T,) float32``; what is missing in it, of whatever kind, is NaN."""
    column = frame.iloc[:, place]
    where = f"{where}, column {str(frame.columns[place])!r}"
    if column.dtype.kind in "iuf":
        return numbers(column.astype("float64").to_numpy(dtype=np.float64, na_value=np.nan), where)
    return numbers(column.to_numpy(), where)


def numbers(values: Any, where: str = "signals") -> np.ndarray:
    """Values as ``float32``, NaN where they are masked or None.

    Raises:
        DataError: they are text, complex, dates, or anything else that is no real number.
    """
    if isinstance(values, torch.Tensor):
        try:
            values = values.detach().to_dense().cpu()
            values = (values if values.is_complex() else values.float()).numpy()
        except RuntimeError:
            raise DataError(
                f"{where} are a tensor that is quantised, nested or on no device: give a dense one of floats"
            ) from None
    mask = np.ma.getmask(values)
    array = np.asarray(values)
    if array.dtype.kind == "O":
        absent: Any = None
        array = _plain(np.where(mask, absent, array), where)  # whatever stands beneath the mask
    if array.dtype.kind not in "biuf":
        what = {"c": "complex numbers", "U": "text", "S": "text", "M": "dates", "m": "durations"}
        kind = what.get(array.dtype.kind, f"values of type {array.dtype}")
        raise DataError(f"{where} hold {kind}, not real numbers: {_way_out(array.dtype.kind)}")
    with np.errstate(over="ignore"):
        array = array.astype(np.float32, copy=False)
    return np.where(mask, np.float32(np.nan), array) if np.any(mask) else array


def listed(names: Sequence[str]) -> str:
    """Names in a message, the first of them where they are many."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(map(repr, names[:MOST_NAMED])) + more


def _holds_more(part: Any) -> bool:
    """Whether it is no single value. Text is one, and is told as such."""
    return isinstance(part, list | tuple | Mapping) or getattr(part, "shape", ()) != () or is_frame(part)


def _plain(array: np.ndarray, where: str) -> np.ndarray:
    """Python objects as numbers. Text is refused though Python would read it: it may be a decimal comma or a
    label just as well."""
    found = np.empty(array.size, dtype=np.float64)
    for i, value in enumerate(array.flat):
        missing = value is None or value is np.ma.masked or type(value).__name__ == "NAType"
        try:
            if isinstance(value, str | bytes):
                raise TypeError
            found[i] = np.nan if missing else float(value)
        except (TypeError, ValueError):
            shown = repr(value) if isinstance(value, str | bytes) else f"a {type(value).__name__}"
            raise DataError(f"{where} hold {shown[:60]}, not a real number: {_way_out('O')}") from None
    return found.reshape(array.shape)


def _way_out(kind: str) -> str:
    if kind == "c":
        return "give magnitude, or real and imaginary part, as the model was trained on"
    return "convert them first, NaN where nothing was measured"


def _check_unit(given: Any, where: str) -> None:
    """A quantity with a unit of its own would lose it without a word."""
    for name in ("unit", "units"):
        if hasattr(given, name):
            raise DataError(
                f"{where} carry a unit ({getattr(given, name)}): convert them to the model's and give the "
                "plain numbers"
            )
