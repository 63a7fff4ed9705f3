"""Search, draw and the words of a stretch, on a run of two folds; texts by `BagOfWords`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from test_unseen import prepared, study  # noqa: F401  a fixture

from vqtext.cache.hdf5 import open_artifact
from vqtext.errors import EncoderError, UsageError
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.searching import draw, search, stretch
from vqtext.pipeline.searching.moments import Moments, moments_of
from vqtext.pipeline.searching.shapes import Shape, Shapes, put
from vqtext.pipeline.stage import run
from vqtext.pipeline.train import Train
from vqtext.settings.schema import Settings


def test_a_run_is_asked_in_words(
    prepared: Any,  # noqa: F811
    heard: Any,
    bag_of_words: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: Settings = prepared(study(), folds=2)
    run(Train(asked, heard))
    monkeypatch.setattr("vqtext.pipeline.searching.searchable_run.choose", lambda *_: (bag_of_words, ""))
    finds_moments_by_models_that_have_not_seen_them(asked)
    tells_the_words_of_a_piece_of_signal(asked)

    # Vectors of two encoders have nothing to do with each other: whatever came first would look like a find.
    other = SimpleNamespace(name="another", encode=bag_of_words.encode)
    monkeypatch.setattr("vqtext.pipeline.searching.searchable_run.choose", lambda *_: (other, ""))
    with pytest.raises(EncoderError, match=r"bag of words.* another"):
        search.search(asked, "no text of the words")


def test_a_moment_of_an_unknown_person_is_of_nobody_else() -> None:
    """A user would read another person's id, or, where no subject is known, a traceback."""
    one = np.zeros(1, dtype=int)
    windows = SimpleNamespace(
        subject=one - 1, subjects=[SimpleNamespace(id="1")], start_s=one, labels=["walking"],
        recording=one, recordings=["r1"],
    )  # fmt: skip
    opened: Any = SimpleNamespace(
        windows=windows,
        seen=lambda: one > 0,
        each_fold=lambda: [(0, one)],
        meaning=lambda fold: SimpleNamespace(phrases=["arm swings"]),
    )
    index = search.MomentIndex(opened)
    index.moments = {0: Moments(one, one, one + 2, one, one, one + 0.9, np.ones((1, 1)), 0.1)}
    found = index.entries(search.Ranked(one, one, one + 1.0), top=1)
    assert found[0]["subject"] is None
    answer = {"text": "arm swings", "nearest": [], "held": True, "similarity": 1, "usual": 0, "found": found}
    assert "unknown" in search.lines(answer)[2]


def test_a_moment_told_as_another_step_is_found_by_what_else_it_may_be() -> None:
    """A moment in doubt, told as a step that the text contradicts, would not be found at all: where names are
    often wrong, a search would find less than a plain cosine."""
    three, two = np.zeros(3, dtype=int), np.array([1, 2, 1])
    opened: Any = SimpleNamespace(
        each_fold=lambda: [(0, three)],
        meaning=lambda fold: SimpleNamespace(phrases=["raise", "lower", "hold"]),
    )
    index = search.MomentIndex(opened)
    names = np.array([[0.4, 0.6, 0.0], [0.1, 0.0, 0.9], [0.0, 1.0, 0.0]])
    index.moments = {0: Moments(three, three, three + 2, three, two, three + 0.9, names, 0.1)}
    ranked = index.find({0: np.array([[1.0, 0.0, 0.5]])})
    assert ranked.row.tolist() == [1, 0], "what is nothing of what is asked is none"
    assert ranked.score == pytest.approx([0.55, 0.4])


def finds_moments_by_models_that_have_not_seen_them(asked: Settings) -> None:
    with open_artifact(asked.cache / "anchors.h5", "anchors") as anchors:
        phrase = anchors["anchor/phrase"][0]
    answer = search.search(asked, phrase, top=7)
    found = answer["found"]
    assert answer["held"] and answer["similarity"] == pytest.approx(1)
    assert answer["nearest"][0]["step"] == phrase
    assert 0 < len(found) <= 7 and not any(moment["seen"] for moment in found)
    assert [m["score"] for m in found] == sorted((m["score"] for m in found), reverse=True)
    windows = read_windows(asked.cache / "windows.h5")
    for moment in found:
        begin = windows.start_s[moment["window"]]
        assert begin <= moment["start_s"] < moment["end_s"] <= begin + windows.T / windows.rate_hz + 1e-6
    assert len(search.lines(answer)) == 2 + len(found)

    drawn = draw.draw(asked, phrase, top=2)
    assert drawn["held"] and 0 < len(drawn["shapes"]) <= 2
    assert len(drawn["shapes"][0]["channels"]) == len(windows.channels)

    for top in (0, -1):
        with pytest.raises(UsageError, match=r"--top"):
            search.search(asked, phrase, top)


def tells_the_words_of_a_piece_of_signal(asked: Settings) -> None:
    answer = stretch.words_at(asked, 0, 1.0, 2.0)
    assert sum(word["named"] for word in answer["words"]) == pytest.approx(1, abs=1e-3)
    assert sum(word["decoded"] for word in answer["words"]) + answer["unknown"] == pytest.approx(1, abs=1e-3)
    assert stretch.words_at(asked, 0, 1.0, 1.001)["words"], "shorter than a frame"
    assert answer["words"][0]["step"] in "\n".join(stretch.lines(answer))
    for begin, end in ((2.0, 1.0), (-1.0, None), (0.0, 99.0), (float("nan"), None)):
        with pytest.raises(UsageError, match=r"window 0\b"):
            stretch.words_at(asked, 0, begin, end)
    with pytest.raises(UsageError, match=r"\b9999\b"):
        stretch.words_at(asked, 9999)


def test_a_moment_in_two_windows_is_found_once() -> None:
    """Windows overlap: the first twenty moments would be ten, and stubs where a window begins."""
    anchor = np.array([[0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 0, -1], [0, 0, 0, 0]])
    said = SimpleNamespace(
        anchor=anchor,
        keep=np.ones_like(anchor, dtype=bool),
        label=np.zeros(4, dtype=int),
        confidence=np.array([[0.5] * 4, [1.0] * 4, [0.25] * 4, [0.5] * 4]),
    )
    model = SimpleNamespace(
        decode=lambda *_: said,
        tokenize=lambda *_: SimpleNamespace(names=np.eye(2)[np.maximum(anchor, 0)]),
        config=SimpleNamespace(window_s=4.0, frames=4),
    )
    windows = SimpleNamespace(
        signal=None, start_s=np.array([0.0, 2.0, 2.0, 4.0]), recording=np.array([0, 0, 1, 0])
    )
    found = moments_of(model, windows, np.arange(4))  # type: ignore[arg-type]
    columns = (found.window, found.start, found.end, found.anchor, found.confidence)
    assert np.stack(columns, 1).tolist() == [
        [0, 0, 2, 0, 0.5],
        [1, 0, 2, 1, 1.0],  # of window 0 it was less sure
        [2, 0, 2, 1, 0.25],  # another recording
        [2, 2, 3, 0, 0.25],
        [3, 0, 4, 0, 0.5],  # in window 1 it was surer, and cut short
    ]
    assert (found.names == np.eye(2)[found.anchor]).all()


def test_a_shape_is_drawn_over_the_stretch_alone() -> None:
    shape = Shape(0, (0,), 1.0, 0.1, 0.5, np.array([[0.0, 1.0], [2.0, 2.0]]))
    signal = np.full((2, 8), 9.0, dtype=np.float32)
    changed = put(signal, shape, 2, 5)
    assert changed[0].tolist() == [9, 9, 0, 0.5, 1, 9, 9, 9] and changed[1, 2:5].tolist() == [2, 2, 2]
    assert (signal == 9).all(), "the window itself stays"


def test_a_shape_is_the_token_called_as_asked_and_holds_where_it_is_read_again() -> None:
    """The median of a code's tokens may look like none of them, and be called something else in any place: a
    user would be shown the wrong signal for the words."""
    named = np.array([[1.0, 0.0], [0.5, 0.5], [0.75, 0.25], [0.25, 0.75]])  # of token 0 to 3

    def tokenize(signal: np.ndarray, index: np.ndarray | None = None) -> SimpleNamespace:
        if index is None:  # drawn: what lies about 2 is called as asked, all else is not
            return SimpleNamespace(names=np.eye(2)[(np.abs(signal[:, 0] - 2) > 0.1).astype(int)])
        return SimpleNamespace(
            code=np.tile([0, 0, 1, 1], (4, 1)),
            t=np.tile([0, 0.25, 0.5, 0.75], (4, 1)),
            l=np.full((4, 4), 0.25),
            mu=np.tile([5.0, 3.0, 2.0, 0.0], (4, 1))[..., None],
            sigma=np.ones((4, 4, 1)),
            names=np.tile(np.repeat(named, 2, axis=0), (4, 1, 1)),
        )

    scale = SimpleNamespace(std=torch.ones(1), mean=torch.zeros(1))
    model: Any = SimpleNamespace(
        tokenize=tokenize,
        network=SimpleNamespace(code_shapes=lambda: torch.zeros(2, 1, 16), normalise=scale),
        config=SimpleNamespace(substeps=2, frames=8, window_s=2.0, joint=True),
    )
    windows: Any = SimpleNamespace(signal=np.zeros((4, 1, 8)), label=np.zeros(4, dtype=int), T=8)
    first, second = Shapes(model, windows, np.arange(4)).of(np.array([1.0, 0.0]))
    assert (first.code, second.code) == (1, 0), "code 0 is called so more often, but not where it is drawn"
    assert (first.values == 2).all() and (second.values == 5).all(), "drawn as the token called so most"
    assert first.names == (0, 0) and (first.says, second.says) == (0.5, 0.75)
    assert (first.usage, first.length_s) == (0.5, 0.5)
