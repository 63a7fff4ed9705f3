"""Which share of a training step is spent waiting for windows and texts.

    python benchmarks/loader.py

DSADS below VQTEXT_DATA (default ../shared/data), the default model and batch size, on two cores. Real
training (`vqtext.model.training.fit`) with windows and text tokens left in their files, as they are where
they do not fit into memory. "cold": the pages of both files are dropped from the system's cache before each
batch, as in a file much larger than memory at its worst. The windows are 5 s of 45 channels, 22 kB each.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from vqtext.console.progress import Progress
from vqtext.data.splits.folds import splits_for
from vqtext.model.training import fit
from vqtext.model.training.dataset import PrefetchingLoader
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.registry import STAGES
from vqtext.pipeline.stage import run
from vqtext.pipeline.training import assemble
from vqtext.settings.schema import Settings

BEFORE = ("prepare", "gen-subactions", "describe", "embed", "dedup")
real_loader = fit.loader


class Timed(PrefetchingLoader):
    """Counts the seconds in which training waits for the next batch."""

    waited = 0.0
    cold: tuple[Path, ...] = ()

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        batches = super().__iter__()
        while True:
            for path in Timed.cold:
                with path.open("rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            started = time.perf_counter()
            batch = next(batches, None)
            Timed.waited += time.perf_counter() - started
            if batch is None:
                return
            yield batch


def timed(*args: Any, **options: Any) -> DataLoader[Any]:
    found = real_loader(*args, **options)
    if options["shuffle"]:
        found.__class__ = Timed
    return found


def main() -> None:
    fit.loader = timed  # type: ignore[assignment]
    assemble.IN_MEMORY = 0
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", help="a folder that keeps the artifacts for the next time")
    with tempfile.TemporaryDirectory() as temporary:
        place = parser.parse_args().cache or temporary
        data = {"name": "dsads", "path": Path(os.environ.get("VQTEXT_DATA", "../shared/data")) / "dsads"}
        chosen = {"epochs": 1, "test_subjects": ["7", "8"], "accelerator": "cpu"}
        settings = Settings.model_validate({"cache": place, "data": data, "train": chosen})
        for entry in STAGES:
            if entry.command in BEFORE:
                run(entry.load()(settings, Progress(quiet=True)))
        files = tuple(Path(place) / name for name in ("windows.h5", "texts.h5"))
        windows = read_windows(files[0])
        config, gathered = assemble.training_data(windows, splits_for(windows, settings.train)[0], settings)
        empty = type(gathered)(**{**vars(gathered), "validation": torch.arange(0)})
        for workers in (0, 1):
            for cold in (False, True):
                Timed.waited, Timed.cold = 0.0, files if cold else ()
                how = settings.train.model_copy(update={"workers": workers})
                started = time.perf_counter()
                folder = Path(temporary) / f"{workers}-{cold}"
                fit.fit(config, empty, how, settings.guidance.drop, 0, folder, lambda *_: None)
                seconds = time.perf_counter() - started
                cache = "cold" if cold else "warm"
                share = 100 * Timed.waited / seconds
                print(f"workers {workers}, {cache}: waited {share:.1f} % of {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()
