"""Random batches of 64 real windows: HDF5 filters and chunks beside a numpy memmap and a .npy per sample.

    python benchmarks/store.py [--rounds 3]

DSADS windows, out of the folder VQTEXT_DATA (default ../shared/data). All in one process, formats in turn,
page cache warm; batches a second as a ratio to the memmap of the same round: median (least–most).
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from vqtext.cache.hdf5 import _read_runs, open_artifact
from vqtext.config import Settings
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.progress import Progress
from vqtext.pipeline.stage import run

BATCH = 64
FILTERS = {
    "none": {},
    "lzf": {"compression": "lzf", "shuffle": True},
    "gzip-1": {"compression": "gzip", "compression_opts": 1},
    "gzip-1 shuffle": {"compression": "gzip", "compression_opts": 1, "shuffle": True},
}
Read = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = Path(os.environ.get("VQTEXT_DATA", "../shared/data")) / "dsads"
        data = {"name": "dsads", "path": path}
        stage = Prepare(Settings.model_validate({"cache": folder, "data": data}), Progress(quiet=True))
        run(stage)
        with open_artifact(stage.target, "windows") as artifact:
            signal = artifact["signal"]
            readers, notes = formats(signal, folder)
            readers["Artifact.rows"] = lambda rows: artifact.rows("signal", rows)
            report(readers, notes, signal, args.rounds)


def formats(signal: np.ndarray, folder: Path) -> tuple[dict[str, Read], dict[str, str]]:
    """How each format is read; its size beside the raw bytes and its seconds of writing."""
    np.save(folder / "all.npy", signal)
    memmap = np.load(folder / "all.npy", mmap_mode="r")
    for i, window in enumerate(signal):
        np.save(folder / f"{i}.npy", window)
    readers: dict[str, Read] = {
        "memmap": lambda rows: memmap[rows],
        ".npy per sample": lambda rows: np.stack([np.load(folder / f"{i}.npy") for i in rows]),
    }
    notes = {}
    for kind, options in FILTERS.items():
        for rows in (1, 4, 11):
            for checked in (False, True):
                name = f"{kind}, {rows} a chunk{', fletcher32' if checked else ''}"
                target, started = folder / f"{name}.h5", time.perf_counter()
                with h5py.File(target, "w", libver=("v110", "v110")) as file:
                    chunks = (rows, *signal.shape[1:])
                    file.create_dataset("x", data=signal, chunks=chunks, fletcher32=checked, **options)
                seconds = time.perf_counter() - started
                notes[name] = f"{target.stat().st_size / signal.nbytes:.2f} of raw, {seconds:.1f} s to write"
                readers[name] = by_runs(h5py.File(target, "r")["x"])
    fancy = h5py.File(folder / "gzip-1 shuffle, 11 a chunk, fletcher32.h5", "r")["x"]
    readers["the same, dataset[rows]"] = lambda rows: fancy[np.sort(rows)][np.argsort(np.argsort(rows))]
    return readers, notes


def by_runs(dataset: h5py.Dataset) -> Read:
    return lambda rows: _read_runs(dataset, np.sort(rows))[np.argsort(np.argsort(rows))]


def report(readers: dict[str, Read], notes: dict[str, str], signal: np.ndarray, rounds: int) -> None:
    rng, ratios = np.random.default_rng(0), {name: [] for name in readers}
    for _ in range(rounds):
        order = rng.permutation(len(signal))
        batches = [order[i : i + BATCH] for i in range(0, len(order) - BATCH + 1, BATCH)]
        seconds = {}
        for name, read in readers.items():
            np.testing.assert_array_equal(read(batches[0]), signal[batches[0]])
            started = time.perf_counter()
            for batch in batches:
                read(batch)
            seconds[name] = (time.perf_counter() - started) / len(batches)
        for name, value in seconds.items():
            ratios[name].append(seconds["memmap"] / value)
    for name, found in ratios.items():
        told = f"{np.median(found):.3f} ({min(found):.3f}–{max(found):.3f})"
        print(f"{name:38} × {told}  {seconds[name] * 1000:6.1f} ms  {notes.get(name, '')}")


if __name__ == "__main__":
    main()
