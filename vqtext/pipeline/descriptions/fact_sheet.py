"""Facts → the compact text that a language model gets of one window, and the numbers it may use.

Made of the signal and of the places of the sensors alone: no label, no name of a data set or a recording, and
nothing about the person. A child still does not read as an adult does, because the measured sizes stand here;
what is known of a person stays on this machine, where guidance has it as tokens of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from vqtext.data.features.facts import PEAKS, Facts
from vqtext.data.windows.windows import Windows
from vqtext.schema import MOTIONS

TURN = 15.0
"""Degrees that are worth a word."""


@dataclass(frozen=True)
class Sheet:
    """The facts of one window.

    Attributes:
        text: one fact a line.
        locations: places that have a sensor.
        peaks: unit → the largest motions that are given in it.
        others: every other number, and the time between any two times.
        stretches: how many lines tell of a stretch of time.
    """

    text: str
    locations: tuple[str, ...]
    peaks: dict[str, list[float]]
    others: list[float]
    stretches: int


def sheet(windows: Windows, facts: Facts, cadence_hz: np.ndarray, i: int) -> Sheet:
    """What was measured in window ``i``.

    Args:
        cadence_hz: ``(N, L)``, NaN where a place has no clear rhythm.
    """
    length = round(float(windows.length[i] / windows.rate_hz), 1)
    note_of = {
        "movement": "",
        "muscle": " (activity of its muscles)",
        "force": " (change of the force there)",
    }
    sensors = [f"{_named(at)}{note_of[kind]}" for at, kind in zip(facts.locations, facts.kind, strict=True)]
    lines = [f"Length: {length:.1f} s", f"Sensors: {', '.join(sensors)}"]
    peaks: dict[str, list[float]] = {}
    for name, largest in facts.peak.items():
        quantity, unit, _ = PEAKS[name]
        values, text = _of_places(facts.locations, largest[i], unit)
        if values:
            lines.append(f"Largest {quantity}: {text}")
            peaks.setdefault(unit, []).extend(values)
    others, text = _of_places(facts.locations, cadence_hz[i], "times a second")
    if others:
        lines.append(f"Rhythm: {text}")
    times = {0.0, length}
    for first, last in level_runs(facts.level[i]):
        stop = min(facts.border[last], windows.length[i])
        start_s, stop_s = (
            round(float(border / windows.rate_hz), 1) for border in (facts.border[first], stop)
        )
        line = f"{start_s:.1f}–{stop_s:.1f} s: {_levels(facts, i, first)}"
        turned = float(np.nansum(facts.turn[i, first:last]))
        if abs(turned) >= TURN:
            degrees = 5.0 * round(abs(turned) / 5)
            line += f"; the body rotated {degrees:.0f} degrees to the {'left' if turned > 0 else 'right'}"
            others.append(degrees)
        lines.append(line)
        times |= {start_s, stop_s}
    others += [*times, *(abs(a - b) for a, b in combinations(times, 2))]
    stretches = sum(1 for _ in level_runs(facts.level[i]))
    return Sheet("\n".join(lines) + "\n", tuple(facts.locations), peaks, others, stretches)


def _of_places(locations: Sequence[str], values: np.ndarray, unit: str) -> tuple[list[float], str]:
    """Those values that are known, as numbers of two digits, and as text with their places."""
    known = [(place, float(f"{x:.2g}")) for place, x in zip(locations, values, strict=True) if x > 0]
    return [x for _, x in known], ", ".join(f"{_named(place)} {x:g} {unit}" for place, x in known)


def level_runs(level: np.ndarray) -> Iterator[tuple[int, int]]:
    """Runs (first, last) of segments of the same levels ``(S, L)``; those without samples are left out."""
    new = (np.flatnonzero((level[1:] != level[:-1]).any(axis=1)) + 1).tolist()
    for first, last in zip([0, *new], [*new, len(level)], strict=True):
        if (level[first] >= 0).any():
            yield first, last


def _levels(facts: Facts, i: int, segment: int) -> str:
    at: dict[str, list[str]] = {name: [] for name in reversed(MOTIONS)}
    for location, level in zip(facts.locations, facts.level[i, segment].tolist(), strict=True):
        if level >= 0:
            at[MOTIONS[level]].append(_named(location))
    return "; ".join(f"{name}: {', '.join(names)}" for name, names in at.items() if names)


def _named(location: str) -> str:
    return "a place that is not known" if location == "unknown" else location
