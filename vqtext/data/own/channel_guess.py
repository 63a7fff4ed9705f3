"""Columns of numbers → what they may measure, by their names and sizes, for a person to check."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vqtext.data.locations import SIDE_WORDS, canonical
from vqtext.data.recordings.units import MODALITIES, conversion
from vqtext.errors import DataError

_MODALITIES = (
    ("gyro", r"gyro?s?|rot\w*|angvel|angular|rr"),
    ("mag", r"magn?\w*|compass"),
    ("acc", r"acc?\w*|linear"),
    ("hr", r"hr|bpm|heart\w*"),
    ("emg", r"emg"),
    ("force", r"force|fsr|grf"),
    ("velocity", r"vel\w*|speed"),
    ("position", r"pos\w*"),
    ("angle", r"angles?|joint"),
)
_NAMED = r"acc(el\w*)?|gyr(o\w*)?|mag(n|neto\w*)?|hr|bpm|heart\w*|emg|force|velocity|position|angles?"
_SHORT = {
    f"{side}{part}": f"{name} {place}"
    for side, name in (("l", "left"), ("r", "right"))
    for part, place in (("f", "foot"), ("w", "wrist"), ("a", "ankle"), ("h", "hand"), ("t", "thigh"))
} | {"lb": "lower back", "ub": "upper back"}
_LETTERS = {"a": "acc", "g": "gyro", "m": "mag"}  # as in "ax", "g_x", where nothing else says it
_COUNTS = (64, 256, 2048, 4096, 8192, 16384)  # that usual sensors count in one g
_REMOVED = re.compile(r"(?i)lin|user|body|free")  # acceleration from which gravity was taken away
_UNITS = {
    "m/s^2": "m/s2",
    "m/s²": "m/s2",
    "m/s/s": "m/s2",
    "mss": "m/s2",
    "°/s": "deg/s",
    "gs": "g",
    "µt": "uT",
}


@dataclass(frozen=True)
class Guess:
    """Columns of one sensor.

    Attributes:
        columns, axes: as many as there are.
        gravity: False where it seems to be removed.
        scale: counts times it are in ``unit``; None where they are no counts.
        doubts: what of it is no more than a guess.
    """

    columns: tuple[str, ...]
    axes: tuple[str, ...]
    location: str
    modality: str
    unit: str
    gravity: bool
    doubts: tuple[str, ...]
    scale: float | None = None


def guess(columns: Sequence[str], signal: np.ndarray, file_names: Sequence[str]) -> list[Guess]:
    """The sensors.

    Args:
        columns: the names, ``(C,)``.
        signal: ``(C, n)``, as it was written.
        file_names: where columns say no modality or location, the names of the files may.
    """
    places, kinds = {_location(_words(name)) for name in file_names}, modalities_in(file_names)
    place = places.pop() if len(places) == 1 else None
    kind = kinds.pop() if len(kinds) == 1 else None
    groups: dict[tuple[str, ...], list[int]] = {}
    nameless = all(column.isdigit() for column in columns)
    triples = _triples(signal) if nameless else {}
    for i, column in enumerate(columns):
        stem, axis = _parts(column)
        key = stem if axis else (column,) if _modality(stem) or _by_unit(column) else ("?",)
        groups.setdefault((str(triples[i]),) if i in triples else key, []).append(i)
    sensors = [_sensor([columns[i] for i in own], signal[own], place, kind) for own in groups.values()]
    known = [sensor for sensor in sensors if sensor.modality != "unknown"]
    return known or sensors


def _triples(signal: np.ndarray) -> dict[int, int]:
    """Three rows after each other that together measure just gravity: each row, and the first of the three.

    All in one unit, the one of the largest numbers: much else is about 1.
    """
    sizes = [_middle(np.sqrt(np.square(signal[i : i + 3]).sum(axis=0))) for i in range(len(signal) - 2)]
    units = [_of_gravity(size, 0.15) for size in sizes]
    unit = next((unit for unit in ("mg", "m/s2", "g") if unit in units), None)
    first_of: dict[int, int] = {}
    for i, own in enumerate(units):
        if own is not None and own == unit and i not in first_of:
            first_of |= dict.fromkeys(range(i, i + 3), i)
    return first_of


def _middle(values: np.ndarray, share: float = 0.5) -> float:
    """A quantile of what is not missing; 0 where all is."""
    values = values[np.isfinite(values)]
    return float(np.quantile(values, share)) if values.size else 0.0


def _words(column: str) -> list[str]:
    """The words of a name, without what stands in brackets."""
    bare = re.sub(r"[\[(].*?[\])]", " ", column)
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", bare)
    return re.findall("[a-z]+|[0-9]+", spaced.casefold())


def _parts(column: str) -> tuple[tuple[str, ...], str | None]:
    """The words of a name without its axis, and the axis: "lf_acc_x", "Acc X (g)", "accx"."""
    words = _words(column)
    for i in reversed(range(len(words))):
        stem, axis = words[i][:-1], words[i][-1]
        is_sensor = not stem or _modality([_LETTERS.get(stem, stem)])
        if axis in "xyz" and (is_sensor or (len(stem) == 1 and _by_unit(column))):
            rest = [*words[:i], *([stem] if stem else []), *words[i + 1 :]]
            if _modality(rest) is None:
                rest = [_LETTERS.get(word, word) for word in rest]
            return tuple(rest), axis
    return tuple(words), None


def _modality(words: Sequence[str]) -> str | None:
    for modality, pattern in _MODALITIES:
        if any(re.fullmatch(pattern, word) for word in words):
            return modality
    return None


def _is_named(column: str) -> bool:
    """Does a name say in full what is measured? One letter, or "rot", is a hint."""
    words = _words(column)
    return any(re.fullmatch(_NAMED, part) for word in words for part in (word, word.rstrip("xyz")))


def _sensor(
    columns: Sequence[str], signal: np.ndarray, place: tuple[str, bool] | None, kind: str | None
) -> Guess:
    axes = [_parts(column)[1] for column in columns]
    is_triple = sorted(axis or "" for axis in axes) == ["x", "y", "z"]
    if len(columns) == 3 and all(column.isdigit() for column in columns) and (kind or _triples(signal)):
        is_triple, axes = True, ["x", "y", "z"]
    size = np.sqrt(np.square(signal).sum(axis=0)) if is_triple else np.abs(signal[0])
    middle, most = _middle(size), _middle(size, 0.95)
    words, _ = _parts(columns[0])
    rests = is_triple and _of_gravity(middle) is not None
    modality = _modality(words) or (kind if is_triple else None) or _by_unit(columns[0])
    modality = modality or ("acc" if rests else "unknown")
    unit, gravity, is_sure = _unit(modality, columns[0], middle, most)
    counts = None
    if modality == "acc" and is_triple and not is_sure and not rests:
        counts = next((size for size in _COUNTS if abs(middle / size - 1) < 0.1), None)
        unit, gravity = ("g", True) if counts else (unit, gravity)
    if not _is_known(modality, unit) or (modality, unit) == ("mag", "1"):
        modality, unit = "unknown", "1"
    doubts = [] if modality != "unknown" and _is_named(columns[0]) else ["modality"]
    doubts += [] if modality != "unknown" and is_sure else ["unit"]
    alone = is_triple or len(columns) == 1
    location, is_spelled = (_location(words) if alone else None) or place or (None, False)
    doubts += [] if is_spelled else ["location"]
    if _REMOVED.search(columns[0]) and modality == "acc" and not rests:
        gravity = False
    return Guess(
        tuple(columns),
        tuple(axis or column for axis, column in zip(axes, columns, strict=True)),
        location or "unknown",
        modality,
        unit,
        gravity,
        tuple(doubts),
        1 / counts if counts else None,
    )


def _of_gravity(middle: float, near: float = 0.4) -> str | None:
    """The unit in which a sensor that mostly rests measures just gravity."""
    sizes = {"g": 1.0, "m/s2": 9.80665, "mg": 1000.0}
    return next((unit for unit, size in sizes.items() if abs(middle / size - 1) < near), None)


def _unit(modality: str, column: str, middle: float, most: float) -> tuple[str, bool, bool]:
    """The unit, whether gravity is in it, and whether both are written rather than guessed."""
    written = _written_unit(column)
    if written and _is_known(modality, written):
        return written, modality != "acc" or middle > 0.5, True
    if modality == "acc":
        unit = _of_gravity(middle) or ("m/s2" if most < 200 else "mg")
        return unit, bool(_of_gravity(middle)) or middle > 2, False
    if modality == "gyro":
        return ("deg/s" if most > 20 else "rad/s"), True, False
    if modality == "mag":
        return ("uT" if 15 < middle < 100 else "G" if 0.15 < middle < 1 else "1"), True, False
    return {"hr": "bpm", "emg": "uV", "force": "N"}.get(modality, "1"), True, modality == "unknown"


def _written_unit(column: str) -> str | None:
    """The unit that a name holds in brackets."""
    bracket = re.search(r"[\[(]\s*(.*?)\s*[\])]", column)
    return _UNITS.get(bracket[1].lower(), bracket[1]) if bracket else None


def _by_unit(column: str) -> str | None:
    """The modality that the unit in brackets leaves open, if it is one alone."""
    unit = _written_unit(column)
    fitting = [one for one in MODALITIES if one not in ("hr", "unknown") and unit and _is_known(one, unit)]
    return fitting[0] if len(fitting) == 1 else None


def _is_known(modality: str, unit: str) -> bool:
    try:
        conversion(modality, unit)
    except DataError:
        return False
    return True


def _location(words: Sequence[str]) -> tuple[str, bool] | None:
    """The place of the body that the first fitting words of a name mean, and whether they spell it: "back" is
    taken for the upper back, which is a guess."""
    for word in words:
        if word in _SHORT:
            return _SHORT[word], False
    for length in range(min(len(words), 3), 0, -1):
        for start in range(len(words) - length + 1):
            written = words[start : start + length]
            place = canonical(" ".join(written))
            if place is not None:
                return place, set(place.split()) <= {*written, *(SIDE_WORDS.get(word) for word in written)}
    return None


def is_sensor_word(word: str) -> bool:
    """Does it name a kind of sensor, a place of the body or its side?"""
    words = _words(word)
    is_side = any(canonical(f"{one} foot") not in (None, "foot") for one in words)
    return is_side or _modality(words) is not None or _location(words) is not None


def modalities_in(file_names: Sequence[str]) -> set[str | None]:
    """What the names of files say that they hold, such as "acc_walking_chest.csv"."""
    return {_modality(_words(name)) for name in file_names}
