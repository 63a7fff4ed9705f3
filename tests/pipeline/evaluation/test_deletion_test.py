"""A user would lose: a deletion that deletes what was named, and no more at random than by name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vqtext.model.load import Decodings
from vqtext.model.vocabulary import Transcript, Use, Vocabulary
from vqtext.pipeline.evaluation.deletion_test import _pieces, deleted, deletion, scattered

FRAMES = 20


class Knocks:
    """A model that says "knocking" as far as there is a knock, in frames 4 to 6, and names it there."""

    vocabulary = Vocabulary(
        ("wait", "knock", "sit"),
        (Transcript("knocking", True, (Use(0), Use(1))), Transcript("sitting", True, (Use(0), Use(2)))),
    )

    def __init__(self, unknown: bool = False) -> None:
        self.unknown = unknown

    def predict_proba(self, signal: np.ndarray, index: Any = None) -> np.ndarray:
        chosen = np.asarray(signal if index is None else signal[index])
        loud = np.clip((chosen[:, 0, 8:12] - chosen[:, 0].mean(1)[:, None]).mean(1), 0.01, 0.99)
        return np.stack([loud, 1 - loud], 1)

    def decode(self, signal: np.ndarray, index: np.ndarray) -> Decodings:
        n = len(index)
        use = np.zeros((n, FRAMES), dtype=int)
        use[:, 4:6] = 1
        if self.unknown:
            use[:] = -1
        keep = np.ones((n, FRAMES), dtype=bool)
        posterior = np.log(self.predict_proba(signal, index))
        return Decodings(
            posterior, posterior, np.zeros(n, dtype=int), use, use, np.ones((n, FRAMES)), np.ones(n), keep
        )

    def tokenize(self, signal: np.ndarray, index: np.ndarray) -> Any:
        names = np.full((len(index), FRAMES, 3), 0.1)
        names[..., 0] = 0.8
        names[:, 4:6] = [0.1, 0.8, 0.1]
        return SimpleNamespace(names=names)


def windows() -> Any:
    signal = np.zeros((3, 1, 2 * FRAMES), dtype=np.float32)
    signal[:, 0, 8:12] = 1
    return SimpleNamespace(signal=signal)


def test_deleting_what_the_reason_names_hurts_more_than_deleting_at_random() -> None:
    named, random = deletion(Knocks(), windows(), np.arange(3), np.random.default_rng(0))  # type: ignore[arg-type]
    assert named.shape == random.shape == (3,)
    assert (named > 0.8).all() and random.mean() < 0.5


def test_where_nothing_is_named_nothing_is_deleted() -> None:
    for model, index in ((Knocks(unknown=True), np.arange(3)), (Knocks(), np.arange(0))):
        named, random = deletion(model, windows(), index, np.random.default_rng(0))  # type: ignore[arg-type]
        assert len(named) == len(random) == 0


def test_what_is_deleted_is_the_mean_and_missing_stays_missing() -> None:
    signal = np.array([[[1.0, 3.0, np.nan, 8.0], [np.nan] * 4]])
    mask = np.array([[True, False, True, False]])
    assert np.array_equal(deleted(signal, mask), [[[4, 3, np.nan, 8], [np.nan] * 4]], equal_nan=True)


@pytest.mark.parametrize("lengths", [[5], [2, 1, 2], [FRAMES], [1] * 5])
def test_random_pieces_are_as_long_and_never_overlap(lengths: list[int]) -> None:
    rng = np.random.default_rng(0)
    first = set()
    for _ in range(50):
        pieces = scattered(lengths, FRAMES, rng)
        assert sorted(end - start for start, end in pieces) == sorted(lengths)
        covered = [frame for start, end in pieces for frame in range(start, end)]
        assert len(covered) == len(set(covered)) and min(covered) >= 0 and max(covered) < FRAMES
        first.add(pieces[0][0])
    assert len(first) > 5 or lengths == [FRAMES]


def test_a_share_of_the_window_is_deleted_and_no_more() -> None:
    use = np.repeat([0, 1, -1, 2], [6, 2, 4, 8])
    evidence = np.repeat([1.0, 5.0, 9.0, 0.1], [6, 2, 4, 8])
    assert _pieces(use, evidence) == [(6, 8), (0, 3)], "the last is cut; what nobody names is left"
