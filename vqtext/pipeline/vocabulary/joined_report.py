"""What ``vqtext dedup`` says of steps that training will join, and of what would separate them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vqtext.cache.hdf5 import open_artifact
from vqtext.console.text import cut_apart, cut_short, printable
from vqtext.pipeline.vocabulary.anchor_words import read_words
from vqtext.pipeline.vocabulary.identifiability import sensors_of
from vqtext.pipeline.vocabulary.identifiability_report import sensors_named
from vqtext.pipeline.vocabulary.resolve import resolve
from vqtext.pipeline.vocabulary.separating import Separating

PARTS, STEPS = 5, 12
"""Parts of a step, and steps joined for one reason, that a person is shown; ``--json`` has them all."""

_WHY = {
    "sensors": "no sensor shows where one ends and the next begins",
    "order": "neither sensors nor order tell which of them it is",
    "rate": "some are shorter than two samples",
}


def joined(anchors: Path, windows: Path, labels: Sequence[str]) -> list[dict[str, Any]]:
    """What training will join as far as the words alone say it (`resolve`): rounds are read
    of the training windows, later.

    Args:
        anchors, windows: files; without windows each place that is named has a sensor, of any rate.
        labels: of the words; only those of the windows count where there are any.

    Returns:
        ``label, name, parts``; ``why``: sensors, order or rate; ``separating``: what would separate them.
    """
    sensors, rate_hz = sensors_of(windows), math.inf
    if sensors is not None:
        with open_artifact(windows, "windows") as file:
            rate_hz = file.attrs["rate_hz"]
            labels = [label for label in file.attrs["labels"] if label in labels] or labels
    words = read_words(anchors, labels)
    sensors = sensors or sensors_named(step for uses in words.uses for _, step in uses)
    separating = Separating(words, sensors)
    return [
        {
            "label": labels[join.label],
            "name": join.name,
            "parts": [part.phrase for part in join.parts],
            "why": join.why,
            "separating": separating(join),
        }
        for join in resolve(words, sensors, rate_hz).joined
    ]


def joined_lines(found: Sequence[Mapping[str, Any]], resolving: bool) -> list[str]:
    """The same for people.

    Args:
        resolving: whether training is set to join them.
    """
    off = "" if resolving else " (not with train.resolve false)"
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in found:
        parts = cut_apart([*map(printable, one["parts"])], 40)
        more = [f"{len(parts) - PARTS} more"] if len(parts) > PARTS else []
        shown = " | ".join([*parts[:PARTS], *more])
        groups[one["why"], one["separating"]].append(f"  {cut_short(printable(one['label']))}: {shown}")
    lines = []
    for (why, separating), steps in groups.items():
        more = [f"  and {len(steps) - STEPS} more"] if len(steps) > STEPS else []
        lines += [f"joined into one step each{off}, since {_WHY[why]}; {separating}", *steps[:STEPS], *more]
    return lines
