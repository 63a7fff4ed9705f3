"""Windows explained: as ``explain.json`` and the page have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.data.windows.windows import Windows
from vqtext.pipeline.explaining.truth import WindowTruth, truth_of_window
from vqtext.pipeline.explaining.why_not import other_class, why_not
from vqtext.pipeline.training.run_record import Fold
from vqtext.reason import Reason, Redrawn, WhyNot
from vqtext.report.content import Sample

if TYPE_CHECKING:
    from vqtext.model.decoding.redraw import Drawing
    from vqtext.model.load import VQText


@dataclass(frozen=True)
class ExplainedWindow:
    """A window by its row, the model that explained it, and why it is not of the likeliest other class."""

    row: int
    model: str
    reason: Reason
    why_not: WhyNot | None
    redrawn: Redrawn | None
    truth: WindowTruth | None

    def to_dict(self, windows: Windows, shown: Mapping[str, str]) -> dict[str, Any]:
        """As ``explain.json`` has it."""
        true = windows.labels[windows.label[self.row]]
        return {
            "window": self.row,
            "model": self.model,
            "true": true,
            "true_display": shown.get(true),
            "truth": self.truth and self.truth.to_dict(),
            "text": str(self.reason),
            **self.reason.to_dict(),
            "why_not": self.why_not and self.why_not.to_dict(),
            "drawn": self.redrawn and self.redrawn.to_dict(),
        }

    def drawn(self, windows: Windows) -> Sample:
        """As the page has it."""
        return Sample(
            self.row,
            windows.signal[self.row][:, : windows.length[self.row]],
            windows.rate_hz,
            tuple(windows.channels),
            self.reason,
            windows.labels[windows.label[self.row]],
            why_not=self.why_not,
            redrawn=self.redrawn,
            truth=str(self.truth) if self.truth else None,
        )


def samples_of(
    model: VQText, windows: Windows, fold: Fold, meant: dict[str, set[int]] | None, rows: np.ndarray
) -> dict[int, ExplainedWindow]:
    """The samples that one model explains, by their rows; ``meant`` as `truth_of_window` takes it."""
    drawings: dict[int, list[Drawing]] = {}
    samples = {}
    for row, reason in zip(rows.tolist(), model.explain(windows.signal, rows), strict=True):
        signal = windows.signal[row]
        reason = model.highlight(signal, reason)
        why: WhyNot | None = None
        redrawn: Redrawn | None = None
        if other := other_class(model, signal, reason):
            why, redrawn = why_not(model, windows, fold.split.learn, signal, reason, other, drawings)
        samples[row] = ExplainedWindow(
            row, fold.best, reason, why, redrawn, truth_of_window(windows, row, reason, meant)
        )
    return samples
