"""What anchors.h5 says of the data's labels, and the vocabulary a model is given of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vqtext.cache.hdf5 import open_artifact
from vqtext.data.locations import sensed
from vqtext.errors import ArtifactError
from vqtext.pipeline.vocabulary.identifiability import Sensors
from vqtext.pipeline.vocabulary.joined_steps import parts_of, relative_duration
from vqtext.schema import SubAction

if TYPE_CHECKING:
    from vqtext.model.vocabulary import Vocabulary


@dataclass(frozen=True)
class Words:
    """What anchors.h5 says of the data's labels, in their order.

    Attributes:
        phrases: of the K anchors; vectors: ``(K, d)``.
        uses: for each label its steps: anchor and the sub-action as that label writes it.
        cyclic: for each label.
        displays: what people are shown instead of each label, None where it has no such text.
    """

    phrases: list[str]
    vectors: np.ndarray
    uses: list[list[tuple[int, SubAction]]]
    cyclic: list[bool]
    displays: list[str | None]


def read_words(path: Path | str, labels: Sequence[str]) -> Words:
    """Read anchors.h5.

    Raises:
        ArtifactError: a label of the data is not in it.
    """
    with open_artifact(path, "anchors") as anchors:
        known = {entry["label"]: i for i, entry in enumerate(anchors.attrs["labels"])}
        missing = [label for label in labels if label not in known]
        if missing:
            raise ArtifactError(
                f"{path} has no words for {', '.join(map(repr, missing))}: run `vqtext gen-subactions`, "
                "`vqtext embed` and `vqtext dedup`"
            )
        rows = list(
            zip(
                anchors["use/label"].tolist(),
                anchors["use/anchor"].tolist(),
                anchors["use/subaction"],
                strict=True,
            )
        )
        uses = [
            [(anchor, SubAction(**json.loads(text))) for label, anchor, text in rows if label == known[name]]
            for name in labels
        ]
        entries = [anchors.attrs["labels"][known[name]] for name in labels]
        cyclic = [bool(entry.get("cyclic")) for entry in entries]
        displays = _distinct(labels, [_one_line(entry.get("display")) for entry in entries])
        return Words(anchors["anchor/phrase"], anchors["anchor/vector"], uses, cyclic, displays)


def _one_line(text: str | None) -> str | None:
    return " ".join((text or "").split()) or None


def _distinct(labels: Sequence[str], displays: Sequence[str | None]) -> list[str | None]:
    """Displays that tell the labels apart: those that several labels share are followed by the label."""
    shown = Counter(display or label for label, display in zip(labels, displays, strict=True))
    return [
        f"{display} ({label})" if display is not None and shown[display] > 1 else display
        for label, display in zip(labels, displays, strict=True)
    ]


def vocabulary(words: Words, labels: Sequence[str], sensors: Sensors) -> Vocabulary:
    """Anchors and transcripts.

    Args:
        sensors: a step is inferred if none shows any of its body parts for one of the hands that occur.
    """
    from vqtext.model.vocabulary import Transcript, Use
    from vqtext.model.vocabulary import Vocabulary as Result

    def seen(step: SubAction) -> bool:
        return all(sensed(sensors.locations, step.body_part, step.side, hand) for hand in sensors.hands)

    def use(anchor: int, step: SubAction) -> Use:
        inferred = not any(map(seen, parts_of(step)))
        return Use(anchor, inferred, _one_line(step.display), relative_duration(step))

    transcripts = tuple(
        Transcript(label, words.cyclic[i], tuple(use(*step) for step in words.uses[i]), words.displays[i])
        for i, label in enumerate(labels)
    )
    return Result(tuple(words.phrases), transcripts)
