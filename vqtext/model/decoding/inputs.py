"""Signals on their way into a model: checked, padded to its windows, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from vqtext.errors import DataError, ShapeError
from vqtext.model.config import ModelConfig
from vqtext.model.decoding.arrays import check_rate, in_memory, numbers, rows_of
from vqtext.model.messages import listed
from vqtext.schema import Channel, Rows, earlier

CHUNK = 256  # windows a forward pass
GAP_S = 0.5  # a longer stretch without any sample counts as not seen
MAX_VALUE = 1e15  # of any unit; sums of its squares still fit into float32
Signals: TypeAlias = np.ndarray | Sequence[Any] | Mapping[Any, Any] | Rows | Any


def blocks(
    signals: Signals, index: Sequence[int] | np.ndarray | None, config: ModelConfig
) -> Iterator[Tensor]:
    """Checked windows ``(b, C, T)``, `CHUNK` at a time.

    Args:
        signals: ``(n, C, T)`` or one ``(C, T)``, T at most the model's, held in whatever `rows_of` takes.
        index: which of them, ``(m,)``; None takes all.

    Raises:
        ShapeError: another number of channels, or windows longer than the model's; nothing that holds
            windows, or a window that is not there.
        DataError: a value that is no number, infinite or huge, or a window of nothing but NaN; the message
            says which.
    """
    check_rate(signals, config.rate_hz)
    rows = rows_of(signals, [channel.name for channel in config.channels])
    if len(rows.shape) not in (2, 3):
        raise ShapeError(f"signals must be (n, C, T) or (C, T), not {len(rows.shape)}-dimensional")
    if len(rows.shape) == 2:
        rows = numbers(rows[:])[None]
    index = np.arange(rows.shape[0]) if index is None else _places(index, rows.shape[0])
    for start in range(0, max(1, len(index)), CHUNK):
        part = index[start : start + CHUNK]
        yield window_tensor(_read(rows, part), part, config)


def one_window(signal: Signals, config: ModelConfig) -> Tensor:
    """A single window, ``(C, T)``; raises as `blocks`, and DataError where there are several."""
    rows = next(blocks(signal, None, config))
    if len(rows) != 1:
        raise DataError(f"{len(rows)} windows were given: give the one (C, T) that the reason is of")
    return rows[0]


def _read(rows: Any, part: np.ndarray) -> np.ndarray:
    """Some rows in memory; those of a file are read in rising order, as HDF5 requires."""
    if isinstance(rows, np.ndarray):
        return numbers(rows[part])
    places, back = np.unique(part, return_inverse=True)
    return numbers(rows[places])[back]


def _places(index: Sequence[int] | np.ndarray, count: int) -> np.ndarray:
    """Which of ``count`` windows, ``(m,)``, out of their numbers or of a mask."""
    chosen = np.asarray(index)
    if chosen.dtype == bool and chosen.shape == (count,):
        return np.flatnonzero(chosen)
    if chosen.size and (chosen.dtype.kind not in "iu" or chosen.ndim != 1):
        raise ShapeError(f"index must be numbers of windows (m,) or a mask ({count},)")
    if (wrong := chosen[(chosen < -count) | (chosen >= count)]).size:
        raise ShapeError(f"index names window {wrong[0]}, there are {count}")
    return np.where(chosen < 0, chosen + count, chosen).astype(np.int64)


def window_tensor(x: np.ndarray, number: np.ndarray, config: ModelConfig) -> Tensor:
    """Windows ``(b, C, ≤ T)``, checked and filled up with NaN to ``(b, C, T)``; errors call them by their
    ``number (b,)``."""
    if x.ndim != 3:
        raise ShapeError(f"signals must be (n, C, T) or (C, T), not {x.ndim}-dimensional")
    if not len(x):
        raise ShapeError("signals hold no window: give at least one")
    check_channels(x.shape[1], config, x.shape[2])
    steps = config.steps
    if not x.shape[2]:
        raise ShapeError("windows hold no sample: give at least one")
    if x.shape[2] > steps:
        raise ShapeError(
            f"windows have {x.shape[2]} samples ({x.shape[2] / config.rate_hz:g} s), the model "
            f"takes {steps} ({config.window_s:g} s at {config.rate_hz:g} Hz): cut them first, or give the "
            "whole recording to explain_recording"
        )
    if (extreme := too_large(x)).any():
        window, channel, sample = np.argwhere(extreme)[0]
        raise DataError(
            f"window {number[window]} has {in_words(x[window, channel, sample])} in channel "
            f"{config.channels[channel].name}: write NaN where nothing was measured"
        )
    empty = np.isnan(x).all((1, 2))
    if empty.any():
        raise DataError(f"window {number[int(empty.argmax())]} holds nothing but NaN: leave it out")
    if x.shape[2] < steps:
        x = np.pad(x, ((0, 0), (0, 0), (0, steps - x.shape[2])), constant_values=np.nan)
    return torch.from_numpy(x)


def too_large(x: np.ndarray) -> np.ndarray:
    """Where values are infinite, or so large that their squares are."""
    return np.abs(x) > MAX_VALUE


def in_words(value: float) -> str:
    """A value that is `too_large`, in words."""
    return "an infinite value" if np.isinf(value) else f"the value {value:g}"


def check_channels(count: int, config: ModelConfig, samples: int = 0) -> None:
    """Raises ShapeError where a signal ``(count, samples)`` has not the model's channels."""
    expected = len(config.channels)
    if count != expected:
        names = ", ".join(channel.name for channel in config.channels)
        swapped = "; the axes stand the other way round: swap them" if samples == expected else ""
        raise ShapeError(
            f"signals have {count} channels, the model was trained on {expected}: {names}{swapped}; "
            "signals are (n, C, T) or (C, T), time last"
        )


def arrange(signals: Signals, channels: Sequence[Channel], config: ModelConfig) -> np.ndarray:
    """Signals of another sensor set-up as a model takes them: its channels in its order, NaN where one is not
    there.

    Args:
        signals: ``(…, c, T)`` in the units of ``channels``; the columns of frames have their names.
        channels: metadata of the c channels; they are known by location, modality and axis, and of several
            that share these by how many came before.

    Returns:
        ``(…, C, T) float32``

    Raises:
        ShapeError: the signals have not these channels, or the model has none of them, or never saw one, or
            knows it in another unit, or with gravity where there is none.
    """
    signals = in_memory(signals, [channel.name for channel in channels], "signals")
    if signals.ndim < 2 or signals.shape[-2] != len(channels):
        raise ShapeError(f"{len(channels)} channels are described, the signals have shape {signals.shape}")
    places = {kind: i for i, kind in enumerate(_kinds(config.channels))}
    out = np.full((*signals.shape[:-2], len(places), signals.shape[-1]), np.nan, np.float32)
    if unknown := unlike(channels, config.channels):
        known = ", ".join(dict.fromkeys(f"{c.location} {c.modality}" for c in config.channels))
        raise ShapeError(f"the model never saw {sensor_names(unknown)}: leave them out; it knows {known}")
    for row, (channel, kind) in enumerate(zip(channels, _kinds(channels), strict=True)):
        place = places[kind]
        trained = config.channels[place]
        if (channel.unit, channel.gravity) != (trained.unit, trained.gravity):
            own, expected = (
                f"in {c.unit}{' without gravity' if not c.gravity else ''}" for c in (channel, trained)
            )
            raise ShapeError(f"{channel.name} is {own}, the model takes it {expected}: convert it first")
        out[..., place, :] = signals[..., row, :]
    return out


def unlike(channels: Sequence[Channel], others: Sequence[Channel]) -> list[Channel]:
    """Those of the channels that are none of the others, by location, modality and axis."""
    known = set(_kinds(others))
    return [c for c, kind in zip(channels, _kinds(channels), strict=True) if kind not in known]


def sensor_names(channels: Sequence[Channel]) -> str:
    """Channels in a message."""
    return listed(f"{c.location} {c.modality} {c.axis}" for c in channels)


def _kinds(channels: Sequence[Channel]) -> list[tuple[str, str, str, int]]:
    """What each channel is known by."""
    kinds = [(c.location, c.modality, c.axis) for c in channels]
    return [(*kind, before) for kind, before in zip(kinds, earlier(kinds), strict=True)]


def frames_seen(rows: Tensor, config: ModelConfig) -> Tensor:
    """Frames of each window ``(B, C, T)`` in which a sensor measured something, or did shortly before and
    after, ``(B, F)``."""
    measured, place = rows.isfinite().any(1), torch.arange(config.steps)
    before = torch.where(measured, place, -config.steps).cummax(1).values
    after = torch.where(measured, place, 2 * config.steps).flip(1).cummin(1).values.flip(1)
    seen = after - before <= 1 + GAP_S * config.rate_hz
    return torch.nn.functional.adaptive_max_pool1d(seen.float(), config.frames) > 0
