"""Labels are asked for in waves, so that later ones can use the phrases of earlier ones.

The sizes are fixed: whatever died or failed, the same labels stand in the same waves when it is run again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from vqtext.schema import LabelWords, same_text

_SIZES = (1, 2, 4)
_SIZE = 8  # of all that follow
STOCK = 60
"""Most phrases that a prompt offers."""


def waves(labels: Sequence[str]) -> list[list[str]]:
    """The labels in their order, in waves of 1, 2, 4 and then 8: the next wave is asked for when one is done.

    >>> [len(wave) for wave in waves(["label"] * 19)]
    [1, 2, 4, 8, 4]
    """
    cut: list[list[str]] = []
    at = 0
    while at < len(labels):
        size = _SIZES[len(cut)] if len(cut) < len(_SIZES) else _SIZE
        cut.append([*labels[at : at + size]])
        at += size
    return cut


def stock(words: Iterable[LabelWords]) -> list[str]:
    """The phrases of some labels, each once, at most `STOCK`: first those that most labels use."""
    spelled: dict[str, str] = {}
    uses: Counter[str] = Counter()
    for label in words:
        for step in label.subactions:
            spelled.setdefault(same_text(step.phrase), step.phrase)
            uses[same_text(step.phrase)] += 1
    return [spelled[text] for text, _ in uses.most_common(STOCK)]  # of equals, the first
