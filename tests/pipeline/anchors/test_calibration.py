"""A threshold from the words themselves: paraphrases together, opposites apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vqtext.errors import UsageError
from vqtext.pipeline.anchors.calibration import MIN_PARAPHRASES, SHIPPED, Judged, lowest_threshold
from vqtext.pipeline.dedup import Dedup
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.stage import run

COLOURS = ["red", "green", "blue", "black", "white", "brown", "grey", "pink", "gold", "violet"]


def judged(cosines: list[float], vetoed: bool = False) -> Judged:
    return Judged(np.array(cosines), np.full(len(cosines), vetoed))


def test_the_lowest_threshold_that_merges_neither_opposites_nor_unrelated_phrases() -> None:
    unrelated = judged([0.55] * 5 + [0.1] * 95)
    assert lowest_threshold(judged([0.72]), judged([0.1])) == 0.73
    assert lowest_threshold(judged([0.72], vetoed=True), unrelated) == 0.56
    assert lowest_threshold(judged([]), judged([])) == 0.5
    assert lowest_threshold(judged([0.99, 0.6]), judged([0.1])) == 0.61, "the one at .99 no threshold helps"


def words(paraphrases: bool) -> dict[str, list]:
    """Ten phrases with two paraphrases each: five shared words and one of their own."""
    return {
        f"label {colour}": [
            {
                "phrase": f"paint {colour} paper over slowly with {colour} brush",
                "opposite": f"scratch {colour} paper clean",
                "paraphrases": [
                    f"slowly paint {colour} paper over with {colour} roller",
                    f"paint {colour} paper over with {colour} brush calmly",
                ]
                if paraphrases
                else None,
            }
        ]
        for colour in COLOURS
    }


def test_the_words_own_paraphrases_decide(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(words(paraphrases=True))
    settings = settings.model_copy(update={"dedup": settings.dedup.model_copy(update={"calibrate": True})})
    run(Embed(settings, heard))
    answer = run(Dedup(settings, heard))
    assert 0.5 <= answer["threshold"] < 0.95 and answer["anchors"] >= len(COLOURS) - 1
    said = "\n".join(heard.said)
    assert f"{2 * len(COLOURS)} paraphrases and {len(COLOURS)} opposites" in said
    assert "opposites merged" in said, "the trade-off is shown"


def test_too_few_paraphrases_take_what_is_shipped_and_say_so(
    write_words: Any, heard: Any, bag_of_words: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = write_words(words(paraphrases=False))
    settings = settings.model_copy(update={"dedup": settings.dedup.model_copy(update={"calibrate": True})})
    run(Embed(settings, heard))
    with pytest.raises(UsageError, match=r"\b0 paraphrases.* 20\b"):
        run(Dedup(settings, heard))
    monkeypatch.setitem(SHIPPED, bag_of_words.name, 0.77)
    assert run(Dedup(settings, heard))["threshold"] == 0.77
    assert any(f"fewer than {MIN_PARAPHRASES}" in line for line in heard.said)
