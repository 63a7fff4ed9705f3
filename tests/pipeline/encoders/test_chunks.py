"""A user would lose: a warning that a worker gave, or vectors of one encoder for all texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sent import Sent

from vqtext.errors import EncoderError
from vqtext.pipeline.encoders import chunks
from vqtext.pipeline.encoders.chunks import Encode, encode_chunks
from vqtext.pipeline.executing.executor import Serial

TEXTS = ["lift the leg", "lower the leg", "stand", "turn left", "turn right"]


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, bag_of_words: Any) -> Any:
    """A worker's own encoder, which warns each time."""
    chunks._loaded.cache_clear()

    def choose(name: str, progress: Any, tokens: int, batch_size: int) -> Any:
        class Warns(type(bag_of_words)):  # type: ignore[misc]
            def encode(self, texts: Any) -> Any:
                progress.warn("a text was cut")
                return super().encode(texts)

        return Warns(), "for the test"

    monkeypatch.setattr(chunks, "choose", choose)
    yield bag_of_words
    chunks._loaded.cache_clear()


def test_workers_give_what_this_process_would_and_warn_once(elsewhere: Any, heard: Any) -> None:
    encode = Encode("auto", 48, 64, elsewhere.name, elsewhere)
    results = [
        list(encode_chunks(executor, encode, iter(TEXTS), 2, heard)) for executor in (Serial(), Sent())
    ]
    assert [chunk.texts for chunk in results[0]] == [
        tuple(TEXTS[:2]),
        ("stand", "turn left"),
        ("turn right",),
    ]
    for here, there in zip(*results, strict=True):
        assert here.texts == there.texts and np.array_equal(here.vectors, there.vectors)
        assert all(map(np.array_equal, here.states, there.states))
    assert heard.warned == ["a text was cut"]


def test_another_encoder_on_another_machine_is_an_error(elsewhere: Any, heard: Any) -> None:
    with pytest.raises(EncoderError, match=r"bag of words.*CLIP"):
        list(encode_chunks(Sent(), Encode("auto", 48, 64, "CLIP", elsewhere), iter(TEXTS), 2, heard))
