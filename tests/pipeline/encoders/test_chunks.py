"""A user would lose: a warning that a worker gave, or vectors of one encoder for all texts."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from sent import Sent

from vqtext.console.progress import Progress
from vqtext.errors import EncoderError
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.encoders import chunks
from vqtext.pipeline.encoders.chunks import Chunk, Encode, encode_chunks
from vqtext.pipeline.executing.executor import Serial
from vqtext.settings.schema import Settings

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
    encode = Encode("auto", 48, 64, elsewhere.name, here=elsewhere)
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
        list(encode_chunks(Sent(), Encode("auto", 48, 64, "CLIP", here=elsewhere), iter(TEXTS), 2, heard))


def test_half_precision_goes_to_workers_too_and_is_written_down_where_it_was_asked_for(minilm: Any) -> None:
    """Lost: texts.h5 that nobody can tell from an exact one, or all those of before the choice."""
    exact, half = (Encode("minilm", 48, 64, minilm.name, half, minilm) for half in (False, True))
    vectors = [encode(Chunk(tuple(TEXTS))).vectors for encode in (exact, half)]
    assert not (vectors[0] == vectors[1]).all() and (vectors[0] * vectors[1]).sum(1).min() > 0.999
    assert pickle.loads(pickle.dumps(half)).half
    options = [Embed(Settings(embed={"half": chosen}), Progress()).options() for chosen in (False, True)]
    assert "half" not in options[0] and options[1]["half"]
