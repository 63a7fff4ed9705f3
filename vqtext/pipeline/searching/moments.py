"""When a model says each step, in all windows: what a search looks through."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from vqtext.data.windows.windows import Windows
    from vqtext.model.load import VQText

AT_ONCE = 500  # windows; bounds memory


@dataclass(frozen=True)
class Moments:
    """Stretches of windows of one decoded step each, m of them.

    Attributes:
        window: row of windows.h5; start, end: frames in it, ``(m,)``.
        label, anchor: class of the window, and the step.
        confidence: of the step, as people are shown it, ``(m,)``.
        names: what the network says of that stretch, chances of all anchors, ``(m, K)``.
        frame_s: seconds of a frame.
    """

    window: np.ndarray
    start: np.ndarray
    end: np.ndarray
    label: np.ndarray
    anchor: np.ndarray
    confidence: np.ndarray
    names: np.ndarray
    frame_s: float

    def __len__(self) -> int:
        return len(self.window)

    def take(self, rows: np.ndarray) -> Moments:
        """Some of them."""
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self)[:-1]})


def moments_of(model: VQText, windows: Windows, index: np.ndarray) -> Moments:
    """The decoded steps of some windows, each once: of windows that overlap, the longest."""
    parts = [index[i : i + AT_ONCE] for i in range(0, len(index), AT_ONCE)]
    read = [_read(model, windows, part) for part in parts]
    found = Moments(
        **{f.name: np.concatenate([getattr(part, f.name) for part in read]) for f in fields(Moments)[:-1]},
        frame_s=model.config.window_s / model.config.frames,
    )
    return found.take(_once(found, windows))


def _read(model: VQText, windows: Windows, index: np.ndarray) -> Moments:
    """All decoded steps of some windows."""
    decoded, names = model.decode(windows.signal, index), model.tokenize(windows.signal, index).names
    name = np.where(decoded.keep, decoded.anchor, -1)
    change = np.ones((len(index), name.shape[1] + 1), dtype=bool)
    change[:, 1:-1] = name[:, 1:] != name[:, :-1]
    row, begin = np.nonzero(change[:, :-1])
    end = np.nonzero(change[:, 1:])[1] + 1  # a run ends where the next begins
    is_step = name[row, begin] >= 0
    row, begin, end = row[is_step], begin[is_step], end[is_step]

    def mean(values: np.ndarray) -> np.ndarray:
        """Over the frames of each stretch; of ``(n, F, …)``."""
        before = np.concatenate([np.zeros_like(values[:, :1]), values.cumsum(1)], axis=1)
        long = (end - begin).reshape(-1, *[1] * (values.ndim - 2))
        return np.asarray((before[row, end] - before[row, begin]) / long)

    frame_s = model.config.window_s / model.config.frames
    own = decoded.label[row], name[row, begin], mean(decoded.confidence), mean(names)
    return Moments(index[row], begin, end, *own, frame_s)


def _once(found: Moments, windows: Windows) -> np.ndarray:
    """Rows without those that overlap a longer one of the same step in the same recording: the border of a
    window cuts steps, and of a stub a model may be all the surer."""
    start = windows.start_s[found.window] + found.start * found.frame_s
    end = windows.start_s[found.window] + found.end * found.frame_s
    recording, sure = windows.recording[found.window], found.confidence
    rows: list[int] = []
    for i in np.lexsort((start, found.anchor, recording)).tolist():
        last = rows[-1] if rows else i
        same = recording[last] == recording[i] and found.anchor[last] == found.anchor[i]
        if rows and same and start[i] < end[last] - found.frame_s / 2:
            longer = end[i] - start[i] - (end[last] - start[last])
            if longer > found.frame_s / 2 or (longer > -found.frame_s / 2 and sure[i] > sure[last]):
                rows[-1] = i
        else:
            rows.append(i)
    return np.sort(np.array(rows, dtype=np.int64))
