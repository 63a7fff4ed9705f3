"""Whether a reason is the reason: deleting what it points at must hurt its class more than deleting as much
elsewhere (the deletion test; Petsiuk and others, 2018, arXiv 1806.07421)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from vqtext.data.windows.windows import Windows
from vqtext.pipeline.evaluation.frame_metrics import at_samples

if TYPE_CHECKING:
    from vqtext.model.load import Decodings, VQText

SHARE = 0.25
"""Share of a window's frames that is deleted."""

WINDOWS = 400
"""Test windows, spread over all, that are enough to know the mean of a drop."""

DRAWS = 3
"""Random deletions of a window, whose mean is taken."""

_EPS = 1e-4


def deletion(
    model: VQText, windows: Windows, index: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """How far the posterior of the class that was read falls when parts of the signal are deleted.

    Args:
        model: the model that is asked.
        windows, index: which windows.
        rng: decides where the random parts lie.

    Returns:
        Two ``(m,)``: after the most evidential named steps were deleted, and after as many random pieces of
        the same lengths were. Windows in which nothing is named are left out.
    """
    if not len(index):
        return np.empty(0), np.empty(0)
    decoded = model.decode(windows.signal, index)
    evidence = _evidence(model, model.tokenize(windows.signal, index).names, decoded)
    frames = decoded.keep.shape[1]
    ends = frames - decoded.keep[:, ::-1].argmax(1)  # one after the last frame that was seen
    pieces = [
        _pieces(np.where(keep, use, -1)[:end], own[:end])
        for use, own, keep, end in zip(decoded.use, evidence, decoded.keep, ends, strict=True)
    ]
    named = np.flatnonzero([len(own) > 0 for own in pieces])
    if not named.size:
        return np.empty(0), np.empty(0)
    signal = np.asarray(windows.signal[index])[named]
    label = decoded.label[named]
    before = np.exp(decoded.log_posterior[named, label])

    def drop(chosen: Sequence[Sequence[tuple[int, int]]]) -> np.ndarray:
        mask = np.zeros((len(named), frames), dtype=bool)
        for row, own in enumerate(chosen):
            for start, end in own:
                mask[row, start:end] = True
        after = model.predict_proba(deleted(signal, at_samples(mask, signal.shape[2])))
        return before - after[np.arange(len(named)), label]

    elsewhere = [
        drop([scattered([e - s for s, e in pieces[i]], int(ends[i]), rng) for i in named])
        for _ in range(DRAWS)
    ]
    return drop([pieces[i] for i in named]), np.mean(elsewhere, axis=0)


def deleted(signal: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Signals ``(n, C, T)`` whose samples in ``mask (n, T)`` are their channel's own mean in the window.

    Not to NaN: training windows seldom miss a sample, so a model answers to a gap with surprise, and what was
    measured would be that. The mean takes the movement away and leaves a signal like those that were learned.
    """
    seen = np.isfinite(signal)
    mean = np.where(seen, signal, 0).sum(2) / np.maximum(seen.sum(2), 1)
    return np.where(mask[:, None] & seen, mean[..., None], signal)


def scattered(lengths: Sequence[int], within: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Pieces of these lengths at random places of ``within`` frames, none over another: (start, end) each."""
    order = rng.permutation(np.asarray(lengths, dtype=int))
    gaps = np.sort(rng.integers(within - order.sum() + 1, size=len(order)))
    starts = gaps + np.concatenate([[0], np.cumsum(order)[:-1]])
    return [(int(start), int(start + long)) for start, long in zip(starts, order, strict=True)]


def _evidence(model: VQText, names: np.ndarray, decoded: Decodings) -> np.ndarray:
    """How much more each frame's name speaks for the winner than any name of another label does for that one,
    ``(n, F)``: a step that two labels share tells nothing of which it is."""
    usual = names[decoded.keep].mean(0)
    surprise = np.log(names + _EPS) - np.log(usual + _EPS)
    own = np.take_along_axis(surprise, np.maximum(decoded.anchor, 0)[..., None], axis=2)[..., 0]
    transcripts = model.vocabulary.transcripts
    best = np.stack([surprise[..., [u.anchor for u in t.uses]].max(-1) for t in transcripts])
    best[decoded.label, np.arange(len(names))] = -np.inf
    return own - best.max(0) if len(transcripts) > 1 else own


def _pieces(use: np.ndarray, evidence: np.ndarray) -> list[tuple[int, int]]:
    """The steps with the most evidence, as (start, end) frames, until `SHARE` of the window is reached; the
    last one is cut short there. Frames without a use are no step."""
    border = np.flatnonzero(np.r_[True, use[1:] != use[:-1], True])
    steps = [(int(a), int(b)) for a, b in pairwise(border) if use[a] >= 0]
    left = max(1, round(SHARE * len(use)))
    chosen = []
    for start, end in sorted(steps, key=lambda step: -evidence[step[0] : step[1]].sum()):
        if left:
            chosen.append((start, min(end, start + left)))
            left -= chosen[-1][1] - start
    return chosen
