"""What steps cost that an author invented: two more in each label, at random places, that never happen."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from corruption import LEVELS, WAYS
from first_names import FirstNames, truth_word_of

from vqtext.model.grounding.absence import absent
from vqtext.model.grounding.e_step import e_step
from vqtext.pipeline.evaluation.frame_metrics import at_samples, named_accuracy, named_recall
from vqtext.pipeline.training.assemble import training_data
from vqtext.pipeline.training.run_words import resolved_words, without_steps
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.schema import Cell, SubAction

EACH, TRIES = 2, 50

Signature = dict[str, Cell]


def a_pause(draw: random.Random, label: int, words: Words, places: tuple[str, ...]) -> Signature:
    return {place: Cell(motion="still") for place in places}


def one_cell(draw: random.Random, label: int, words: Words, places: tuple[str, ...]) -> Signature:
    return {draw.choice(places): Cell(motion=draw.choice(LEVELS))}


def any_cells(draw: random.Random, label: int, words: Words, places: tuple[str, ...]) -> Signature:
    ways = [*WAYS, *[None] * 2 * len(WAYS)]
    return {place: Cell(motion=draw.choice(LEVELS), direction=draw.choice(ways)) for place in places}


def near_another(draw: random.Random, label: int, words: Words, places: tuple[str, ...]) -> Signature:
    """What another step of the label feels like, but for one level."""
    _, step = draw.choice(words.uses[label])
    found = {place: cell.model_copy() for place, cell in (step.signature or {}).items()}
    cell = found[draw.choice([place for place, cell in found.items() if cell.motion])]
    cell.motion = draw.choice([level for level in LEVELS if level != cell.motion])
    return found


def of_another_label(draw: random.Random, label: int, words: Words, places: tuple[str, ...]) -> Signature:
    """A real movement that this label does not have."""
    own = {anchor for anchor, _ in words.uses[label]}
    found = [step for uses in words.uses for anchor, step in uses if anchor not in own]
    return dict(draw.choice(found).signature or {})


KINDS: dict[str, Callable[[random.Random, int, Words, tuple[str, ...]], Signature]] = {
    kind.__name__.replace("_", " "): kind
    for kind in (a_pause, one_cell, any_cells, near_another, of_another_label)
}


def differs(one: Signature, other: Signature) -> bool:
    """Whether anything written tells one from the other: what nothing does is a synonym, not an invention."""
    shared = [(one[place], other[place]) for place in one.keys() & other.keys()]
    return any(a and b and a != b for pair in shared for (_, a), (_, b) in zip(*pair, strict=True))


def with_invented(words: Words, kinds: list[str], places: tuple[str, ...], seed: int) -> Words:
    """The same words with two more steps a label, each an anchor of its own after those that are there.

    A label that has a step which feels like every one of the kind gets none.
    """
    draw = random.Random(seed)
    uses, phrases = [], [*words.phrases]
    for label, own in enumerate(words.uses):
        more = list(own)
        for _ in range(EACH * TRIES):
            if len(more) == len(own) + EACH:
                break
            kind = draw.choice(kinds)
            cells = KINDS[kind](draw, label, words, places)
            if not all(differs(cells, step.signature or {}) for _, step in own):
                continue
            step = SubAction(phrase=f"{kind} {len(phrases)}", signature=cells)
            more.insert(draw.randint(0, len(more)), (len(phrases), step))
            phrases.append(step.phrase)
        uses.append(more)
    vectors = np.random.default_rng(seed).normal(size=(len(phrases), words.vectors.shape[1]))
    vectors[: len(words.phrases)] = words.vectors
    return replace(words, phrases=phrases, vectors=vectors.astype(words.vectors.dtype), uses=uses)


def invented_steps(first: FirstNames, draws: int) -> None:
    """Print what the E-step loses by them, and how much of the time is called by their names."""
    recall, accuracy = first.recall(), first.accuracy()
    for name, kinds in {"any kind": [*KINDS], **{kind: [kind] for kind in KINDS}}.items():
        lost = np.zeros((draws, 3))
        for seed in range(draws):
            words = with_invented(
                first.words, kinds, tuple(dict.fromkeys(c.location for c in first.windows.channels)), seed
            )
            words = resolved_words(words, first.windows, first.everyone.learn, first.settings.train).words
            _, data = training_data(first.windows, first.everyone, first.settings, words)
            words = without_steps(
                words, absent(data.evidence, data.vocabulary.transcripts, first.windows.rate_hz)
            )
            _, data = training_data(first.windows, first.everyone, first.settings, words)
            anchors = e_step(data.evidence, data.grammar, frozenset({"order", "signal"})).anchors().numpy()
            named = at_samples(truth_word_of(first.windows, words)[anchors], first.windows.T)
            taken = (named < 0)[first.truth >= 0].mean()
            right = named_recall(named, first.truth), named_accuracy(named, first.truth)
            lost[seed] = recall - right[0], accuracy - right[1], taken
        told = ", ".join(
            f"{what} mean {mean:.3f} worst {worst:.3f}"
            for what, mean, worst in zip(
                ("loses of recall", "of accuracy", "time they take"), lost.mean(0), lost.max(0), strict=True
            )
        )
        print(f"{EACH} invented steps a label, {name}, {draws} draws: {told}", flush=True)
