"""What a training is given. Free of Lightning, whose import takes seconds: an E-step alone needs no more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from vqtext.model.grounding.emissions import Evidence
from vqtext.model.guidance.text_tokens import Guidance
from vqtext.model.training.dataset import WindowBatches
from vqtext.model.vocabulary import Grammar, Vocabulary
from vqtext.schema import Rows


@dataclass(frozen=True)
class TrainingData:
    """All that training needs. N windows, of which some train and some are kept apart, until all of them
    train; no test window.

    Attributes:
        signal: ``(·, C, T)`` in physical units, NaN where nothing was measured; in memory, or in a file.
        rows: which of its rows are the N windows.
        label: ``(N,)``.
        train, validation: places of the windows among the N.
        frame_keep: frames that lie inside their window, ``(N, F)``.
        vocabulary: anchors and transcripts; grammar: the same as chains over frames.
        anchors: unit vectors ``(K, d)``.
        label_vectors: each label in text space, unit vectors ``(n, d)``.
        guidance: text tokens, or None.
        measured: places of the windows that the E-step reads, in order: all, or some that stand for them.
        evidence: what the sensors did in these against what the words say.
        absent: places of the steps of each label that were left out: its windows are likelier without, or
            they are in ``never``; never: of those that corrections.json rules out.
        round_s: seconds of a round of each label, None where none was read.
        name_of: what a row of ``signal`` is called in messages.
    """

    signal: Rows
    rows: np.ndarray
    label: Tensor
    train: Tensor
    validation: Tensor
    frame_keep: Tensor
    vocabulary: Vocabulary
    grammar: Grammar
    anchors: Tensor
    label_vectors: Tensor
    guidance: Guidance | None
    measured: Tensor
    evidence: Evidence
    absent: Sequence[Sequence[int]] = ()
    never: Sequence[Sequence[int]] = ()
    round_s: Sequence[float | None] = ()
    name_of: Callable[[int], str] = "window {}".format

    def origin(self, place: int) -> str:
        """Where the training window at this place comes from."""
        return self.name_of(int(self.rows[self.train[place]]))

    def row_of(self, index: Tensor) -> Tensor:
        """Which row of the evidence is that of each window at the places ``index (M,)``, −1 where it was not
        measured, ``(M,)``."""
        row = torch.searchsorted(self.measured, index).clamp(max=len(self.measured) - 1)
        return torch.where(self.measured[row] == index, row, -1)

    def evidence_of(self, index: Tensor | None = None) -> tuple[Evidence, Tensor]:
        """The evidence of the windows at these places, None: of all, as far as they were measured, and which
        of its rows is each one's, as `row_of`."""
        row = self.row_of(torch.arange(len(self.label)) if index is None else index)
        known = row >= 0
        return self.evidence.of(row[known].numpy()), torch.where(known, known.cumsum(0) - 1, -1)

    def whole(self) -> TrainingData:
        """The same with all windows to train on, once nothing is left to be chosen."""
        train = torch.cat([self.train, self.validation])
        return replace(self, train=train, validation=self.validation[:0])

    def part(self, index: Tensor, drop: float | None = None) -> WindowBatches:
        """The windows at these places; with text for a share 1 − ``drop`` of them where it is given."""
        guidance = self.guidance if drop is not None else None
        return WindowBatches(
            self.signal, self.rows, self.label, self.frame_keep, index, guidance, drop if drop else 0.0
        )
