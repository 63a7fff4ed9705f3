"""The look of a name: one of Okabe and Ito's seven colours and one of six hatches.

A colour alone never distinguishes two names (about one man in twelve sees fewer of them): the first seven
names are plain, the next seven are hatched, and so on up to 42. Beyond that looks repeat and the written
name decides.
"""

from __future__ import annotations

from collections.abc import Iterable

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#f0e442")
HATCHES = ("plain", "rising", "dots", "falling", "level", "cross")


def numbered(words: Iterable[str]) -> dict[str, int]:
    """Number words in the order of their first appearance. The number is all that the page's ids use."""
    return {word: number for number, word in enumerate(dict.fromkeys(words))}


def colour(number: int) -> str:
    """The colour of name ``number``."""
    return COLOURS[number % len(COLOURS)]


def hatch(number: int) -> str:
    """The hatch of name ``number``."""
    return HATCHES[number // len(COLOURS) % len(HATCHES)]
