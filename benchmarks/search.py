"""Are moments found by words that nobody trained on? Free text against the truth of unseen people.

    VQTEXT_DATA=FOLDER python benchmarks/search.py [--data gait,planted,semg] [--encoders minilm,clip]
                                                   [--folds 3 | --test-subjects 1,2] [--cache FOLDER]

FOLDER holds ``gait/`` and ``semg/``. The queries are those of ``benchmarks/queries``, written before anything
was searched. One model a fold is trained, each window is read by the one that has not seen its subject, and
all told moments are ranked for each query, as ``vqtext search`` does it. A moment is relevant if most of its
samples are the query's truth word; for a text that the words do not hold nothing is found.

Printed for each encoder: mean average precision and recall@1 (the first moment is right); *other side* and
*opposite*: moments among the first 20, and among as many as are relevant, that truly are the mirror image, or
the opposite, and those whose told step is; and texts of nothing, and of movements elsewhere, by what is said.
Beside it, on the same moments: *names alone* (the told step stands for the query's word: what the text side
could reach), *plain text* (the encoder's cosine of query and phrase, nothing else) and what any order of the
moments would reach *by chance*.

Then text → shape → text: the code that says most of a query is drawn, and put in the place of a token of such
a step in windows of unseen people, all channels of it; right if the network then calls that stretch by a step
that was meant (one that counts a quarter as much as the nearest, or more). Beside it, a code of other steps
drawn into the same places: how often the step that was meant is read all the same, by what stands around.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from authors import words_of
from stages import WORDS as WORD_STAGES
from stages import stages

from vqtext.console.progress import Progress
from vqtext.errors import VQTextError
from vqtext.pipeline.evaluation.frame_metrics import at_samples
from vqtext.pipeline.evaluation.truth_map import map_of, own_table, read_table
from vqtext.pipeline.searching.search import SPREAD, TOP, MomentIndex, Ranked, understood, weights
from vqtext.pipeline.searching.searchable_run import SearchableRun, open_run
from vqtext.pipeline.searching.shapes import Shape, Shapes, called, token_samples
from vqtext.pipeline.training.sampling import few_of_each
from vqtext.settings.schema import Settings

HERE = Path(__file__).parent
PLACES = 20
"""Places in test windows into which each shape is drawn."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="gait,planted,semg")
    parser.add_argument("--encoders", default="minilm")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--test-subjects", help="one model, tested on them, in place of folds")
    parser.add_argument("--cache", type=Path)
    asked = parser.parse_args()
    split: dict[str, object] = {"folds": asked.folds}
    if asked.test_subjects:
        split = {"test_subjects": asked.test_subjects.split(",")}
    with tempfile.TemporaryDirectory() as folder:
        for encoder in asked.encoders.split(","):
            for data in asked.data.split(","):
                home = (asked.cache or Path(folder)) / f"{data}-{encoder}"
                home.mkdir(parents=True, exist_ok=True)
                print(f"\n# {data}, {encoder}", flush=True)
                try:
                    settings = trained(data, encoder, home, split)
                except VQTextError as error:
                    print(f"left out: {error}")
                    continue
                Asked(data, settings).tell()


def trained(data: str, encoder: str, home: Path, split: dict[str, object]) -> Settings:
    """Train, where that is not done yet."""
    given = Path(os.environ.get("VQTEXT_DATA", "../shared/data"))
    source: dict[str, object] = {"name": data, "path": given / data}
    if data == "planted":
        options = home / "world.toml"
        options.write_text('world = "identifiable"\nseed = 0\n', encoding="utf-8")
        source["path"] = options
    elif data == "semg":
        source = {"name": "csv", "path": home / "data", "window_s": 4, "stride_s": 2}
        shutil.copytree(given / data, home / "data", dirs_exist_ok=True)
    settings = Settings(
        cache=home / "cache",
        data=source,
        embed={"encoder": encoder},
        train=split,
    )
    if data == "semg":
        stages(settings, ("prepare",))
        words_of(HERE / "words" / "semg", settings.cache)
        stages(settings, ("describe", "embed", "dedup"))
    else:
        stages(settings, WORD_STAGES)
    stages(settings, ("train",))
    return settings


class Asked:
    """A run, its queries, and the truth of its moments.

    Attributes:
        queries: text and the truth word it asks for.
    """

    def __init__(self, data: str, settings: Settings) -> None:
        self.opened: SearchableRun = open_run(settings, Progress(quiet=True))
        self.index = MomentIndex(self.opened)
        for fold, moments in self.index.moments.items():  # of people kept out of training alone
            test = self.opened.folds[fold].split.test
            self.index.moments[fold] = moments.take(np.isin(moments.window, test))
        self.words = list(self.opened.windows.truth_words)
        self.truth = np.asarray(self.opened.windows.truth[:])
        said = tomllib.loads((HERE / "queries" / f"{data}.toml").read_text(encoding="utf-8"))
        self.queries = [
            (text.replace("{side}", side), word.replace("{side}", side))
            for word, texts in said["queries"].items()
            for side in (("left", "right") if "{side}" in word else ("",))
            for text in texts
        ]
        self.opposite = {a: b for pair in said["opposites"] for a, b in (pair, pair[::-1])}
        self.meant = {
            text: {fold: meaning.of(text) for fold, meaning in self.index.meanings.items()}
            for text, _ in self.queries
        }
        self.right = self._right(data, settings)
        self.of_moment = {fold: self._truth_of(fold) for fold in self.index.moments}

    def tell(self) -> None:
        """Print everything."""
        held = {text: all(m.held for m in meant.values()) for text, meant in self.meant.items()}
        found = {
            "vqtext": [
                self.index.find({f: weights(m) for f, m in self.meant[text].items()}) if held[text] else None
                for text, _ in self.queries
            ],
            "names alone": [self.index.find(self._by_names(word)) for _, word in self.queries],
            "plain text": [self.index.find(self._plain(text)) for text, _ in self.queries],
        }
        for name, ranked in found.items():
            self._row(name, ranked)
        known = sum(int((own >= 0).sum()) for own in self.of_moment.values())
        print(f"by chance    mAP {np.mean([self._relevant(word) for _, word in self.queries]) / known:.3f}")
        self._each(found["vqtext"], held)
        self._unrelated()
        self._shapes()

    def _row(self, name: str, ranked: Sequence[Ranked | None]) -> None:
        ap, first = zip(*map(self.score, ranked, [word for _, word in self.queries]), strict=True)
        cells = [f"mAP {np.mean(ap):.3f}", f"recall@1 {np.mean(first):.3f}"]
        for kind, other in (("other side", mirrored), ("opposite", self.opposite.get)):
            pairs = [(r, w, other(w)) for r, (_, w) in zip(ranked, self.queries, strict=True)]
            pairs = [(r, w, o) for r, w, o in pairs if r is not None and o in self.words]
            if pairs:
                top = np.mean([self._share(r, o, TOP) for r, _, o in pairs])
                all_ = np.mean([self._share(r, o, self._relevant(w)) for r, w, o in pairs])
                told = np.mean([self._share(r, o, self._relevant(w), told=True) for r, w, o in pairs])
                cells.append(f"{kind} {top:.3f} of {TOP}, {all_:.3f} of all (told {told:.3f})")
        print(f"{name:12} {', '.join(cells)}", flush=True)

    def _each(self, ranked: Sequence[Ranked | None], held: Mapping[str, bool]) -> None:
        for word in dict.fromkeys(word for _, word in self.queries):
            own = [(t, r) for (t, w), r in zip(self.queries, ranked, strict=True) if w == word]
            print(f"  {word}: {np.mean([self.score(r, word)[0] for _, r in own]):.3f}")
            for text, r in own:
                meant = self.meant[text][min(self.meant[text])]
                nearest = self.index.meanings[min(self.meant[text])].phrases[
                    int(meant.similarity.max(0).argmax())
                ]
                mark = "" if held[text] else ", not held"
                print(f'    {self.score(r, word)[0]:.3f} "{text}" → "{nearest}" ({meant.best:.2f}{mark})')

    def score(self, ranked: Ranked | None, word: str) -> tuple[float, float]:
        """Average precision, and whether the first moment is right."""
        if ranked is None:
            return 0.0, 0.0
        right = self._truth(ranked) == self.words.index(word)
        known = self._truth(ranked) >= 0
        right = right[known]
        precision = np.cumsum(right) / np.arange(1, len(right) + 1)
        return float(precision[right].sum() / self._relevant(word)), float(right[:1].any())

    def _relevant(self, word: str) -> int:
        return sum(int((own == self.words.index(word)).sum()) for own in self.of_moment.values())

    def _truth(self, ranked: Ranked) -> np.ndarray:
        """Truth word of each moment, −1 where most of it has none."""
        pairs = zip(ranked.fold.tolist(), ranked.row.tolist(), strict=True)
        return np.array([self.of_moment[f][r] for f, r in pairs], dtype=int)

    def _share(self, ranked: Ranked, other: str, top: int, told: bool = False) -> float:
        """Share of the first moments that truly are the other word, or are told as it."""
        place = self.words.index(other)
        if told:
            first = zip(ranked.fold[:top].tolist(), ranked.row[:top].tolist(), strict=True)
            said = [self.right[f][self.index.moments[f].anchor[r]] for f, r in first]
            return float(np.mean([right[place] and right.sum() == 1 for right in said]))
        return float((self._truth(ranked)[:top] == place).mean())

    def _truth_of(self, fold: int) -> np.ndarray:
        moments, windows = self.index.moments[fold], self.opened.windows
        per_frame = moments.frame_s * windows.rate_hz
        found = np.full(len(moments), -1)
        for i in range(len(moments)):
            begin, end = (round(part[i] * per_frame) for part in (moments.start, moments.end))
            own = self.truth[moments.window[i], begin : max(end, begin + 1)]
            count = np.bincount(own + 1, minlength=len(self.words) + 1)
            found[i] = int(count.argmax()) - 1
        return found

    def _right(self, data: str, settings: Settings) -> dict[int, np.ndarray]:
        """For each split, which truth words each anchor stands for, ``(K, W)``."""
        windows, found = self.opened.windows, {}
        table = (
            read_table(HERE / "words" / "semg" / "truth.toml")
            if data == "semg"
            else own_table(windows.dataset, windows.truth_words)
        )
        for fold in self.index.meanings:
            words = self.opened.trained.words(self.opened.folds[fold])
            found[fold] = map_of(table, windows.truth_words, words).right
        return found

    def _by_names(self, word: str) -> dict[int, np.ndarray]:
        place, labels = self.words.index(word), len(self.opened.windows.labels)
        return {f: np.tile(right[:, place].astype(float), (labels, 1)) for f, right in self.right.items()}

    def _plain(self, text: str) -> dict[int, np.ndarray]:
        labels, asked = len(self.opened.windows.labels), {}
        for fold, meaning in self.index.meanings.items():
            cosine = self.opened.plain(meaning.phrases) @ self.opened.plain([text])[0]
            asked[fold] = np.tile(np.exp((cosine - cosine.max()) / SPREAD), (labels, 1))
        return asked

    def _unrelated(self) -> None:
        unrelated = tomllib.loads((HERE / "queries" / "unrelated.toml").read_text(encoding="utf-8"))
        meaning = self.index.meanings[min(self.index.meanings)]
        for kind, texts in unrelated.items():
            said: dict[str, list[str]] = {"refused": [], "not held": [], "a guess": [], "found": []}
            for text in texts:
                try:
                    meant = understood(meaning, text)
                except VQTextError:
                    said["refused"].append(text)
                    continue
                sure = "found" if meant.best >= meant.usual else "a guess"
                said[sure if meant.held else "not held"].append(text)
            told = []
            for key, own in said.items():
                which = f" ({', '.join(own)})" if own and key in ("a guess", "found") else ""
                told.append(f"{key} {len(own)}{which}")
            print(f"{kind}: {', '.join(told)}", flush=True)

    def _shapes(self) -> None:
        """Text → shape → text."""
        rng, rows = np.random.default_rng(0), []
        for fold in self.index.meanings:
            places = _Places(self.opened, fold)
            if not places.model.config.joint:
                continue
            right = self.right[fold]
            shapes = Shapes(places.model, self.opened.windows, self.opened.folds[fold].split.learn)
            for text, word in self.queries:
                meant = self.meant[text][fold]
                if not meant.held:
                    rows.append((0.0, 0.0, np.nan, np.nan))
                    continue
                asked = weights(meant).max(0)
                of_word, of_step = right[:, self.words.index(word)], asked > 0.25
                best, *others = shapes.of(asked)
                others = [s for s in others if not (of_step | of_word)[list(s.names)].any()]
                where = places.told_as(best.names, rng)
                if not len(where):
                    continue
                read = places.read(best, where)
                other = places.read(others[int(rng.integers(len(others)))], where) if others else None
                rows.append(
                    (
                        float(of_word[read].mean()),
                        float(of_step[read].mean()),
                        float(of_step[list(best.names)].mean()),
                        np.nan if other is None else float(of_step[other].mean()),
                    )
                )
        word, step, own, other = np.nanmean(np.array(rows), axis=0)
        print(
            f"text → shape → text: called a step that was meant {step:.3f} (by the code's names {own:.3f}, "
            f"another code drawn there {other:.3f}), as one of the query's word {word:.3f}",
            flush=True,
        )


class _Places:
    """Tokens of test windows, to draw shapes in their place."""

    def __init__(self, opened: SearchableRun, fold: int) -> None:
        self.model, self.windows = opened.model(fold), opened.windows
        test = opened.folds[fold].split.test
        self.index = test[few_of_each(self.windows.label[test], 60)]
        tokens = self.model.tokenize(self.windows.signal, self.index)
        said, size = self.model.decode(self.windows.signal, self.index), self.windows.T
        self.span = token_samples(tokens, size)
        middle = np.clip(self.span.sum(-1) // 2, 0, size - 1)
        self.anchor = np.take_along_axis(at_samples(said.anchor, size), middle, 1)
        self.anchor[tokens.code < 0] = -1

    def told_as(self, names: Sequence[int], rng: np.random.Generator) -> np.ndarray:
        """Some tokens that are told as one of these steps: window and token, ``(p, 2)``."""
        found = np.argwhere(np.isin(self.anchor, names))
        return found[rng.permutation(len(found))[:PLACES]]

    def read(self, shape: Shape, where: np.ndarray) -> np.ndarray:
        """What the network calls the shape, drawn in these places: an anchor for each, ``(p,)``."""
        signal = self.windows.signal[self.index[where[:, 0]]]
        return called(self.model, signal, shape, self.span[tuple(where.T)]).argmax(1)


def mirrored(word: str) -> str | None:
    """The word about the other side; None where it has no side."""
    turned = {"left": "right", "right": "left"}
    other = " ".join(turned.get(part, part) for part in word.split())
    return other if other != word else None


if __name__ == "__main__":
    main()
