"""Do the words of strangers come true? On word lists as language models wrote them: the E-step alone.

    python benchmarks/authors.py --words FOLDER [--thresholds 0.85 0.995] [--data ../shared/data/gait]
                                 [--train]

FOLDER holds a folder an author: replies of a model, ``LABEL.json``, or a finished ``subactions.json``; and
what each phrase stands for, written before anything was trained: ``truth.json`` (label → phrase → truth word)
or ``truth.toml``. A phrase that is *unclear* there straddles a border: it is right where the truth is both
feet on the ground or the swing of the side it names; without a side, all but standing; in *stand*, all.

For each author and threshold: mean recall over the truth words, each word's own, the difference of the two
swings, the share of the time under straddling phrases, the recall over the rest, and what was merged.
``--train`` adds the same of models trained with default settings on three folds, each on the people who were
kept out of it, by the signal alone.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

import numpy as np
from first_names import FirstNames
from stages import stages

from vqtext import load
from vqtext.data.windows.windows import Windows
from vqtext.pipeline.evaluation.frame_metrics import at_samples
from vqtext.pipeline.evaluation.truth_map import own_table, read_table
from vqtext.pipeline.training.trained_run import TrainedRun
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.pipeline.vocabulary.joined_steps import counted_as
from vqtext.prompts.facets import read_facets
from vqtext.prompts.movement_words import LEFT, RIGHT
from vqtext.prompts.replies import LabelReply
from vqtext.schema import SubActions, same_text
from vqtext.settings.schema import Settings

BOTH, STANDING = "both feet on the ground", "standing"
SWING = {LEFT: "left leg swings", RIGHT: "right leg swings"}


def words_of(author: Path | None, cache: Path) -> None:
    """Write the author's words as subactions.json; None: the lexicon's."""
    if author is None:
        stages(Settings(cache=cache, data={"name": "gait"}), ("gen-subactions",))
        return
    finished = author / "subactions.json"
    if finished.exists():
        text = finished.read_text(encoding="utf-8")
    else:
        replies = [file for file in sorted(author.glob("*.json")) if file.name != "truth.json"]
        labels = [
            LabelReply.model_validate_json(file.read_text(encoding="utf-8")).words(file.stem, str)
            for file in replies
        ]
        words = SubActions(provider="openai", model=author.name, labels=labels)
        text = words.model_dump_json(exclude_none=True, by_alias=True)
    (cache / "subactions.json").write_text(text, encoding="utf-8")


def meanings(author: Path | None, truth_words: list[str]) -> dict[tuple[str, str], set[str]]:
    """(label, phrase) → the truth words under which it is right; label "" is any."""
    found: dict[tuple[str, str], set[str]] = {}
    if author is None or (author / "truth.toml").exists():
        table = own_table("gait", truth_words) if author is None else read_table(author / "truth.toml")
        for word, phrases in table.items():
            for phrase in phrases:
                found.setdefault(("", same_text(phrase)), set()).add(word)
        return found
    for label, phrases in json.loads((author / "truth.json").read_text(encoding="utf-8")).items():
        for phrase, word in phrases.items():
            found[label, same_text(phrase)] = (
                {word} if word != "unclear" else straddled(label, phrase, truth_words)
            )
    return found


def straddled(label: str, phrase: str, truth_words: list[str]) -> set[str]:
    if label == "stand":
        return set(truth_words)
    sides = read_facets(phrase).sides
    return {BOTH, SWING[sides]} if sides in SWING else {word for word in truth_words if word != STANDING}


class Scores:
    """What is said of windows, held against their truth.

    Args:
        anchors: of the frames of the windows ``at (n,)``, ``(n, F)``; −1 none.
    """

    def __init__(
        self, windows: Windows, words: Words, author: Path | None, at: np.ndarray, anchors: np.ndarray
    ) -> None:
        meant = meanings(author, windows.truth_words)
        right = np.zeros((len(windows.labels), len(words.phrases) + 1, len(windows.truth_words)), dtype=bool)
        for i, (label, uses) in enumerate(zip(windows.labels, words.uses, strict=True)):
            for anchor, step in uses:
                key = same_text(counted_as(step).phrase)
                own = meant.get((label, key), meant.get(("", key), set()))
                right[i, anchor, [windows.truth_words.index(word) for word in own]] = True
        # A window that holds a border is named by the steps of other labels too: any label's meaning counts.
        anywhere = right.any(axis=0)
        right = np.where(right.any(axis=2, keepdims=True), right, anywhere)
        self.truth, self.words = np.asarray(windows.truth[at]), windows.truth_words
        allowed = right[windows.label[at][:, None], at_samples(anchors, windows.T)]  # (n, T, words)
        is_true = np.eye(len(self.words), dtype=bool)[np.maximum(self.truth, 0)]
        self.hit = (allowed & is_true).any(axis=2)
        self.clear = allowed.sum(axis=2) == 1

    @classmethod
    def of_e_step(cls, settings: Settings, author: Path | None) -> Scores:
        first = FirstNames(settings)
        return cls(first.windows, first.words, author, first.everyone.train, first.anchors())

    @classmethod
    def of_training(cls, settings: Settings, author: Path | None) -> Scores:
        """Of every window, by the model of the first seed that has not seen its subject."""
        stages(settings, ("train",))
        run, parts = TrainedRun.read(settings), []
        for fold in run.folds:
            model = load(run.folder / fold.models[settings.train.seeds[0]])
            anchor = model.decode(run.windows.signal, fold.split.test).anchor
            parts.append(cls(run.windows, run.words(fold), author, fold.split.test, anchor))
        whole = parts[0]
        for name in ("truth", "hit", "clear"):
            setattr(whole, name, np.concatenate([getattr(part, name) for part in parts]))
        return whole

    def recalls(self, where: np.ndarray | bool = True) -> list[float]:
        said = self.truth >= 0
        return [
            float(self.hit[said & where & (self.truth == w)].mean())
            if (said & where & (self.truth == w)).any()
            else np.nan
            for w in range(len(self.words))
        ]

    def straddling(self) -> float:
        return float(1 - self.clear[self.truth >= 0].mean())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words, data = (
        os.environ.get("VQTEXT_WORDS", "../shared/words"),
        os.environ.get("VQTEXT_DATA", "../shared/data"),
    )
    parser.add_argument("--words", type=Path, default=Path(words))
    parser.add_argument("--data", type=Path, default=Path(data) / "gait")
    parser.add_argument("--thresholds", type=float, nargs="+", default=[0.85])
    parser.add_argument(
        "--authors", nargs="+", help="folders of --words; none: the lexicon, all with a truth"
    )
    parser.add_argument("--train", action="store_true")
    asked = parser.parse_args()
    kinds = {"E-step": Scores.of_e_step, **({"trained": Scores.of_training} if asked.train else {})}
    lists = sorted({truth.parent.name for truth in asked.words.glob("*/truth.*")})
    named = asked.authors or ["lexicon", *lists]
    heads = "recall   left  right   both  stand  |l-r| straddling   rest"
    print(f"author     by      threshold phrases anchors {heads}")
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        given = {"data": {"name": "gait", "path": asked.data}, "guidance": {"source": "label"}}
        stages(Settings(cache=cache, **given), ("prepare",))
        for name in named:
            author = None if name == "lexicon" else asked.words / name
            (cache / "subactions.json").unlink(missing_ok=True)
            words_of(author, cache)
            for threshold in asked.thresholds:
                settings = Settings(
                    cache=cache,
                    **given,
                    dedup={"threshold": threshold},
                    embed={"encoder": "minilm"},
                    train={"run": f"{name}-{threshold}", "folds": 3},
                )
                summary = stages(settings, ("embed", "dedup"))
                for by, scored in kinds.items():
                    counts = f"{threshold:9.3f} {summary['phrases']:7} {summary['anchors']:7}"
                    print(f"{name:10} {by:7} {counts} {row(scored(settings, author))}", flush=True)


def row(scores: Scores) -> str:
    """Recalls, in the order of the table's heads."""
    every = scores.recalls()
    order = [scores.words.index(word) for word in (SWING[LEFT], SWING[RIGHT], BOTH, STANDING)]
    own = [every[i] for i in order]
    told = " ".join(f"{value:6.3f}" for value in [np.nanmean(every), *own, abs(own[0] - own[1])])
    return f"{told} {scores.straddling():10.3f} {np.nanmean(scores.recalls(scores.clear)):6.3f}"


if __name__ == "__main__":
    main()
