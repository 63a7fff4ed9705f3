"""What a handful of corrections on one person mends for all others, a quarter of the signature cells wrong.

    VQTEXT_DATA=FOLDER python benchmarks/mending.py [--data FOLDER/gait] [--draws 6] [--person 1]
                                                    [--steps 0,5,10] [--right] [--planted] [--cache FOLDER]
                                                    [--moments] [--train]

For each draw of wrong words the E-step names everybody; then moments of one person are corrected, those that
the session asks for or random ones, and it names everybody again. Told is the recall of truth words on all
*other* people. Answers are given from the truth: the step of the right words that is likeliest among those of
the true word, over the whole stretch that shows it; with ``--moments`` over the moment that was asked about
alone. ``--right`` corrects right words too. ``--train`` trains the first fold: with right words, with
wrong ones, and with wrong ones and the corrections, by the same settings, and tells the recall of its test
people, whom no model saw.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from first_names import truth_word_of
from stages import WORDS, stages
from wrong_words import corrupted

from vqtext import load
from vqtext.console.progress import Progress
from vqtext.data.splits.folds import splits_for
from vqtext.pipeline.correcting.corrections import Correction, Corrections
from vqtext.pipeline.correcting.found_steps import FoundSteps
from vqtext.pipeline.correcting.session import Session
from vqtext.pipeline.correcting.spans import timelines
from vqtext.pipeline.evaluation.frame_metrics import at_samples, named_recall
from vqtext.pipeline.training import assemble
from vqtext.pipeline.training.run_record import SCORES
from vqtext.pipeline.training.run_words import without_steps
from vqtext.pipeline.training.train_model import train_model
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.settings.schema import DataSettings, Settings, TrainSettings

WRONG = 0.25


@dataclass(frozen=True)
class Truth:
    """What somebody who knows would say of each moment.

    Attributes:
        use: of each moment of each recording, label · U + use of the right words, −1 unknown; by its code.
        start_s: when each begins; step_s: how long it lasts.
        phrases, labels: of the uses; longest: U.
    """

    use: dict[int, np.ndarray]
    start_s: dict[int, np.ndarray]
    step_s: float
    phrases: list[list[str]]
    labels: list[str]
    longest: int

    @classmethod
    def of(cls, session: Session, found: FoundSteps, word: np.ndarray) -> Truth:
        """By the truth, and, of the steps of one truth word, by the right words."""
        windows, anchor = session.windows, found.grammar.anchor.flatten().numpy()
        valid = found.grammar.valid.flatten().numpy()
        frames = found.evidence.motion.shape[1]
        middle = (np.arange(frames) * 2 + 1) * windows.T // (2 * frames)
        true = np.asarray(windows.truth[:])[:, middle]
        use, start_s = {}, {}
        for line in timelines(windows, found):
            now = np.where(line.row >= 0, true[line.row, line.frame], -1)
            right = (word[anchor] == now[:, None]) & valid & (now >= 0)[:, None]
            use[line.code] = np.where(right.any(1), np.where(right, line.share, -1).argmax(1), -1)
            start_s[line.code] = line.start_s
        phrases = [[step.phrase for _, step in own] for own in found.words.uses]
        longest = found.grammar.valid.shape[1]
        return cls(use, start_s, found.evidence.frame_s, phrases, windows.labels, longest)

    def answer(self, code: int, recording: str, at_s: float, id: str) -> Correction | None:
        """What is said of a moment, and of the stretch around it that shows the same."""
        use, start_s = self.use[code], self.start_s[code]
        at = int(np.clip((at_s - start_s[0]) / self.step_s, 0, len(use) - 1))
        if use[at] < 0:
            return None
        other = np.flatnonzero(use != use[at])
        begin = max((o + 1 for o in other if o < at), default=0)
        end = min((o for o in other if o > at), default=len(use))
        label, place = divmod(int(use[at]), self.longest)
        return Correction(
            id=id,
            kind="is",
            recording=recording,
            start_s=max(0.0, float(start_s[begin])),
            end_s=float(start_s[end - 1] + self.step_s),
            label=self.labels[label],
            phrase=self.phrases[label][place],
        )


def asked(
    session: Session, truth: Truth, person: str, _: int, moments: bool = False
) -> Iterator[Corrections]:
    """Corrections after each answer, of moments that the session asks for, or of the stretches around them;
    none at first."""
    said = Corrections()
    while True:
        yield said
        for question in session.ask(said, 20, person):
            middle = (question.start_s + question.end_s) / 2
            code = session.windows.recordings.index(question.recording)
            answer = truth.answer(code, question.recording, middle, str(len(said.corrections)))
            if answer is not None:
                if moments:
                    start_s, end_s = max(answer.start_s, question.start_s), min(answer.end_s, question.end_s)
                    answer = answer.model_copy(update={"start_s": start_s, "end_s": end_s})
                said = said.with_added(answer)
                break
        else:
            return


def at_random(session: Session, truth: Truth, person: str, draw: int) -> Iterator[Corrections]:
    """Corrections after each answer, of moments at random; none at first."""
    windows, rng = session.windows, np.random.default_rng(draw)
    who = [subject.id for subject in windows.subjects].index(person)
    codes = [c for c in truth.use if (windows.subject[windows.recording == c] == who).all()]
    moments = [(c, i) for c in codes for i in np.flatnonzero(truth.use[c] >= 0)]
    said = Corrections()
    while True:
        yield said
        code, place = moments[rng.integers(len(moments))]
        at_s = truth.start_s[code][place] + truth.step_s / 2
        answer = truth.answer(code, windows.recordings[code], at_s, str(len(said.corrections)))
        assert answer is not None
        said = said.with_added(answer)


def recall(session: Session, said: Corrections, word: np.ndarray, rows: np.ndarray) -> float:
    """Recall of truth words on some windows by the E-step."""
    anchors = session.found(said).posterior.anchors().numpy()[rows]
    return named_recall(word[at_samples(anchors, session.windows.T)], np.asarray(session.windows.truth[rows]))


def with_words(session: Session, words: object) -> Session:
    """The session with other words for the same steps."""
    other = copy(session)
    other.words, other._last = words, None
    return other


def trained(settings: Settings, session: Session, truth: Truth, draws: int, most: int, folder: Path) -> None:
    """Print what trained models lose on the test people of the first fold by wrong words, and with
    corrections of one training person."""
    windows, split = session.windows, splits_for(session.windows, settings.train)[0]
    person = windows.subjects[windows.subject[split.train[0]]].id
    _, data = assemble.training_data(windows, split, settings, corrections=Corrections())
    given = without_steps(session.words, data.absent)

    def score(name: str, words: Words, said: Corrections) -> float:
        config, data = assemble.training_data(windows, split, settings, words, said)
        seed = settings.train.seeds[0]
        if not (folder / name / SCORES).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            train_model(settings, seed, config, data, folder / name, name, Progress(quiet=True))
        anchors = load(folder / name).decode(windows.signal, split.test).anchor
        word = truth_word_of(windows, words)
        return named_recall(word[at_samples(anchors, windows.T)], np.asarray(windows.truth[split.test]))

    right = score("right", given, Corrections())
    print(f"right words, trained: {right:.3f} on people {', '.join(split.test_subjects)}", flush=True)
    for draw in range(draws):
        wrong = with_words(session, corrupted(session.words, WRONG, draw))
        said = next(islice(asked(wrong, truth, person, draw), most, None))
        words = without_steps(wrong.words, data.absent)
        before = score(f"wrong-{draw}", words, Corrections()) - right
        after = score(f"mended-{draw}-{most}", words, said) - right
        told = f"{before:+.3f}; with {most} corrections on person {person} {after:+.3f}"
        print(f"draw {draw}, trained: {told}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--draws", type=int, default=6)
    parser.add_argument("--person")
    parser.add_argument("--steps", default="0,5,10")
    parser.add_argument("--right", action="store_true")
    parser.add_argument("--moments", action="store_true")
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--planted", action="store_true")
    parser.add_argument("--cache", type=Path)
    args = parser.parse_args()
    steps = [int(count) for count in args.steps.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        cache = args.cache or Path(folder) / "cache"
        if args.planted:
            world = Path(folder) / "world.toml"
            world.write_text("")
            data = DataSettings(name="planted", path=world)
        else:
            place = args.data or Path(os.environ["VQTEXT_DATA"]) / "gait"
            data = DataSettings(name="gait", path=place)
        settings = Settings(cache=cache, data=data, train=TrainSettings(folds=3, seeds=[0]))
        stages(settings, WORDS)
        session = Session(settings)
        word = truth_word_of(session.windows, session.words)
        right = session.found(Corrections())
        truth = Truth.of(session, right, word)
        people = [subject.id for subject in session.windows.subjects]
        if args.train:
            trained(settings, session, truth, args.draws, max(steps), cache / "mended")
            return
        print(f"{'':28}" + "".join(f"{count:>9}" for count in steps) + "  corrections", flush=True)
        rows: dict[str, list[list[float]]] = {"asked": [], "at random": []}
        for draw in range(args.draws):
            person = args.person or people[draw % len(people)]
            other = np.flatnonzero(session.windows.subject != people.index(person))
            began = recall(session, Corrections(), word, other)
            words = session.words if args.right else corrupted(session.words, WRONG, draw)
            wrong = with_words(session, words)
            for name, who in (("asked", partial(asked, moments=args.moments)), ("at random", at_random)):
                after = islice(who(wrong, truth, person, draw), max(steps) + 1)
                row = [recall(wrong, said, word, other) - began for k, said in enumerate(after) if k in steps]
                rows[name].append(row)
                told = "".join(f"{x:+9.3f}" for x in row)
                print(f"draw {draw}, person {person:3} {name:10}{told}  beside {began:.3f}", flush=True)
        for name, found in rows.items():
            print(f"{'mean':17}{name:11}" + "".join(f"{x:+9.4f}" for x in np.mean(found, 0)), flush=True)


if __name__ == "__main__":
    main()
