"""Facts → plain English: what the sensors of one window did, stretch by stretch.

Scale comes first, in physical units, because an encoder keeps only the first words of a long text and because
a child and an adult differ there. Neighbouring segments that read the same become one stretch. Nothing here
knows the labels: a description is made of the signal and of the places of the sensors alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from vqtext.data.features.facts import PEAKS, Facts, cadence
from vqtext.data.windows.windows import Windows
from vqtext.schema import MOTIONS

TREND = 0.33
"""A movement grows or fades where the second half of a stretch is this much (of a level, so 1.6 times) from
the first."""
TURN_RATE = 30.0
"""Degrees a second above which a segment is part of a rotation of the body."""
TURN = 45.0
"""Degrees that are worth a word."""

_HOW = {1: "slightly", 2: "moderately", 3: "strongly"}
_PLURAL = {"foot": "feet"}

_PREFERRED = (1.0, 1.2, 1.6, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def describe(windows: Windows, facts: Facts, i: int) -> str:
    """What window ``i`` shows, in one line.

    An example: "Rotation up to 8 rad/s and acceleration up to 20 m/s2 at the wrist. 0.0–10.0 s: the wrist
    moves strongly, about 1.2 times a second."
    """
    stretches = list(_stretches(facts, i, windows.rate_hz))
    if not stretches:
        return "Nothing is known of the motion."
    text = "; ".join(_stretch(windows, facts, i, first, last) for first, last in stretches)
    return f"{_whole(windows, facts, i, several=len(stretches) > 1)}{text}."


def describe_segments(facts: Facts, rate_hz: float) -> tuple[list[str], np.ndarray]:
    """What each segment shows, by itself and beside the one before it.

    No times, sizes or rhythm: they belong to the window, and without them many segments share a text. An
    example: "Both feet move strongly, more than before, the chest is still, rotating left."

    Returns:
        The sentences, each once, and which of them is whose, ``(N, S)``, −1 without a sample.
    """
    change = np.zeros_like(facts.level)
    step = np.nan_to_num(np.diff(facts.height, axis=1))
    change[:, 1:] = np.where(np.abs(step) >= TREND, np.sign(step), 0)
    change[facts.level <= 0] = 0
    turning = _turning(facts, slice(None), rate_hz)[..., None]
    shown = np.concatenate([facts.level, change, turning], axis=-1).astype(np.int8)
    shown[(facts.level < 0).all(-1)] = -1
    kinds, which = np.unique(shown.reshape(-1, shown.shape[-1]), axis=0, return_inverse=True)
    known = (kinds[:, : len(facts.locations)] >= 0).any(-1)
    texts = [_segment(facts, kind.tolist()) for kind in kinds[known]]
    place = np.where(known, np.cumsum(known) - 1, -1)
    return texts, place[which].reshape(facts.level.shape[:2])


def rounded(value: float) -> str:
    """To the nearest preferred number, in steps of a quarter: fine enough to tell people apart."""
    if not value > 0:
        return "0"
    decade = 10.0 ** np.floor(np.log10(value))
    step = min(_PREFERRED, key=lambda step: abs(np.log(value / decade / step)))
    return f"{float(f'{step * decade:.2g}'):g}"


def _whole(windows: Windows, facts: Facts, i: int, several: bool) -> str:
    """The largest motions of the window and where they were.

    Where there are several stretches to tell of, also what no single one may show: the rhythm of the first of
    these places, and how far the window rotates in all.
    """
    most: dict[str, list[str]] = {}
    for name, largest in facts.peak.items():
        peaks, (quantity, unit, _) = largest[i], PEAKS[name]
        if not np.isnan(peaks).all():
            place = int(np.nanargmax(peaks))
            peak = f"{quantity} up to {rounded(peaks[place])} {unit}"
            most.setdefault(facts.locations[place], []).append(peak)
    if not most:
        return ""
    text = ", ".join(f"{' and '.join(peak)} at {_named([location])[0]}" for location, peak in most.items())
    if several:
        text += _rhythm(windows.signal[i], windows, [next(iter(most))])
        text += _rotation(float(np.nansum(facts.turn[i])))
    return f"{text[0].upper()}{text[1:]}. "


def _stretches(facts: Facts, i: int, rate_hz: float) -> Iterator[tuple[int, int]]:
    """Runs (first, last) of segments that are described alike; those without samples are left out."""
    shown = np.column_stack([facts.level[i], _turning(facts, i, rate_hz)])
    new = np.flatnonzero((shown[1:] != shown[:-1]).any(axis=1)) + 1
    for first, last in zip([0, *new], [*new, len(shown)], strict=True):
        if (facts.level[i, first] >= 0).any():
            yield int(first), int(last)


def _stretch(windows: Windows, facts: Facts, i: int, first: int, last: int) -> str:
    start, stop = facts.border[first], min(facts.border[last], windows.length[i])
    signal = windows.signal[i, :, start:stop]
    groups: dict[tuple[int, int, str], list[str]] = defaultdict(list)
    for place, location in enumerate(facts.locations):
        level = int(facts.level[i, first, place])
        if level >= 0:
            trend = _trend(facts.height[i, first:last, place]) if level else 0
            groups[level, trend, facts.kind[place]].append(location)
    parts = []
    for (level, trend, kind), members in sorted(groups.items(), reverse=True):
        ever = {1: ", more and more", -1: ", less and less", 0: ""}[trend]
        parts.append(
            _moving(members, level, kind) + (ever + _rhythm(signal, windows, members) if level else "")
        )
    text = ", ".join(parts)
    if _turning(facts, i, windows.rate_hz)[first]:
        text += _rotation(float(np.nansum(facts.turn[i, first:last])))
    digits = 1 if facts.border[1] >= 0.1 * windows.rate_hz else 2
    return f"{start / windows.rate_hz:.{digits}f}–{stop / windows.rate_hz:.{digits}f} s: {text}"


def _segment(facts: Facts, shown: Sequence[int]) -> str:
    """One segment in words: ``shown`` holds the level of each place, its change, and the way of rotation."""
    *both, turning = shown
    places = len(facts.locations)
    groups: dict[tuple[int, int, str], list[str]] = defaultdict(list)
    for location, kind, level, change in zip(
        facts.locations, facts.kind, both[:places], both[places:], strict=True
    ):
        if level >= 0:
            groups[level, change, kind].append(location)
    ever = {1: ", more than before", -1: ", less than before", 0: ""}
    text = ", ".join(
        _moving(members, level, kind) + ever[change]
        for (level, change, kind), members in sorted(groups.items(), reverse=True)
    )
    way = {1: ", rotating left", -1: ", rotating right", 0: ""}[turning]
    return f"{text[0].upper()}{text[1:]}{way}."


def _moving(members: Sequence[str], level: int, kind: str) -> str:
    names, several = _named(members)
    if kind == "muscle":
        return f"{MOTIONS[level] if level else 'hardly any'} muscle activity at {names}"
    if kind == "force":
        return f"the force at {names} {f'changes {_HOW[level]}' if level else 'is steady'}"
    if not level:
        return f"{names} {'are' if several else 'is'} still"
    return f"{names} {'move' if several else 'moves'} {_HOW[level]}"


def _turning(facts: Facts, i: int | slice, rate_hz: float) -> np.ndarray:
    """1 in segments that are part of a rotation to the left, −1 to the right, else 0, ``(..., S)``."""
    turn = np.nan_to_num(facts.turn[i])
    return np.where(np.abs(turn) >= TURN_RATE * np.diff(facts.border) / rate_hz, np.sign(turn), 0)


def _rotation(degrees: float) -> str:
    if abs(degrees) < TURN:
        return ""
    side = "left" if degrees > 0 else "right"
    return f", rotating {side} by about {30 * round(abs(degrees) / 30)} degrees"


def _trend(height: np.ndarray) -> int:
    """1 where motion grows over the segments of a stretch, −1 where it fades, else 0."""
    half = len(height) // 2
    if not half:
        return 0
    change = height[-half:].mean() - height[:half].mean()
    return int(np.sign(change)) if abs(change) >= TREND else 0


def _rhythm(signal: np.ndarray, windows: Windows, members: Sequence[str]) -> str:
    """Of the places that have one; nothing where most have none."""
    found = [cadence(signal, windows.channels, location, windows.rate_hz) for location in members]
    clear = [rate for rate in found if rate is not None]
    return f", about {np.median(clear):.1f} times a second" if 2 * len(clear) > len(found) else ""


def _named(locations: Sequence[str]) -> tuple[str, bool]:
    """The places as a phrase, left and right taken together, and whether there are several."""
    names: list[str] = []
    for location in locations:
        side, _, place = location.partition(" ")
        other = {"left": "right", "right": "left"}.get(side)
        if location == "unknown":
            names.append("the signal")
        elif other is None or f"{other} {place}" not in locations:
            names.append(f"the {location}")
        elif f"both {_PLURAL.get(place, place + 's')}" not in names:
            names.append(f"both {_PLURAL.get(place, place + 's')}")
    several = len(names) > 1 or names[0].startswith("both ")
    return (" and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]), several
