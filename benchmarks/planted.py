"""Are names true where every step is known? Simulated people; activity labels in training, unseen people.

    python benchmarks/planted.py [--worlds identifiable,mirrored,unordered] [--seeds 0,1,2] [--folds 3]
                                 [--wrong-words 24] [--invented-steps 8] [--first-only]
                                 [--seed-of-world 0] [--cache FOLDER]

For each world: what the identifiability report says beforehand, what the E-step names without a
network, what left and right swapped in the signatures does to it, then the trained models by `vqtext
evaluate`, and how true the names are that are claimed without a mark. ``--wrong-words N`` replaces 10 % and
25 % of the signature cells of the identifiable world at random, N draws each, and tells what the E-step
loses by it; ``--invented-steps N`` tells the same of two steps in each label that never happen.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from first_names import FirstNames, truth_word_of
from invented_steps import invented_steps
from stages import MODEL, WORDS, stages
from wrong_words import wrong_words

from vqtext import load
from vqtext.data.planted.world import WORLDS
from vqtext.pipeline.evaluation.controls import swapped_sides
from vqtext.pipeline.evaluation.frame_metrics import at_samples, named_accuracy
from vqtext.pipeline.training.trained_run import TrainedRun
from vqtext.settings.schema import DataSettings, Settings, TrainSettings

TOLD = ("named_accuracy", "named_recall", "naming_gap", "code_purity", "seed_agreement")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", default=",".join(WORLDS))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--wrong-words", type=int, default=0, metavar="N")
    parser.add_argument("--invented-steps", type=int, default=0, metavar="N")
    parser.add_argument("--first-only", action="store_true")
    parser.add_argument("--seed-of-world", type=int, default=0)
    parser.add_argument("--cache", type=Path)
    args = parser.parse_args()
    train = TrainSettings(folds=args.folds, seeds=[int(seed) for seed in args.seeds.split(",")])
    with tempfile.TemporaryDirectory() as folder:
        for world in args.worlds.split(","):
            home = (args.cache or Path(folder)) / world
            home.mkdir(parents=True, exist_ok=True)
            options = home / "world.toml"
            options.write_text(f'world = "{world}"\nseed = {args.seed_of_world}\n', encoding="utf-8")
            data = DataSettings(name="planted", path=options)
            settings = Settings(cache=home / "cache", data=data, train=train)
            print(f"\n# {world}", flush=True)
            groups = stages(settings, WORDS)["identifiability"]["groups"]
            print("nothing tells apart:", "; ".join(" / ".join(group) for group in groups) or "none")
            first = FirstNames(settings)
            print(f"E-step, no network: named_accuracy {first.accuracy():.3f}", flush=True)
            swapped(first)
            if args.wrong_words and world == "identifiable":
                wrong_words(first, args.wrong_words)
            if args.invented_steps and world == "identifiable":
                invented_steps(first, args.invented_steps)
            if not args.first_only:
                trained(settings, first)


def swapped(first: FirstNames) -> None:
    """Words that say right for left must name right what is left: what is measured is the signature's."""
    named = first.named(swapped_sides(first.words, np.random.default_rng(0)))
    truth, words = first.truth, first.windows.truth_words
    turned = {"left": "right", "right": "left"}
    mirror = [words.index(" ".join(turned.get(word, word) for word in phrase.split())) for phrase in words]
    sided = np.isin(truth, [i for i, other in enumerate(mirror) if other != i])
    mirrored = np.where(truth >= 0, np.array(mirror)[truth], -1)
    own = named_accuracy(named, np.where(sided, truth, -1))
    other = named_accuracy(named, np.where(sided, mirrored, -1))
    print(f"  signatures with sides swapped: steps keep their side {own:.3f}, take the other {other:.3f}")


def trained(settings: Settings, first: FirstNames) -> None:
    """Train, evaluate, and hold against the truth what is claimed without a mark."""
    scores = stages(settings, MODEL)
    row = [
        f"{key} {m['mean']:.3f} ± {m['std']:.3f}" for key in TOLD if (m := scores["grounding"][key])["values"]
    ]
    run = TrainedRun.read(settings)
    print(f"trained: {', '.join(row)}; {run.run['seconds'] / 60:.1f} minutes for all", flush=True)
    windows, found = first.windows, []
    for fold in run.folds:
        word = truth_word_of(windows, run.words(fold))
        for name in fold.models.values():
            model = load(run.folder / name)
            marked = {
                use.anchor
                for transcript in model.vocabulary.transcripts
                for use in transcript.uses
                if use.inferred
            }
            anchor = at_samples(model.decode(windows.signal, fold.split.test).anchor, windows.T)
            truth = first.truth[fold.split.test]
            known = (truth >= 0) & (anchor >= 0)
            right = word[anchor] == truth
            unmarked = known & ~np.isin(anchor, list(marked))
            found.append((known.sum(), unmarked.sum(), (right & unmarked).sum(), (right & known).sum()))
    known, claimed, true, right = np.sum(found, axis=0)
    rest = f"; of the marked, {(right - true) / (known - claimed):.3f}" if known > claimed else ""
    print(f"claimed without a mark: {claimed / known:.3f}, of which true {true / max(claimed, 1):.3f}{rest}")


if __name__ == "__main__":
    main()
