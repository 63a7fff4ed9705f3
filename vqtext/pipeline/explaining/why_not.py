"""What a window would have to be for another class: the step that it lacks, and the stretch drawn anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vqtext.data.windows.windows import Windows
from vqtext.reason import Reason, Redrawn, WhyNot

if TYPE_CHECKING:
    from vqtext.model.decoding.redraw import Drawing
    from vqtext.model.load import VQText

EXAMPLES = 16
"""Training windows of a class, spread over all, from which its steps are drawn."""


def other_class(model: VQText, signal: np.ndarray, reason: Reason) -> str | None:
    """The likeliest class that other steps tell from the reason's; None where there is none."""
    chance = model.predict_proba(signal)[0]
    number = model.config.labels.index(reason.label)
    others = [
        i for i in chance.argsort()[::-1].tolist() if chance[i] > 0 and not model.decoder.same[number, i]
    ]
    return model.config.labels[others[0]] if others else None


def why_not(
    model: VQText,
    windows: Windows,
    learned: np.ndarray,
    signal: np.ndarray,
    reason: Reason,
    label: str,
    drawn: dict[int, list[Drawing]] | None = None,
) -> tuple[WhyNot, Redrawn | None]:
    """Why a window is not of another class, and what would make it one.

    Args:
        learned: training windows of the model, as rows of ``windows``.
        signal: of the window, ``(C, T)``.
        drawn: what was drawn of labels for other windows; it is added to.

    Raises:
        DataError: no such class, or the reason's own.
    """
    from vqtext.model.decoding.redraw import drawings, redraw

    why, number = reason.why_not(label), windows.labels.index(label)
    drawn = {} if drawn is None else drawn
    if number not in drawn:
        own = learned[windows.label[learned] == number]
        few = np.unique(own[np.linspace(0, len(own) - 1, min(EXAMPLES, len(own))).astype(int)])
        drawn[number] = drawings(model, windows.signal[few], number) if len(own) else []
    return why, redraw(model, signal, reason, label, drawn[number])
