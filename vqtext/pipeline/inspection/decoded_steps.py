"""When a trained model says each step, so that the sensors can be asked what was written of it.

What the words say of a sensor is a guess of whoever wrote them. Once it is known when each step happens, the
sensor can be held against it (`check_levels`, `check_directions`), and the clock too (`check_durations`);
nothing is changed by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.data.locations import best_cell
from vqtext.data.windows.windows import Windows
from vqtext.pipeline.training.sampling import few_of_each
from vqtext.pipeline.training.written import hands_of
from vqtext.schema import Cell

if TYPE_CHECKING:
    from vqtext.model.load import Decodings, VQText
    from vqtext.pipeline.vocabulary.anchor_words import Words

WINDOWS_PER_LABEL = 500  # training windows of a label that are enough to know its steps
MIN_SECONDS = 1.0  # seconds of a step in all, below which nothing is found


@dataclass(frozen=True)
class DecodedSteps:
    """What a model says of some of its training windows.

    Attributes:
        windows, words: of the data, and what is written of its labels' steps.
        train: places of the training windows; index: of those that are looked at, ``(n,)``.
        decoded: the decoding of the windows at ``index``.
        frames, frame_s: frames of a window, F, and how long each lasts.
        rejected: cells that the data contradict: label, step, and location, None for the way it goes.
    """

    windows: Windows
    words: Words
    train: np.ndarray
    index: np.ndarray
    decoded: Decodings
    frames: int
    frame_s: float
    rejected: frozenset[tuple[str, int, str | None]] = frozenset()

    @classmethod
    def of(
        cls,
        model: VQText,
        windows: Windows,
        train: np.ndarray,
        words: Words,
        rejected: Iterable[Mapping[str, Any]] = (),
    ) -> DecodedSteps:
        """Decode `WINDOWS_PER_LABEL` training windows of each label. No other window is looked at.

        Args:
            rejected: cells that the data contradict (`rejected_cells`).
        """
        index = train[few_of_each(windows.label[train], WINDOWS_PER_LABEL)]
        frames = model.config.frames
        decoded = model.decode(windows.signal, index)
        left_out = frozenset((cell["label"], cell["step"], cell["location"]) for cell in rejected)
        return cls(windows, words, train, index, decoded, frames, model.config.window_s / frames, left_out)

    def measured(
        self,
        values: np.ndarray,
        locations: Sequence[str],
        written_in: Callable[[Cell, int], str | None],
        going: bool = False,
    ) -> list[dict[str, Any]]:
        """For each cell that writes something of a measured place, the mean of what was measured in its step.

        Args:
            values: measured in the windows at ``index`` by frame, ``(n, F, P)``, NaN where nothing was.
            locations: of the P places.
            written_in: what a cell writes of a place, None where nothing.
            going: it is a way, not a level.

        Returns:
            ``label, phrase, location, cell`` (its key in the signature) and ``written``; ``z``, None where
            the step lasts less than `MIN_SECONDS` in all, ``seconds``, and ``rejected`` by the data.
        """
        total: dict[tuple[int, int, str, str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
        left_out = set()
        for i, u, hand, now in self._steps():
            signature = self.words.uses[i][u][1].signature or {}
            for place, location in enumerate(locations):
                cell = best_cell(location, signature, hand)
                if cell is None or (written := written_in(signature[cell], place)) is None:
                    continue
                z = values[now][:, place]
                z = z[np.isfinite(z)]
                # the dominant wrist is one place, whichever wrist it is
                where = cell if "dominant" in cell else location
                key = (i, u, where, cell, written)
                if (self.windows.labels[i], u, None if going else location) in self.rejected:
                    left_out.add(key)
                sums = total[key]
                sums[0] += float(z.sum())
                sums[1] += len(z)
        return [
            {
                "label": self.windows.labels[i],
                "phrase": self.words.uses[i][u][1].phrase,
                "location": where,
                "cell": cell,
                "written": written,
                "z": s / n if n * self.frame_s >= MIN_SECONDS else None,
                "seconds": round(n * self.frame_s, 1),
                "rejected": (i, u, where, cell, written) in left_out,
            }
            for (i, u, where, cell, written), (s, n) in total.items()
        ]

    def seconds(self, label: int) -> list[float]:
        """Mean seconds of each step of a label, over those that begin and end inside their window; NaN where
        fewer than two do."""
        import torch

        from vqtext.model.hsmm.semi_markov import durations

        count = len(self.words.uses[label])
        own = self._right(label)
        step = np.where(self.decoded.keep[own], self.decoded.use[own], -1)
        mean, _ = durations(torch.from_numpy(step + 1), count + 1)
        return [float(frames) * self.frame_s for frames in mean[1:]]

    def _right(self, label: int) -> np.ndarray:
        """The windows of a label of which the model says so, ``(n,)``."""
        return (self.windows.label[self.index] == label) & (self.decoded.label == label)

    def _steps(self) -> Iterator[tuple[int, int, str | None, np.ndarray]]:
        """Label, step, the dominant hand of the people, and the frames ``(n, F)`` in which they do it, where
        the model gets the label right."""
        hands, kinds = hands_of(self.windows, self.index)
        of_windows = np.array(hands, dtype=object)
        for hand in kinds:
            for i, uses in enumerate(self.words.uses):
                own = (of_windows == hand) & self._right(i)
                for u in range(len(uses)):
                    yield i, u, hand, own[:, None] & (self.decoded.use == u) & self.decoded.keep
