"""Physical units: what a user may write, and what the package works in."""

from __future__ import annotations

import math

from vqtext.errors import DataError

_TO_OURS: dict[str, dict[str, tuple[str, float]]] = {
    "acc": {"m/s2": ("m/s2", 1.0), "m/s^2": ("m/s2", 1.0), "m/s²": ("m/s2", 1.0), "g": ("m/s2", 9.80665)},
    "gyro": {
        "rad/s": ("rad/s", 1.0),
        "deg/s": ("rad/s", math.pi / 180),
        "dps": ("rad/s", math.pi / 180),
        "°/s": ("rad/s", math.pi / 180),
    },
    "mag": {"uT": ("uT", 1.0), "μT": ("uT", 1.0), "µT": ("uT", 1.0), "G": ("uT", 100.0), "1": ("1", 1.0)},
    "hr": {"bpm": ("bpm", 1.0)},
    "unknown": {"1": ("1", 1.0)},
}

MODALITIES = tuple(_TO_OURS)


def conversion(modality: str, unit: str) -> tuple[str, float]:
    """The unit that stands in the artifacts, and the factor that leads to it.

    Raises:
        DataError: a modality or unit that is not known.
    """
    if modality not in _TO_OURS:
        raise DataError(f"unknown modality {modality!r}: one of {', '.join(MODALITIES)}")
    units = _TO_OURS[modality]
    if unit not in units:
        raise DataError(f"unknown unit {unit!r} for {modality}: one of {', '.join(units)}")
    return units[unit]
