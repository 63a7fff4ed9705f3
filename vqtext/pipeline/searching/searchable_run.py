"""A run opened to be asked in words: its models, its windows, and the text encoder that its words have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vqtext.cache.hdf5 import open_artifact
from vqtext.console.progress import Progress
from vqtext.data.windows.windows import Windows
from vqtext.errors import EncoderError
from vqtext.pipeline.embed import words_of
from vqtext.pipeline.encoders import Encoder, choose
from vqtext.pipeline.encoders.chunks import encode
from vqtext.pipeline.encoders.sentence import MINILM
from vqtext.pipeline.searching.meaning import Meaning, Vectors
from vqtext.pipeline.training.run_record import Fold
from vqtext.pipeline.training.trained_run import TrainedRun, open_trained
from vqtext.prompts.subactions import read_subactions
from vqtext.settings.schema import Settings

if TYPE_CHECKING:
    from vqtext.model.load import VQText


@dataclass(frozen=True)
class SearchableRun:
    """A run, as `open_run` opens it.

    Attributes:
        trained: the run; settings: of now.
        plain: the encoder's vectors of texts; encoder: its name.
    """

    settings: Settings
    trained: TrainedRun
    plain: Vectors
    encoder: str

    @property
    def windows(self) -> Windows:
        return self.trained.windows

    @property
    def folds(self) -> list[Fold]:
        return self.trained.folds

    def model(self, fold: int) -> VQText:
        """The best model of a split."""
        return self.trained.model(self.folds[fold])

    def meaning(self, fold: int) -> Meaning:
        """The words of a split's models, ready to be compared with texts."""
        words = self.trained.words(self.folds[fold])
        source = self.settings.cache / "subactions.json"
        labels = words_of(self.windows.labels, read_subactions(source).labels, source)
        return Meaning(words, labels, self.plain)

    def fold_by_window(self) -> np.ndarray:
        """The split whose models speak of each window, ``(N,)``: one that has not seen it, else the first."""
        by = np.zeros(self.windows.n, dtype=np.int64)
        for number, fold in enumerate(self.folds):
            by[fold.split.test] = number
        return by

    def seen(self) -> np.ndarray:
        """Windows that their model was made of, ``(N,)``."""
        by, seen = self.fold_by_window(), np.zeros(self.windows.n, dtype=bool)
        for number, fold in enumerate(self.folds):
            seen[fold.split.learn[by[fold.split.learn] == number]] = True
        return seen

    def each_fold(self) -> Iterator[tuple[int, np.ndarray]]:
        """Splits, and the windows that their models speak of."""
        by = self.fold_by_window()
        for number in np.unique(by).tolist():
            yield number, np.flatnonzero(by == number)


def open_run(settings: Settings, progress: Progress) -> SearchableRun:
    """Open a run to be asked in words.

    Raises:
        ArtifactError: there is no run, or it is stale or damaged.
        EncoderError: the text encoder of its words is not there.
    """
    trained = open_trained(settings, progress)
    with open_artifact(settings.cache / "texts.h5", "texts") as texts:
        name, known = texts.attrs["encoder"], {text: i for i, text in enumerate(texts["text"])}
        vector = texts["vector"]
    encoder: Encoder | None = None
    encoded: dict[str, np.ndarray] = {}

    def plain(wanted: Sequence[str]) -> np.ndarray:
        """Those of texts.h5, and of other texts from the encoder, which takes seconds to load."""
        nonlocal encoder
        new = [text for text in dict.fromkeys(wanted) if text not in known and text not in encoded]
        if new:
            if encoder is None:
                encoder, _ = choose("minilm" if name == MINILM else name, progress)
                if encoder.name != name:
                    raise EncoderError(f"the words were embedded by {name}, not by {encoder.name}")
            encoded.update(zip(new, encode(encoder, new)[0], strict=True))
        return np.stack([vector[known[text]] if text in known else encoded[text] for text in wanted])

    return SearchableRun(settings, trained, plain, name)
