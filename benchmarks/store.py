"""Random batches of 64 real windows out of HDF5, beside a numpy memmap and a .npy file per window.

    python benchmarks/store.py [--rounds 3]

DSADS windows (5 s of 45 channels, 22 kB each) made by `vqtext prepare` out of VQTEXT_DATA (default
../shared/data). All in one process, formats in turn. "warm": the pages are in the system's cache; "cold":
they are dropped before each batch with posix_fadvise, which a kernel may ignore. Batches a second as a
ratio to the memmap of the same round: median (least–most). `Artifact.rows` on windows.h5 is what training
reads with.
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

from vqtext.cache.hdf5 import open_artifact
from vqtext.console.progress import Progress
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import run
from vqtext.settings.schema import Settings

BATCH, BATCHES = 64, 12
GZIP = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
LAYOUTS = {
    "no filter, 1 window a chunk": (1, {}),
    "lzf, 1": (1, {"compression": "lzf", "shuffle": True}),
    "gzip, 1": (1, GZIP),
    "gzip without shuffle, 1": (1, {"compression": "gzip", "compression_opts": 1}),
    "gzip, 4": (4, GZIP),
    "gzip, 11 (256 kB)": (11, GZIP),
    "gzip, 1, no checksum": (1, {**GZIP, "fletcher32": False}),
}
Read = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = {"name": "dsads", "path": Path(os.environ.get("VQTEXT_DATA", "../shared/data")) / "dsads"}
        stage = Prepare(Settings.model_validate({"cache": folder, "data": data}), Progress(quiet=True))
        run(stage)
        with open_artifact(stage.target, "windows") as artifact:
            signal = artifact["signal"]
            readers, notes = formats(signal, folder)
            readers["windows.h5, Artifact.rows"] = lambda rows: artifact.rows("signal", rows)
            notes["windows.h5, Artifact.rows"] = f"{stage.target.stat().st_size / signal.nbytes:.2f} of raw"
            for cold in (False, True):
                report(readers, notes, signal, args.rounds, folder if cold else None)


def formats(signal: np.ndarray, folder: Path) -> tuple[dict[str, Read], dict[str, str]]:
    """How each format is read; its size beside the raw bytes and its seconds of writing."""
    started = time.perf_counter()
    np.save(folder / "all.npy", signal)
    notes = {"memmap": f"1.00 of raw, {time.perf_counter() - started:.1f} s to write"}
    started = time.perf_counter()
    for i, window in enumerate(signal):
        np.save(folder / f"{i}.npy", window)
    notes[".npy per window"] = f"1.01 of raw, {time.perf_counter() - started:.1f} s to write"
    readers: dict[str, Read] = {
        # opened each time, since pages that are mapped are not dropped from the cache
        "memmap": lambda rows: np.load(folder / "all.npy", mmap_mode="r")[rows],
        ".npy per window": lambda rows: np.stack([np.load(folder / f"{i}.npy") for i in rows]),
    }
    for name, (rows, options) in {**LAYOUTS, **plugins()}.items():
        target, started = folder / f"{len(notes)}.h5", time.perf_counter()
        with h5py.File(target, "w", libver=("v110", "v110")) as file:
            chunks = (rows, *signal.shape[1:])
            file.create_dataset("x", data=signal, chunks=chunks, **{"fletcher32": True, **options})
        seconds = time.perf_counter() - started
        notes[name] = f"{target.stat().st_size / signal.nbytes:.2f} of raw, {seconds:.1f} s to write"
        readers[name] = one_by_one(h5py.File(target, "r")["x"])
        if name == "gzip, 1":
            readers["gzip, 1, dataset[sorted rows]"] = fancy(h5py.File(target, "r")["x"])
    return readers, notes


def plugins() -> dict[str, tuple[int, dict[str, object]]]:
    """Filters of hdf5plugin, where it is installed."""
    try:
        import hdf5plugin
    except ModuleNotFoundError:
        print("hdf5plugin is not installed: its filters are left out")
        return {}
    return {
        "bitshuffle-lz4 (hdf5plugin), 1": (1, dict(hdf5plugin.Bitshuffle())),
        "blosc-zstd (hdf5plugin), 1": (1, dict(hdf5plugin.Blosc(cname="zstd", clevel=1))),
    }


def one_by_one(dataset: h5py.Dataset) -> Read:
    def read(rows: np.ndarray) -> np.ndarray:
        batch = np.empty((len(rows), *dataset.shape[1:]), dataset.dtype)
        for place, row in enumerate(rows):
            dataset.read_direct(batch, np.s_[row : row + 1], np.s_[place : place + 1])
        return batch

    return read


def fancy(dataset: h5py.Dataset) -> Read:
    return lambda rows: dataset[np.sort(rows)][np.argsort(np.argsort(rows))]


def drop(folder: Path) -> None:
    """Drop every file's pages from the system's cache."""
    for path in (folder / "windows.h5", *folder.glob("[0-9]*.*"), folder / "all.npy"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def report(
    readers: dict[str, Read], notes: dict[str, str], signal: np.ndarray, rounds: int, cold: Path | None
) -> None:
    rng = np.random.default_rng(0)
    ratios: dict[str, list[float]] = {name: [] for name in readers}
    milliseconds = {}
    for _ in range(rounds):
        batches = [rng.choice(len(signal), BATCH, replace=False) for _ in range(BATCHES)]
        seconds = {}
        for name, read in readers.items():
            np.testing.assert_array_equal(read(batches[0]), signal[batches[0]])
            seconds[name] = 0.0
            for batch in batches[: 3 if cold else None]:
                if cold:
                    drop(cold)
                started = time.perf_counter()
                read(batch)
                seconds[name] += time.perf_counter() - started
        for name, value in seconds.items():
            ratios[name].append(seconds["memmap"] / value)
            milliseconds[name] = 1000 * value / (3 if cold else BATCHES)
    print(f"{'cold' if cold else 'warm'}, ratio to memmap, ms a batch of the last round, size, writing")
    for name, found in ratios.items():
        told = f"{np.median(found):.3f} ({min(found):.3f}–{max(found):.3f})"
        print(f"  {name:32} × {told:24} {milliseconds[name]:7.1f} ms  {notes.get(name, '')}", flush=True)


if __name__ == "__main__":
    main()
