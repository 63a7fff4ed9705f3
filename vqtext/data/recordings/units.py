"""Physical units: what a user may write, and what the package works in."""

from __future__ import annotations

import math
import unicodedata

from vqtext.errors import DataError

_DEG = math.pi / 180

_OURS: dict[str, tuple[str, dict[str, float]]] = {
    "acc": ("m/s2", {"m/s2": 1.0, "cm/s2": 0.01, "mm/s2": 0.001, "g": 9.80665, "mg": 9.80665 / 1000}),
    "gyro": (
        "rad/s",
        {
            "rad/s": 1.0,
            "mrad/s": 0.001,
            "deg/s": _DEG,
            "mdeg/s": _DEG / 1000,
            "dps": _DEG,
            "mdps": _DEG / 1000,
        },
    ),
    "mag": ("uT", {"uT": 1.0, "nT": 0.001, "mT": 1000.0, "G": 100.0, "mG": 0.1}),
    "hr": ("bpm", {"bpm": 1.0, "Hz": 60.0}),
    "position": ("m", {"m": 1.0, "cm": 0.01, "mm": 0.001}),
    "velocity": ("m/s", {"m/s": 1.0, "cm/s": 0.01, "mm/s": 0.001, "km/h": 1 / 3.6}),
    "angle": ("rad", {"rad": 1.0, "mrad": 0.001, "deg": _DEG}),
    "force": ("N", {"N": 1.0, "mN": 0.001, "kN": 1000.0}),
    "emg": ("uV", {"uV": 1.0, "mV": 1000.0, "V": 1e6}),
    "unknown": ("1", {}),
}
"""Modality → the unit that stands in the artifacts, and how many of it each unit is."""

_NO_UNIT = ("1", "counts")
"""Numbers whose unit is not known; the first stands in the artifacts."""

_NEEDS_UNIT = ("acc", "gyro", "hr", "angle")
"""Modalities that are read by their physical size; of others, numbers of no known unit say something too."""

MODALITIES = tuple(_OURS)

SPANS = {
    "gyro": 200.0,
    "hr": 300.0,
    "position": 1000.0,
    "velocity": 100.0,
    "angle": 20.0,
    "force": 20_000.0,
    "emg": 100_000.0,
}
"""No channel of people ranges so far, in the unit of the artifacts: degrees or millimetres were meant."""


def conversion(modality: str, unit: str) -> tuple[str, float]:
    """The unit that stands in the artifacts, and the factor that leads to it.

    Spaces and ways to write "²", "µ" and "°" make no difference. Case does: an mN is no MN.

    Raises:
        DataError: a modality or unit that is not known.
    """
    if modality not in _OURS:
        raise DataError(f"unknown modality {modality!r}: one of {', '.join(MODALITIES)}")
    ours, known = _OURS[modality]
    written = _plain(unit)
    if written in known:
        return ours, known[written]
    if written in _NO_UNIT and modality not in _NEEDS_UNIT:
        return _NO_UNIT[0], 1.0
    units = [*known, *(() if modality in _NEEDS_UNIT else _NO_UNIT)]
    hint = f'; of counts say unit = "{ours}" and scale = 0.015625, where 64 are one {ours}' if known else ""
    raise DataError(f"unknown unit {unit!r} for {modality}: one of {', '.join(units)}{hint}")


def _plain(unit: str) -> str:
    """One spelling of a unit: "m / s²" and "m/s^2" → "m/s2", "µT" → "uT", "°/s" → "deg/s"."""
    unit = unicodedata.normalize("NFKC", unit.replace("º", "°"))  # the ordinal sign of Spanish keyboards
    for spelled, plain in (("μ", "u"), ("°", "deg"), ("^", ""), (" ", "")):
        unit = unit.replace(spelled, plain)
    return unit
