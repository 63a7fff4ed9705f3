"""The whole-body lexicon: mirrored, within what sensors see, apart where truth differs, about 30 anchors."""

import re
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from vqtext.console.progress import Progress
from vqtext.data.locations import sensed
from vqtext.pipeline.anchors.clustering import Tree
from vqtext.pipeline.anchors.phrases import Phrases
from vqtext.pipeline.encoders.phrase_vectors import PhraseVectors
from vqtext.pipeline.encoders.sentence import minilm
from vqtext.prompts import lexicon as module
from vqtext.schema import LabelWords, SubAction

BODY = ("dsads", "pamap2", "uci_har", "gait")
DSADS_SENSORS = ["chest", "right wrist", "left wrist", "right knee", "left knee"]
GAIT_TRUTH = {
    "left leg swings": r"(lift|swing|reach|step) the left",
    "right leg swings": r"(lift|swing|reach|step) the right",
    "both feet on the ground": r"(push off with|plant) the",
}


def labels_of(dataset: str) -> list[LabelWords]:
    return [words for words, _ in module._label_files()[dataset].values()]


def mirrored(text: str) -> str:
    other = {"left": "right", "right": "left"}
    return re.sub("left|right", lambda side: other[side[0]], text)


def mirrored_cells(step: SubAction) -> dict[str, tuple[str | None, str | None]]:
    cells = step.signature or {}
    return {mirrored(place): (c.motion, c.direction and mirrored(c.direction)) for place, c in cells.items()}


def cells(step: SubAction) -> dict[str, tuple[str | None, str | None]]:
    return {place: (c.motion, c.direction) for place, c in (step.signature or {}).items()}


def test_left_and_right_are_mirror_images() -> None:
    movements = module._movements()
    pairs = [(m, movements[mirrored(p)]) for p, m in movements.items() if mirrored(p) in movements]
    # in a rhythm both half cycles must mirror each other, whatever this use overrides
    for words in (w for dataset in BODY for w in labels_of(dataset) if w.cyclic):
        steps = {s.phrase: s for s in words.subactions}
        pairs += [(s, steps[mirrored(p)]) for p, s in steps.items() if mirrored(p) in steps]
    for one, other in pairs:
        if one is not other:
            assert mirrored_cells(one) == cells(other), one.phrase
            assert mirrored(one.opposite or "") == other.opposite
            assert mirrored(one.direction or "") == other.direction


def test_dsads_names_only_what_its_sensors_see() -> None:
    for words in labels_of("dsads"):
        unseen = [s.phrase for s in words.subactions if not sensed(DSADS_SENSORS, s.body_part, s.side)]
        assert not unseen, words.label


def test_every_step_of_gait_is_one_truth_word() -> None:
    for words in labels_of("gait"):
        for step in words.subactions:
            found = [word for word, pattern in GAIT_TRUTH.items() if re.match(pattern, step.phrase)]
            assert len(found) == (0 if words.label == "stand" else 1), f"{words.label}: {step.phrase}"


def test_a_stride_has_both_feet_on_the_ground_twice() -> None:
    walk = next(words for words in labels_of("gait") if words.label == "walk")
    order = [
        next(w for w, pattern in GAIT_TRUTH.items() if re.match(pattern, s.phrase)) for s in walk.subactions
    ]
    runs = [word for i, word in enumerate(order) if word != order[i - 1]]
    both = "both feet on the ground"
    assert runs in (
        ["left leg swings", both, "right leg swings", both],
        [both, "left leg swings", both, "right leg swings"],
    )


@cache
def tree(dataset: str) -> Tree:
    encoder = minilm(48, 64, Progress(quiet=True))
    known: dict[str, np.ndarray] = {}

    def vectors(texts: Sequence[str]) -> np.ndarray:
        if new := sorted({*texts} - known.keys()):
            known.update(zip(new, encoder.encode(new)[0], strict=True))
        return np.stack([known[text] for text in texts])

    return Tree(Phrases(labels_of(dataset)).for_merging(PhraseVectors(vectors)))


@pytest.mark.parametrize("dataset", ["dsads", "pamap2"])
def test_about_thirty_anchors_remain(dataset: str) -> None:
    assert 25 <= tree(dataset).count(0.85) <= 45


@pytest.mark.parametrize("dataset", BODY)
def test_no_left_and_right_merge(dataset: str) -> None:
    phrases = tree(dataset).phrases
    for members in tree(dataset).at(0.75).members:
        texts = {phrases[i].text for i in members}
        assert not texts & {mirrored(text) for text in texts if mirrored(text) != text}


def test_no_two_truth_words_of_gait_merge() -> None:
    phrases = tree("gait").phrases
    for members in tree("gait").at(0.8).members:
        words = {
            next((w for w, pattern in GAIT_TRUTH.items() if re.match(pattern, phrases[i].text)), "standing")
            for i in members
        }
        assert len(words) == 1, [phrases[i].text for i in members]
