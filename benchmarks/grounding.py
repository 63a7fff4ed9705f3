"""Are names true? Real gait with foot-level truth; activity labels in training, unseen subjects at test.

    VQTEXT_DATA=FOLDER python benchmarks/grounding.py [--modes order+signal,…] [--seeds 0,1,2] [--folds 3]
                                                      [--test-subjects 1,2] [--ceiling] [--controls]
                                                      [--no-network] [--wrong-words 24] [--wrong-trained 3]
                                                      [--cache FOLDER]

FOLDER holds ``gait/``. Each mode is trained by the ordinary pipeline and scored by `vqtext evaluate`;
``--controls`` trains each again with its words destroyed, ``--test-subjects`` has one split instead of folds.
``--ceiling`` trains the same network with the truth in place of the E-step, ``--no-network`` has none: what
each step feels like by the E-step decodes people it has not seen. ``--wrong-words N`` replaces 10 %
and 25 % of the signature cells at random, N draws each, and tells what the E-step loses by it;
``--wrong-trained N`` trains the first fold and seed of the default mode with N draws of each.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from first_names import FirstNames, truth_word_of, words_given
from stages import MODEL, WORDS, stages
from without_network import without_network
from wrong_words import trained_on_wrong_words, wrong_words

from vqtext.model.grounding import base as grounding
from vqtext.model.grounding.base import Nearest
from vqtext.pipeline.training import assemble
from vqtext.pipeline.training.run_record import read_run
from vqtext.settings.schema import DataSettings, EvaluateSettings, Settings, TrainSettings

MODES = "nearest,label,order,label+signal,order+signal,label+text,order+text,order+signal+text"
TOLD = (
    "named_recall",
    "named_recall@50ms",
    "naming_gap",
    "code_purity",
    "seed_agreement",
)


class Clock:
    """Seconds spent on E-steps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._wrap(grounding, "make")

    def _wrap(self, owner: Any, name: str) -> None:
        called = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.monotonic()
            try:
                return called(*args, **kwargs)
            finally:
                self.seconds += time.monotonic() - began

        setattr(owner, name, timed)


class Truth(Nearest):
    """The truth in place of an E-step: each frame is one of the states whose anchors stand for its
    word."""

    def __init__(self, true: torch.Tensor) -> None:
        self.true = true

    def targets(self, index, label, states):
        return self.true[index.cpu()].to(states.device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--modes", default="order+signal", help=f"of {MODES}; all takes them all")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--test-subjects", help="with commas")
    parser.add_argument("--ceiling", action="store_true")
    parser.add_argument("--controls", action="store_true")
    parser.add_argument("--no-network", action="store_true")
    parser.add_argument("--wrong-words", type=int, default=0, metavar="N")
    parser.add_argument("--wrong-trained", type=int, default=0, metavar="N")
    parser.add_argument("--cache", type=Path)
    args = parser.parse_args()
    seeds = [int(seed) for seed in args.seeds.split(",")]
    data = DataSettings(name="gait", path=Path(os.environ["VQTEXT_DATA"]) / "gait")
    with tempfile.TemporaryDirectory() as folder:
        cache = args.cache or Path(folder)

        clock = Clock()

        def settings(mode: str, name: str | None = None) -> Settings:
            how = {"run": name or mode.replace("+", "-"), "grounding": mode, "folds": args.folds}
            if args.test_subjects:
                how |= {"folds": None, "test_subjects": args.test_subjects.split(",")}
            train = TrainSettings(**how, seeds=seeds)
            return Settings(
                cache=cache, data=data, train=train, evaluate=EvaluateSettings(controls=args.controls)
            )

        for mode in (MODES if args.modes == "all" else args.modes).split(","):
            if mode:
                told(settings(mode), mode, clock)
        if args.no_network:
            stages(settings("order+signal"), WORDS)
            recall, accuracy = without_network(settings("order+signal"))
            print(f"no network         named_recall {recall:.3f}, class {accuracy:.3f}", flush=True)
        if args.wrong_words:
            stages(settings("order+signal"), WORDS)
            first = FirstNames(settings("order+signal"))
            print(f"E-step alone, all subjects, no network: named_recall {first.recall():.3f}", flush=True)
            wrong_words(first, args.wrong_words)
        if args.wrong_trained:
            trained_on_wrong_words(settings("order+signal"), args.wrong_trained, cache / "wrong")
        if args.ceiling:
            teach_the_truth()
            told(settings("order+signal", "ceiling"), "the truth itself", clock)


def told(settings: Settings, name: str, clock: Clock) -> None:
    """Train, evaluate and print one row."""
    clock.seconds = 0.0
    stages(settings, WORDS + MODEL)
    folder = settings.run_folder
    scores = json.loads((folder / "evaluate.json").read_text())
    found = {key: scores["grounding"][key] for key in TOLD}
    row = [f"{key} {m['mean']:.3f} ± {m['std']:.3f}" for key, m in found.items() if m["values"]]
    for classifier in ("decoding", "tokens"):
        row.append(f"{classifier} {scores['classification'][classifier]['accuracy']['mean']:.3f}")
    record = read_run(folder)
    spent = f"{record['seconds'] / 60:.1f} minutes for all"
    if clock.seconds and not scores["controls"]:  # trained now, not before, and nothing else was
        spent += f", {clock.seconds / record['seconds']:.1%} of them E-steps"
    print(f"{name:18} {', '.join(row)}; {spent}", flush=True)
    for control, of_control in (scores["controls"] or {}).items():
        print(f"  {control}: {json.dumps(of_control)}", flush=True)


def teach_the_truth() -> None:
    """From here on training is shown the truth of its windows: for a ceiling, never for a score."""
    gathered, known = assemble.training_data, {}

    def training_data_with_truth(windows, split, settings, *more):
        config, data = gathered(windows, split, settings, *more)
        word = truth_word_of(windows, words_given(settings, windows, split, data))
        word = word[data.grammar.of_state.numpy()]
        truth = np.asarray(windows.truth[data.rows])
        middle = (np.arange(config.frames) * 2 + 1) * windows.T // (2 * config.frames)
        onto = np.stack([word == w for w in range(len(windows.truth_words))]).astype(np.float32)
        onto /= onto.sum(1, keepdims=True).clip(min=1)
        frames = truth[:, middle]
        nothing = np.full(len(word), 1 / len(word), np.float32)
        known["true"] = torch.from_numpy(np.where((frames >= 0)[..., None], onto[frames], nothing))
        return config, data

    assemble.training_data = training_data_with_truth
    # those that train come first; in the end all do
    grounding.make = lambda _mode, _grammar, evidence: Truth(known["true"][: len(evidence.label)])


if __name__ == "__main__":
    main()
