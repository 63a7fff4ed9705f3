"""How long each sub-action is written to last, held against how long a trained model finds it to last."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from vqtext.pipeline.inspection.check_lines import written_lines
from vqtext.pipeline.inspection.decoded_steps import DecodedSteps
from vqtext.pipeline.vocabulary.joined_steps import parts_of
from vqtext.pipeline.vocabulary.signature_cells import LASTS


def check_durations(steps: DecodedSteps) -> list[dict[str, Any]]:
    """Each step that says how long it lasts, the most doubtful first.

    Returns:
        ``label, phrase, written``; ``found``, the nearest of brief, usual and long by ratio; ``seconds`` it
        lasts on average and ``usual_s``, the mean over its label's steps. The last three are None where
        fewer than two whole ones were seen of it, or of no more than half of its label's steps.
    """
    rows = []
    for i, uses in enumerate(steps.words.uses):
        if all(step.lasts is None for _, step in uses):
            continue
        seconds = steps.seconds(i)
        seen = {u: s for u, s in enumerate(seconds) if not math.isnan(s)}
        parts = sum(len(parts_of(uses[u][1])) for u in seen)
        usual = sum(seen.values()) / parts if 2 * len(seen) > len(uses) else math.nan
        for (_, step), own in zip(uses, seconds, strict=True):
            if step.lasts is None:
                continue
            share = own / usual
            known = not math.isnan(share)
            rows.append(
                {
                    "label": steps.windows.labels[i],
                    "phrase": step.phrase,
                    "written": step.lasts,
                    "found": _nearest(share) if known else None,
                    "seconds": round(own, 3) if known else None,
                    "usual_s": round(usual, 3) if known else None,
                }
            )
    return sorted(rows, key=lambda row: -_doubt(row))


def duration_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The rows of `check_durations` for people: those in doubt."""
    return written_lines(
        rows,
        "durations",
        ("written", "found", "lasts", "the label's steps"),
        lambda row: (row["written"], row["found"], f"{row['seconds']:.2f} s", f"{row['usual_s']:.2f} s"),
    )


def _nearest(share: float) -> str:
    return min(LASTS, key=lambda name: abs(math.log(LASTS[name] / share)))


def _doubt(row: Mapping[str, Any]) -> float:
    """How far, by ratio, what is found lies from what is written; the last where nothing is found."""
    if row["found"] is None:
        return -1.0
    return abs(math.log(row["seconds"] / row["usual_s"] / LASTS[row["written"]]))
