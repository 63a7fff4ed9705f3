from __future__ import annotations

import pytest

from vqtext.console.text import cut_apart

LONG = "the person who stands beside the table with both hands on the hips lifts the left foot slowly"


def test_two_long_phrases_that_became_one_can_be_told_apart():
    """Else nobody can see what was merged, and undo it where it was wrong."""
    other = LONG.replace("left", "right")
    assert cut_apart([LONG, other]) == [
        "the person who … lifts the left foot slowly",
        "the person who … lifts the right foot slowly",
    ]
    assert cut_apart(["short", LONG])[0] == "short"
    assert cut_apart([LONG, LONG])[0] == LONG[:59] + "…"


@pytest.mark.parametrize(
    "texts",
    [
        [LONG + end for end in ("", " and", " and then", " and then once more", ", left", ", right")],
        ["x" * 200, "x" * 200 + "y", "x" * 100, "x" * 59],
        ["step " + "x" * 100 + end for end in "ab"],
        [f"{'a' * 40}{first}{'b' * 60}{last}" for first in "12" for last in "34"],
        [LONG, LONG.replace("slowly", "quickly"), LONG.replace("left", "right"), LONG.replace("both", "two")],
        ["a" + " " * n + "b" for n in (90, 91, 92)],
    ],
)
def test_however_they_differ_no_two_look_alike(texts):
    shown = cut_apart(texts)
    assert len(set(shown)) == len(texts)
    assert max(map(len, shown)) <= max(60, *map(len, texts))
