"""What people hold signals in → numbers: arrays, masked arrays, tensors, lists and pandas DataFrames.

A library is known by what its objects can do, so that none of them need be installed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from vqtext.errors import DataError, ShapeError
from vqtext.model.messages import listed
from vqtext.schema import has_dates, is_frame

TAKEN = "give an array (n, C, T) or (C, T), nested lists, a pandas DataFrame, or a list or dict of them"


def rows_of(signals: Any, names: Sequence[str]) -> Any:
    """Signals as something with a ``shape`` of which rows can be taken.

    An array, also one in a file, stays what it is, so that its rows are converted only where they are taken;
    anything else becomes an array in memory.

    Args:
        signals: see `TAKEN`.
        names: of the channels, in the order of a model: frames are brought to it by their columns.

    Raises:
        ShapeError: it is nothing of that kind, its parts differ in shape, or a frame has other columns.
        DataError: a value is no number.
    """
    if isinstance(signals, torch.Tensor):
        return numbers(signals)
    if is_frame(signals) or isinstance(signals, list | tuple | Mapping):
        return in_memory(signals, names, "signals")
    if hasattr(signals, "columns") or not hasattr(signals, "shape") or not hasattr(signals, "dtype"):
        kind = f"{type(signals).__module__}.{type(signals).__qualname__}".removeprefix("builtins.")
        way_out = "call its to_pandas()" if hasattr(signals, "to_pandas") else TAKEN
        raise ShapeError(f"signals are a {kind}: {way_out}")
    for name in ("unit", "units"):  # a quantity would lose its unit silently
        if hasattr(signals, name):
            raise DataError(
                f"signals carry a unit ({getattr(signals, name)}): convert them to the model's and give the "
                "plain numbers"
            )
    return signals


def check_rate(signals: Any, rate_hz: float) -> None:
    """Raises ShapeError where rows of a frame, or of one of several, are by their index of another rate."""
    parts = signals.values() if isinstance(signals, Mapping) else signals
    for frame in parts if isinstance(signals, list | tuple | Mapping) else [signals]:
        if not is_frame(frame) or not has_dates(frame) or len(frame) < 2:
            continue
        step = float(frame.index.to_series().diff().dt.total_seconds().median())
        if not 0.8 < step * rate_hz < 1.25:
            raise ShapeError(
                f"rows of a frame are {step:g} s apart by its index, the model takes {rate_hz:g} Hz: "
                "resample them, or give the whole recording to explain_recording"
            )


def in_memory(signals: Any, names: Sequence[str], where: str) -> np.ndarray:
    """The same as ``float32`` in memory.

    Args:
        where: what errors call it.
    """
    if is_frame(signals):
        return of_frame(signals, names, where)
    if not isinstance(signals, list | tuple | Mapping):
        return numbers(rows_of(signals, names), where)
    items = signals.items() if isinstance(signals, Mapping) else enumerate(signals)
    parts = {f"{where}[{key!r}]": part for key, part in items}
    if not parts:
        raise ShapeError(f"{where} hold nothing: give at least one window")
    arrays = {key: in_memory(part, names, key) for key, part in parts.items() if not _is_scalar(part)}
    if not arrays:
        return numbers(np.asarray(list(parts.values())), where)
    first, shape = next((key, array.shape) for key, array in arrays.items())
    for key in parts:
        if key not in arrays or arrays[key].shape != shape:
            other = f"has shape {arrays[key].shape}" if key in arrays else "is a single value"
            raise ShapeError(
                f"{key} {other}, {first} has shape {shape}: give all one shape, NaN where nothing was "
                "measured"
            )
    return np.stack(list(arrays.values()))


def of_frame(frame: Any, names: Sequence[str], where: str) -> np.ndarray:
    """A frame with one column a channel, in any order, ``(C, T) float32``.

    Raises:
        ShapeError: a column is missing, stands twice, or belongs to no channel.
        DataError: a value is no number.
    """
    columns = [str(column) for column in frame.columns]
    missing = [name for name in names if name not in columns]
    repeated = [name for name in names if columns.count(name) > 1]
    unknown = [column for column in columns if column not in names]
    if missing:
        raise ShapeError(
            f"{where}: the frame has no column {_quoted(missing)}; the model's channels are "
            f"{_quoted(names)}, the frame has {_quoted(columns)}"
        )
    if repeated:
        raise ShapeError(f"{where}: the frame has two columns {_quoted(repeated)}")
    if unknown:
        raise ShapeError(
            f"{where}: the model has no channel {_quoted(unknown)}: leave such columns out, with "
            "frame[[c.name for c in model.config.channels]]"
        )
    return np.stack([column_numbers(frame, columns.index(name), where) for name in names])


def column_numbers(frame: Any, position: int, where: str) -> np.ndarray:
    """One column of a frame, ``(T,) float32``; missing values of any kind are NaN."""
    column = frame.iloc[:, position]
    where = f"{where}, column {str(frame.columns[position])!r}"
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
        none: Any = None
        array = _objects_as_floats(np.where(mask, none, array), where)  # whatever the mask hides
    if array.dtype.kind not in "biuf":
        kinds = {"c": "complex numbers", "U": "text", "S": "text", "M": "dates", "m": "durations"}
        kind = kinds.get(array.dtype.kind, f"values of type {array.dtype}")
        raise DataError(f"{where} hold {kind}, not real numbers: {_way_out(array.dtype.kind)}")
    with np.errstate(over="ignore"):
        array = array.astype(np.float32, copy=False)
    return np.where(mask, np.float32(np.nan), array) if np.any(mask) else array


def _quoted(names: Sequence[str]) -> str:
    return listed(map(repr, names))


def _is_scalar(part: Any) -> bool:
    """Whether it is a single value, which text is too."""
    nested = isinstance(part, list | tuple | Mapping) or is_frame(part)
    return not nested and getattr(part, "shape", ()) == ()


def _objects_as_floats(array: np.ndarray, where: str) -> np.ndarray:
    """Python objects as numbers. Text is refused though Python would read it: it may be a decimal comma or a
    label just as well."""
    floats = np.empty(array.size, dtype=np.float64)
    for i, value in enumerate(array.flat):
        missing = value is None or value is np.ma.masked or type(value).__name__ == "NAType"
        try:
            if isinstance(value, str | bytes):
                raise TypeError
            floats[i] = np.nan if missing else float(value)
        except (TypeError, ValueError):
            shown = repr(value) if isinstance(value, str | bytes) else f"a {type(value).__name__}"
            raise DataError(f"{where} hold {shown[:60]}, not a real number: {_way_out('O')}") from None
    return floats.reshape(array.shape)


def _way_out(kind: str) -> str:
    if kind == "c":
        return "give magnitude, or real and imaginary part, as the model was trained on"
    return "convert them first, NaN where nothing was measured"
