"""Windows and words → a trained model: the stages of the pipeline, in a folder that is gone afterwards."""

from __future__ import annotations

import os
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.cache import hdf5
from vqtext.console.progress import Progress
from vqtext.data.splits.holdout import cut_validation
from vqtext.data.splits.splits import Split
from vqtext.data.windows.windows import Windows
from vqtext.errors import ConfigError
from vqtext.pipeline.artifacts import write_windows
from vqtext.pipeline.dedup import Dedup
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.stage import run
from vqtext.pipeline.train import Train
from vqtext.prompts.subactions import dump_subactions
from vqtext.schema import LabelWords, SubAction, SubActions
from vqtext.settings.loading import load_settings
from vqtext.settings.schema import Settings

if TYPE_CHECKING:
    from vqtext.model.load import VQText

OURS = (
    *("cache", "data.", "words.", "llm.", "describe.", "explain.", "evaluate."),
    *(f"train.{name}" for name in ("run", "seeds", "test_subjects", "folds", "split", "overfit")),
)
"""Settings that say nothing to an estimator, or that it says by itself."""

DIM = 32
"""Numbers of a vector that no text model made, unless there are more labels."""

_ALONE = threading.Lock()  # threads draw from the same generators: each would disturb the other's training


class TrainOnAll(Train):
    """Train on all windows: an estimator is never given those of the test."""

    def splits(self, windows: Windows) -> list[Split]:
        how = self.settings.train
        every, seed = np.arange(windows.n), how.seeds[0]
        validation, _ = cut_validation(windows, every, how.validation, np.random.default_rng(seed))
        train = np.setdiff1d(every, validation)
        return [Split(train, validation, every[:0], "own", seed=seed)]


class Warned(Progress):
    """A progress that warns as Python does."""

    def warn(self, text: str) -> None:
        warnings.warn(text, UserWarning, stacklevel=2)


def settings_of(given: Mapping[str, Any] | None, usual: Mapping[str, Any]) -> Settings:
    """Settings of a training.

    Args:
        given: by dotted name, as in ``vqtext.toml``.
        usual: what they are where they are not given; None says nothing.

    Raises:
        ConfigError: a setting that does not exist, is not for an estimator, or has a value it cannot have.
    """
    given = {} if given is None else given
    if not isinstance(given, Mapping) or not all(isinstance(name, str) and "." in name for name in given):
        raise ConfigError('settings are a dict of dotted names, such as {"train.refit": False}')
    if others := [name for name in given if name.startswith(OURS)]:
        raise ConfigError(f"settings: {others[0]} is not for an estimator: leave it out")
    try:
        return load_settings({**usual, **given}, os.devnull, environment={}).settings
    except ConfigError as error:  # which begins with where it stands
        raise ConfigError(f"settings: {str(error).partition(': ')[2]}") from None


def train(windows: Windows, words: SubActions | None, settings: Settings, verbose: bool) -> VQText:
    """Train a model as ``vqtext train`` does, on all windows.

    Args:
        words: of the labels; None gives each label one step and loads no text model.
        verbose: show on stderr how far it is.

    Raises:
        VQTextError: as ``vqtext embed``, ``dedup`` and ``train``; or settings that need words.
    """
    from vqtext.model.load import VQText

    if words is None and (settings.guidance.source != "none" or settings.reads_descriptions):
        raise ConfigError(
            f"guidance.source {settings.guidance.source} and train.grounding {settings.train.grounding} need "
            "words: give subactions, or leave these settings out"
        )
    progress = Warned(quiet=not verbose)
    with _ALONE, tempfile.TemporaryDirectory(prefix="vqtext-") as folder, _left_alone():
        settings = settings.model_copy(update={"cache": Path(folder)})
        write_windows(settings.cache / "windows.h5", windows, "")
        written = words or _one_step_each(windows.labels)
        (settings.cache / "subactions.json").write_text(dump_subactions(written), encoding="utf-8")
        if words is None:
            _write_without_text(settings.cache, written)
        else:
            run(Embed(settings, progress))
            run(Dedup(settings, progress))
        stage = TrainOnAll(settings, progress)
        run(stage)
        return VQText.from_pretrained(stage.target)


def _one_step_each(labels: Sequence[str]) -> SubActions:
    return SubActions(labels=[LabelWords(label=x, subactions=[SubAction(phrase=x)]) for x in labels])


def _write_without_text(cache: Path, words: SubActions) -> None:
    """What ``embed`` and ``dedup`` would write of one step a label, with vectors that are all orthogonal."""
    labels, count = [label.label for label in words.labels], len(words.labels)
    place = np.arange(count, dtype=np.int32)
    vectors = np.eye(count, max(count, DIM), dtype=np.float32)
    hdf5.write(
        cache / "texts.h5",
        "texts",
        {"vector": vectors, "label_text": place[:, None]},
        {"encoder": "none", "labels": labels},
        "",
    )
    hdf5.write(
        cache / "anchors.h5",
        "anchors",
        {
            "anchor/phrase": labels,
            "anchor/vector": vectors,
            "use/label": place,
            "use/anchor": place,
            "use/subaction": [step.model_dump_json() for label in words.labels for step in label.subactions],
        },
        {"labels": [{"label": label} for label in labels]},
        "",
    )


@contextmanager
def _left_alone() -> Iterator[None]:
    """A training draws from generators and sets switches that belong to the whole process: afterwards they
    are as they were."""
    import torch

    from vqtext.model.training.lightning_alone import lightning

    strict = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    states = lightning.fabric.utilities.seed._collect_rng_states()
    try:
        yield
    finally:
        lightning.fabric.utilities.seed._set_rng_states(states)
        torch.use_deterministic_algorithms(strict, warn_only=warns)
