"""A run opened to be used: what it wrote down, its windows, splits and models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from vqtext.console.progress import Progress
from vqtext.data.windows.windows import Windows
from vqtext.errors import UsageError
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.train import Train
from vqtext.pipeline.training.run_record import Fold, folds_of, read_run
from vqtext.pipeline.training.run_words import resolved_words, without_steps
from vqtext.pipeline.vocabulary.anchor_words import Words, read_words
from vqtext.settings.schema import Settings, TrainSettings

if TYPE_CHECKING:
    from vqtext.model.load import VQText


@dataclass(frozen=True)
class TrainedRun:
    """A run with what it was made of.

    Attributes:
        folder: the run's.
        run: what it wrote down.
        windows_file: windows.h5, out of which ``windows`` are.
        folds: its splits with their models.
    """

    folder: Path
    run: dict[str, Any]
    windows_file: Path
    windows: Windows
    folds: list[Fold]

    @classmethod
    def read(cls, settings: Settings) -> Self:
        """The run that the settings name, current or not.

        Raises:
            ArtifactError: there is none, or it is damaged.
        """
        folder, file = settings.run_folder, settings.cache / "windows.h5"
        run, windows = read_run(folder), read_windows(file)
        return cls(folder, run, file, windows, folds_of(folder, run, windows))

    def model(self, fold: Fold) -> VQText:
        """The best model of a split."""
        from vqtext.model.load import VQText

        return VQText.from_pretrained(self.folder / fold.best)

    def words(self, fold: Fold) -> Words:
        """The words that the models of a split were given.

        Raises:
            ArtifactError: anchors.h5 is missing, or has not all labels.
        """
        words = read_words(self.windows_file.parent / "anchors.h5", self.windows.labels)
        train, split = TrainSettings(**self.run["settings"]["train"]), self.run["splits"][fold.number]
        resolved = resolved_words(words, self.windows, fold.split.learn, train, split["round_s"])
        return without_steps(resolved.words, split["absent"])

    def fold_of(self, window: int) -> Fold:
        """The split that tests a window; the first where none does.

        Raises:
            UsageError: there is no such window.
        """
        if not 0 <= window < self.windows.n:
            raise UsageError(
                f"there is no window {window}: {self.windows_file} has 0 to {self.windows.n - 1}"
            )
        return next((fold for fold in self.folds if window in fold.split.test), self.folds[0])


def open_trained(settings: Settings, progress: Progress | None = None) -> TrainedRun:
    """`TrainedRun.read`, where the run is current.

    Raises:
        ArtifactError: there is none, or it is stale or damaged.
    """
    Train(settings, progress or Progress(quiet=True)).check()
    return TrainedRun.read(settings)
