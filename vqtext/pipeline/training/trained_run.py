"""A run opened to be used: what it wrote down, its windows, splits and models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqtext.console.progress import Progress
from vqtext.data.windows.windows import Windows
from vqtext.errors import UsageError
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.train import Train
from vqtext.pipeline.training.run_record import Fold, folds_of, read_run
from vqtext.pipeline.training.run_words import words_of_fold
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.settings.schema import Settings

if TYPE_CHECKING:
    from vqtext.model.load import VQText


@dataclass(frozen=True)
class TrainedRun:
    """A run, as `open_trained` opens it.

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

    def model(self, fold: Fold) -> VQText:
        """The best model of a split."""
        from vqtext.model.load import VQText

        return VQText.from_pretrained(self.folder / fold.best)

    def words(self, fold: Fold) -> Words:
        """The words that the models of a split were given."""
        number = next(i for i, own in enumerate(self.folds) if own is fold)  # == would compare arrays
        cache = self.windows_file.parent
        return words_of_fold(cache, self.run, number, self.windows, fold.split.learn)

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
    """Open the run that the settings name.

    Raises:
        ArtifactError: there is none, or it is stale or damaged.
    """
    train = Train(settings, progress or Progress(quiet=True))
    train.check()
    run = read_run(train.target)
    file = settings.cache / "windows.h5"
    windows = read_windows(file)
    return TrainedRun(train.target, run, file, windows, folds_of(train.target, run, windows))
