"""Each level of motion that a signature writes, held against the one that a trained model finds.

What the words say of a sensor is a guess of whoever wrote them. Once a model says when each step happens, the
sensor itself can be asked; where the two differ, a person should look. Nothing is changed by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.data.locations import best_cell
from vqtext.data.motion import MotionScale
from vqtext.data.windows import Windows
from vqtext.pipeline.few import few_of_each
from vqtext.pipeline.lines import cut_short, table
from vqtext.pipeline.physical import within_label
from vqtext.pipeline.signatures import hands_of
from vqtext.schema import MOTIONS, Cell

if TYPE_CHECKING:
    from vqtext.model.load import VQText
    from vqtext.pipeline.words import Words

LOOKED_AT = 500  # training windows of a label that are enough to know its levels
LEAST_S = 1.0  # seconds of a step in all, below which nothing is found
LEAST_SLOPE = 0.25  # of what is found on what is written: words that fit nowhere are not blown up to fit
LINES = 20  # cells that people are shown
ONE_LEVEL = 2 / (len(MOTIONS) - 1)


def found_levels(model: VQText, windows: Windows, train: np.ndarray, words: Words) -> list[dict[str, Any]]:
    """Each cell of each signature that a sensor of the data can speak of, the most doubtful first.

    Motion is the mean of a location's log motion, as a z-score within subject and label, over the frames in
    which the decoding says the step, in training windows whose label it got right. It is put back onto the
    four levels as levels are compared in grounding: around the mean of what the label writes for that
    location, in units of how far its levels lie apart.

    Args:
        train: places of the training windows, ``(n,)``. No other window is looked at.

    Returns:
        For each cell ``label, phrase, location, cell`` (its key in the signature), ``written``, ``found``
        (None where the step lasts less than `LEAST_S` in all), ``z``, ``seconds`` and ``doubt``: how many
        levels the two lie apart.
    """
    index = train[few_of_each(windows.label[train], LOOKED_AT)]
    scale = MotionScale.of(windows.signal, train, windows.channels, windows.rate_hz)
    energy = scale.frames(windows.signal, index, model.config.frames)
    motion = within_label(energy, windows.subject[index], windows.label[index])
    rows = tallied(model, windows, index, words, motion, scale.locations, lambda cell, _: cell.motion)
    return sorted(_judged(rows), key=lambda row: -(row["doubt"] if row["doubt"] is not None else -1))


def tallied(
    model: VQText,
    windows: Windows,
    index: np.ndarray,
    words: Words,
    values: np.ndarray,
    locations: Sequence[str],
    written_in: Callable[[Cell, int], str | None],
) -> list[dict[str, Any]]:
    """For each cell that writes something of a measured place, the mean of what was measured in its step.

    Args:
        index: windows that are looked at, ``(n,)``.
        values: measured frame by frame, ``(n, F, P)``, NaN where nothing was; locations: of the P places.
        written_in: what a cell writes of a place, None where nothing.

    Returns:
        ``label, phrase, location, cell, written``, ``z`` (None where the step lasts less than `LEAST_S` in
        all) and ``seconds``.
    """
    total: dict[tuple[int, int, str, str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for i, u, hand, now in steps_said(model, windows, index, words):
        signature = words.uses[i][u][1].signature or {}
        for place, location in enumerate(locations):
            cell = best_cell(location, signature, hand)
            if cell is None or (written := written_in(signature[cell], place)) is None:
                continue
            z = values[now][:, place]
            z = z[np.isfinite(z)]
            # the dominant wrist is one place, whichever wrist it is
            where = cell if "dominant" in cell else location
            sums = total[i, u, where, cell, written]
            sums[0] += float(z.sum())
            sums[1] += len(z)
    frame_s = model.config.window_s / model.config.frames
    return [
        {
            "label": windows.labels[i],
            "phrase": words.uses[i][u][1].phrase,
            "location": where,
            "cell": cell,
            "written": written,
            "z": s / n if n * frame_s >= LEAST_S else None,
            "seconds": round(n * frame_s, 1),
        }
        for (i, u, where, cell, written), (s, n) in total.items()
    ]


def steps_said(
    model: VQText, windows: Windows, index: np.ndarray, words: Words
) -> Iterator[tuple[int, int, str | None, np.ndarray]]:
    """When the model says each step, in windows whose label it gets right.

    Yields:
        The label, the place of the step in it, the dominant hand of the people, and the frames in which they
        do it, ``(n, F)``.
    """
    said, hands = model.decode(windows.signal, index), np.array(hands_of(windows, index), dtype=object)
    for hand in sorted(set(hands), key=str):
        for i, uses in enumerate(words.uses):
            own = (hands == hand) & (windows.label[index] == i) & (said.label == i)
            for u in range(len(uses)):
                yield i, u, hand, own[:, None] & (said.use == u) & said.keep


def level_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The rows of `found_levels` for people: those in doubt."""
    if not rows:
        return [
            "no signature writes a level of motion for a sensor of this data: there is nothing to compare"
        ]
    doubtful = [row for row in rows if row["found"] not in (None, row["written"])]
    silent = sum(row["found"] is None for row in rows)
    told = [f"{len(rows) - len(doubtful) - silent} of {len(rows)} written levels are what is found"]
    if silent:
        told.append(f"{silent} belong to steps that are never, or hardly, found")
    if not doubtful:
        return told
    shown = [("label", "sub-action", "sensor", "written", "found", "levels apart", "seen")]
    for row in doubtful[:LINES]:
        where = row["location"] if row["cell"] == row["location"] else f"{row['location']} ({row['cell']})"
        shown.append(
            (
                cut_short(row["label"], 30),
                cut_short(row["phrase"], 50),
                where,
                row["written"],
                row["found"],
                f"{row['doubt']:.1f}",
                f"{row['seconds']:g} s",
            )
        )
    told += table(shown)
    if len(doubtful) > LINES:
        told.append(f"and {len(doubtful) - LINES} more, in --json")
    return [
        *told,
        "nothing was changed; where you agree, mend the signature in subactions.json and train again",
    ]


def _judged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with ``found`` and ``doubt``."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["label"], row["location"]].append(row)
    spread = {key: float(np.std([_level(row) for row in own])) for key, own in groups.items()}
    apart = [value for value in spread.values() if value > 0]
    usual = float(np.mean(apart)) if apart else ONE_LEVEL / 2
    centred = [
        (row, (_level(row) - np.mean([_level(other) for other in own])) / (spread[key] or usual))
        for key, own in groups.items()
        for row in own
    ]
    heard = [(row["z"], c) for row, c in centred if row["z"] is not None]
    size = sum(c * c for _, c in heard)
    slope = max(sum(z * c for z, c in heard) / size if size else 1.0, LEAST_SLOPE)
    judged = []
    for row, c in centred:
        found, doubt = None, None
        if row["z"] is not None:
            unit = spread[row["label"], row["location"]] or usual
            value = float(np.clip(_level(row) + unit * (row["z"] / slope - c), -1, 1))
            found = MOTIONS[round((value + 1) / ONE_LEVEL)]
            doubt = round(abs(value - _level(row)) / ONE_LEVEL, 3)
        judged.append({**row, "found": found, "doubt": doubt})
    return judged


def _level(row: Mapping[str, Any]) -> float:
    """A written level on the scale from −1, still, to 1, strong."""
    return MOTIONS.index(row["written"]) * ONE_LEVEL - 1
