"""How many sub-actions a label may have, so that sensors can distinguish them."""

from __future__ import annotations

from vqtext.schema import MIN_SAMPLES

_ONE_PLACE, _MOST = 5, 12
_SPREAD = 4  # between the fewest and the most
_ROUND_S = 1.0  # a usual round of a movement


def step_range(places: int, rate_hz: float, least: int, most: int) -> tuple[int, int]:
    """The fewest and the most sub-actions to ask for.

    Every place distinguishes one more, and a round of a second holds half as many as it has samples.

    Args:
        places: that have a sensor of motion.
        rate_hz: samples a second.
        least, most: what the settings let pass; they rule.

    >>> step_range(1, 10, 1, 12), step_range(5, 50, 1, 12)
    ((2, 5), (6, 10))
    """
    at_this_rate = int(rate_hz * _ROUND_S / MIN_SAMPLES)
    many = max(2, min(_ONE_PLACE + max(places, 1), at_this_rate, _MOST))
    few = max(2, many - _SPREAD)
    return max(least, min(few, most)), min(most, max(many, least))
