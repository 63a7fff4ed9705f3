"""``vqtext search``: free text → the moments of all windows in which that happens, the likeliest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from vqtext.console.progress import Progress
from vqtext.console.text import printable, table
from vqtext.errors import UsageError
from vqtext.pipeline.searching.meaning import Meaning, Meant
from vqtext.pipeline.searching.moments import Moments, moments_of
from vqtext.pipeline.searching.searchable_run import SearchableRun, open_run
from vqtext.settings.schema import Settings

TOP = 20
SPREAD = 0.05
"""Similarity by which a step has to be nearer to count e times as much. Chosen on the words' own paraphrases,
each asked as if it were not theirs (``docs/search.md``)."""

NEAREST_STEPS = 3
"""Steps that are shown as the nearest ones."""


def search(settings: Settings, text: str, top: int = TOP, progress: Progress | None = None) -> dict[str, Any]:
    """Find the moments that a text describes, in all windows of a run.

    Each window is read by a model that has not seen it, where the run has one.

    Args:
        text: a movement, in free words.
        top: moments that are returned.

    Returns:
        The whole ``--json`` answer: ``held``, whether the words of the run hold such a movement: whether the
        ``similarity`` of the nearest one (−1 to 1) is ``least`` or more, and a guess where it is below
        ``usual``; ``nearest`` steps, and whether they were ``refused`` for another side, direction or part of
        the body; and ``found``, the moments, best first:
        ``score`` (0 to 1, 1: the nearest step, without doubt), ``step``, ``label``, window, recording,
        subject, seconds in the recording, and whether the model was made of that window (``seen``).

    Raises:
        UsageError: the text is empty or of no movement, or ``top`` is below 1.
        ArtifactError: there is no run, or it is stale or damaged.
        EncoderError: the text encoder of its words is not there.
    """
    if top < 1:
        raise UsageError(f"--top is {top}: it must be at least 1")
    opened = open_run(settings, progress or Progress(quiet=True))
    index = MomentIndex(opened)
    meant = understood(index.meanings[0], text)
    found: list[dict[str, Any]] = []
    if meant.held:
        wanted = {fold: weights(meaning.of(text)) for fold, meaning in index.meanings.items()}
        found = index.entries(index.find(wanted), top)
    return {
        "run": opened.trained.run["run"],
        "text": text,
        "encoder": opened.encoder,
        **what_is_meant(meant, index.meanings[0].phrases),
        "found": found,
    }


def what_is_meant(meant: Meant, phrases: list[str]) -> dict[str, Any]:
    """Whether the words of a run hold a text, and the steps nearest to it, as plain data."""
    return {
        "held": meant.held,
        "similarity": round(meant.best, 3),
        "least": round(meant.least, 3),
        "usual": round(meant.usual, 3),
        "nearest": nearest(meant, phrases),
    }


def understood(meaning: Meaning, text: str) -> Meant:
    """What a text means.

    Raises:
        UsageError: it is empty, or of no movement.
    """
    meant = meaning.of(text)
    if not meant.held and not meant.movement:
        words = " or ".join(f'"{meaning.phrases[k]}"' for k in np.argsort(-meant.step)[:2])
        raise UsageError(
            f'"{printable(" ".join(text.split()))}" names no movement (nearest, at '
            f"{meant.step.max():.2f}: {words}): say what a part of the body does"
        )
    return meant


def weights(meant: Meant) -> np.ndarray:
    """How much each step of each label counts, from 0 to 1, the nearest one 1, ``(n, K)``."""
    return np.where(meant.similarity > -1, np.exp((meant.similarity - meant.best) / SPREAD), 0.0)


def nearest(meant: Meant, phrases: list[str], most: int = NEAREST_STEPS) -> list[dict[str, Any]]:
    """The steps that are nearest to a text, and whether it contradicts them."""
    order = np.argsort(-meant.step, kind="stable")[:most]
    return [
        {
            "step": phrases[k],
            "similarity": round(float(meant.step[k]), 3),
            "refused": bool(meant.refused[k]),
        }
        for k in order
    ]


@dataclass(frozen=True)
class Ranked:
    """Moments that a text may mean, the best first: of a split's models, with their scores.

    Attributes:
        fold, row: the split, and the place among its moments, ``(r,)``; score: ``(r,)``.
    """

    fold: np.ndarray
    row: np.ndarray
    score: np.ndarray


class MomentIndex:
    """The moments of all windows of a run, and the words of its splits."""

    def __init__(self, opened: SearchableRun) -> None:
        self.opened = opened
        self.meanings = {fold: opened.meaning(fold) for fold, _ in opened.each_fold()}

    @cached_property
    def moments(self) -> dict[int, Moments]:
        """Of each split; read once, which takes a second for some hundred windows."""
        return {
            fold: moments_of(self.opened.model(fold), self.opened.windows, index)
            for fold, index in self.opened.each_fold()
        }

    def find(self, wanted: Mapping[int, np.ndarray]) -> Ranked:
        """Rank all moments, by how much of what the network says of each is wanted, whatever step each is
        decoded as: where names are often wrong, what is decoded is no more than a hint.

        Args:
            wanted: for each split how much each step of each label counts, ``(n, K)``, as `weights`.
        """
        score = {f: (wanted[f][m.label] * m.names).sum(1) for f, m in self.moments.items()}
        fold = np.concatenate([np.full(len(own), f) for f, own in score.items()])
        row = np.concatenate([np.arange(len(own)) for own in score.values()])
        every = np.concatenate(list(score.values()))
        order = np.argsort(-every, kind="stable")
        order = order[every[order] > 0]
        return Ranked(fold[order], row[order], every[order])

    def entries(self, ranked: Ranked, top: int) -> list[dict[str, Any]]:
        """The first of them as plain data."""
        windows, seen, entries = self.opened.windows, self.opened.seen(), []
        for fold, row, score in zip(ranked.fold[:top], ranked.row[:top], ranked.score[:top], strict=True):
            moments = self.moments[int(fold)]
            w = int(moments.window[row])
            subject, begin_s = int(windows.subject[w]), float(windows.start_s[w])
            entries.append(
                {
                    "score": round(float(score), 4),
                    "step": self.meanings[int(fold)].phrases[moments.anchor[row]],
                    "label": windows.labels[moments.label[row]],
                    "confidence": round(float(moments.confidence[row]), 4),
                    "window": w,
                    "recording": windows.recordings[windows.recording[w]],
                    "subject": windows.subjects[subject].id if subject >= 0 else None,
                    "start_s": round(begin_s + float(moments.start[row] * moments.frame_s), 3),
                    "end_s": round(begin_s + float(moments.end[row] * moments.frame_s), 3),
                    "seen": bool(seen[w]),
                }
            )
        return entries


def lines(answer: Mapping[str, Any]) -> list[str]:
    """The answer of `search` for people."""
    lines = meaning_lines(answer)
    if not answer["held"]:
        return lines
    rows: list[tuple[str, ...]] = [("score", "step", "class", "recording", "subject", "from", "to", "window")]
    for moment in answer["found"]:
        rows.append(
            (
                f"{moment['score']:.2f}",
                moment["step"],
                moment["label"],
                moment["recording"],
                moment["subject"] or "unknown",
                f"{moment['start_s']:.2f} s",
                f"{moment['end_s']:.2f} s",
                f"{moment['window']}{'*' * moment['seen']}",
            )
        )
    lines += table(rows)
    if any(moment["seen"] for moment in answer["found"]):
        lines.append("* the model was made of this window")
    return lines


def meaning_lines(answer: Mapping[str, Any]) -> list[str]:
    """What a text means, for people: the nearest steps, and whether the words hold it."""
    steps = ", ".join(
        f'"{step["step"]}" ({step["similarity"]:.2f}{", contradicted" * step["refused"]})'
        for step in answer["nearest"]
    )
    lines = [f'"{printable(answer["text"])}" is nearest to {steps}']
    if not answer["held"]:
        lines.append(
            "the words of this run hold no such movement: what is nearest is contradicted, or no nearer than "
            f"texts of other things ({answer['least']:.2f})"
        )
    elif answer["similarity"] < answer["usual"]:
        lines.append(
            f"a guess: wordings of one movement are mostly as near as {answer['usual']:.2f}; say it otherwise"
        )
    return lines
