"""What ``vqtext train`` says of the words: before it gathers anything, and by the training windows."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import TYPE_CHECKING

from vqtext.cache.hdf5 import open_artifact
from vqtext.console.text import as_text, cut_short
from vqtext.data.features.vertical_velocity import direction_cells, upright_places
from vqtext.data.splits.splits import Split
from vqtext.data.windows.windows import Windows
from vqtext.pipeline.correcting.corrections import NAME as CORRECTIONS
from vqtext.pipeline.correcting.corrections import read_corrections
from vqtext.pipeline.training.lint_postures import lint_postures
from vqtext.pipeline.training.lint_words import lint_words
from vqtext.pipeline.training.run_words import resolved_words
from vqtext.pipeline.vocabulary.anchor_words import read_words
from vqtext.settings.schema import Settings

if TYPE_CHECKING:
    from vqtext.model.training.training_data import TrainingData


def warnings_of_words(settings: Settings, windows: Windows) -> list[str]:
    """Warnings that need no signal: doubtful words, labels that no text guides, corrections that the
    grounding does not use."""
    words = read_words(settings.cache / "anchors.h5", windows.labels)
    locations = list(dict.fromkeys(channel.location for channel in windows.channels))
    hands = sorted({subject.hand for subject in windows.subjects}, key=str) or [None]
    signs, upright = direction_cells(windows.channels), upright_places(windows.channels)
    found = lint_words(words, locations, hands, settings.train.sources, signs, upright)
    return [*found, *unguided(settings, windows), *unused_corrections(settings)]


def unguided(settings: Settings, windows: Windows) -> list[str]:
    """What to say of labels that no words of their own guide, where those are all that would."""
    if settings.guidance.source != "label":
        return []
    with open_artifact(settings.cache / "texts.h5", "texts") as texts:
        known, index = texts.attrs["labels"], texts["label_text"]
    bare = [x for x in windows.labels if x not in known or (index[known.index(x)] < 0).all()]
    if not bare:
        return []
    return [
        f"no text guides {as_text(bare)}: give them a keyword, a sentence or paraphrases in "
        "subactions.json, or say --guidance none"
    ]


def unused_corrections(settings: Settings) -> list[str]:
    """What to say where corrections of moments can teach nothing."""
    moments = read_corrections(settings.cache).of_kind("is")
    if not moments or "signal" in settings.train.sources:
        return []
    return [
        f"{len(moments)} corrected moments of {CORRECTIONS} are not used: train.grounding "
        f"{settings.train.grounding} does not read the sensors; take order+signal"
    ]


def unread_windows(data: TrainingData) -> list[str]:
    """How many windows the E-step reads, where it does not read all."""
    if len(data.measured) == len(data.label):
        return []
    return [
        f"the E-step reads {len(data.measured)} of {len(data.label)} windows, evenly over labels and "
        "people (train.e_step_windows): steps are learnt from these, all else from all"
    ]


def changes_of_words(settings: Settings, windows: Windows, split: Split, data: TrainingData) -> Iterator[str]:
    """What training does to the words of a fold: steps joined since rounds are too fast for the rate, and
    steps left out since the training windows are likelier without, or since a correction says so."""
    words = read_words(settings.cache / "anchors.h5", windows.labels)
    usual, read = (
        resolved_words(words, windows, split.learn, settings.train, s) for s in (None, data.round_s)
    )
    known = {(join.label, join.name) for join in usual.joined}
    for i, label in enumerate(windows.labels):
        more = [j for j in read.joined if j.label == i and j.why == "rate" and (i, j.name) not in known]
        if more:
            names = ", ".join(f'"{cut_short(join.name)}"' for join in more)
            least = max(join.needed_hz or 0.0 for join in more)
            yield (
                f"rounds of {label!r} last {data.round_s[i]:.2g} s, too fast at {windows.rate_hz:g} Hz for "
                f"each of its steps: joined to {names}; {ceil(least)} Hz would separate them"
            )
    for i, (label, own) in enumerate(zip(windows.labels, read.words.uses, strict=True)):
        never = data.never[i] if data.never else ()
        left = [place for place in (data.absent[i] if data.absent else ()) if place not in never]
        for places, why in (
            (left, "not found in the training windows, and left out; train.keep_absent keeps such steps"),
            (never, f"left out, since {CORRECTIONS} says that it never happens"),
        ):
            if places:
                names = ", ".join(f'"{cut_short(own[place][1].phrase)}"' for place in places)
                yield f"{label}: {names} {why}"


def warnings_of_windows(settings: Settings, windows: Windows, data: TrainingData) -> list[str]:
    """What looks wrong in the words by the training windows."""
    from vqtext.model.grounding.absence import unsupported
    from vqtext.model.grounding.posture_reference import unreadable_postures

    if "signal" not in settings.train.sources:
        return []
    seen, labels = data.evidence, windows.labels
    lines = lint_postures(
        unreadable_postures(seen.up, seen.written_up, seen.label, seen.group),
        upright_places(windows.channels),
        labels,
        [subject.id for subject in windows.subjects],
    )
    bare = unsupported(seen, data.vocabulary.transcripts, windows.rate_hz)
    if bare:
        names = as_text([repr(cut_short(labels[i], 30)) for i in bare])
        lines.append(
            f"no step of {cut_short(names, 120)} is found in the training windows: steps named there "
            "are guesses; mend the steps in subactions.json"
        )
    return lines
