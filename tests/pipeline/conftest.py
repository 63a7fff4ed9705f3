"""Fixtures of the stages' tests. MiniLM takes seconds to load: once a session."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from llm.server import LLMServer

from vqtext.console.progress import Tell
from vqtext.pipeline.encoders import Encoder
from vqtext.pipeline.encoders.sentence import minilm as load_minilm
from vqtext.pipeline.registry import STAGES
from vqtext.pipeline.stage import run
from vqtext.prompts.subactions import dump_subactions
from vqtext.schema import SubActions
from vqtext.settings.loading import load_settings
from vqtext.settings.schema import Settings

T = TypeVar("T")


class Heard:
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.warned: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def bar(self, text: str) -> AbstractContextManager[Tell]:
        self.said.append(text)
        return nullcontext(lambda done, total, numbers: None)

    def track(self, iterable: Iterable[T], total: int | None = None, text: str = "") -> Iterator[T]:
        self.said.append(text)
        return iter(iterable)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="session")
def minilm() -> Encoder:
    return load_minilm(tokens=48, batch_size=64, progress=Heard())  # type: ignore[arg-type]


class BagOfWords:
    """An encoder for tests: each word is a random direction, so texts are as near as they share words."""

    name = "bag of words"

    def encode(self, texts: Sequence[str]) -> tuple[np.ndarray, list[np.ndarray]]:
        states = [np.stack([self._word(word) for word in text.casefold().split()]) for text in texts]
        vectors = np.stack([state.sum(0) for state in states])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors.astype(np.float32), [state.astype(np.float16) for state in states]

    def _word(self, word: str) -> np.ndarray:
        return np.random.default_rng(zlib.crc32(word.encode())).normal(size=64)


@pytest.fixture
def bag_of_words(monkeypatch: pytest.MonkeyPatch) -> BagOfWords:
    """``vqtext embed`` takes `BagOfWords`, whatever the settings say."""
    encoder = BagOfWords()
    monkeypatch.setattr("vqtext.pipeline.embed.choose", lambda *_: (encoder, "for the test"))
    return encoder


@pytest.fixture
def write_words(tmp_path: Path) -> Callable[..., Settings]:
    """Write subactions.json into an empty cache; gives settings that point there.

    A label is a list of sub-actions, each a phrase or a dictionary; other keys of the label may follow.
    """

    def write(labels: dict[str, list], **more: dict) -> Settings:
        entries = [
            {
                "label": label,
                "subactions": [s if isinstance(s, dict) else {"phrase": s} for s in subactions],
                **more.get(label, {}),
            }
            for label, subactions in labels.items()
        ]
        words = SubActions.model_validate({"labels": entries})
        (tmp_path / "subactions.json").write_text(dump_subactions(words), encoding="utf-8")
        return Settings(cache=tmp_path)

    return write


@pytest.fixture
def llm_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LLMServer]:
    """A language model's server on loopback, and an environment that names no other."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with LLMServer() as server:
        yield server


@pytest.fixture(scope="session")
def described(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifacts before training, of a simulated study whose windows are described."""
    folder = tmp_path_factory.mktemp("described")
    world = folder / "world.toml"
    world.write_text("subjects = 1\nminutes = 0.6\n")
    data = {"data.name": "planted", "data.path": world}
    chosen = {"cache": folder / "cache", **data, "guidance.source": "both"}
    settings = load_settings(chosen, folder, {}).settings
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vqtext.pipeline.embed.choose", lambda *_: (BagOfWords(), "for the test"))
        for entry in STAGES[:5]:
            run(entry.load()(settings, Heard()), force=False)  # type: ignore[arg-type]
    return settings.cache
