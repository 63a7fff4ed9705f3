"""``vqtext embed``: words and descriptions → texts.h5, vectors and token states of every text, each once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.cache import hdf5
from vqtext.errors import EncoderError, WordsError
from vqtext.pipeline.describe import Describe
from vqtext.pipeline.encoders import Encoder, choose
from vqtext.pipeline.gen_subactions import GenSubactions
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import Stage, ensure
from vqtext.prompts.subactions import read_subactions
from vqtext.schema import LabelWords, Subject

PARAPHRASES = 3
"""Paraphrases of a label that guidance knows, beside its keyword and its sentence."""


class Embed(Stage):
    """Embed the words of the data's labels, what is told of its windows, and what is known of its subjects.

    With no windows.h5 it works on the words alone.
    """

    command = "embed"

    @property
    def target(self) -> Path:
        return self.settings.cache / "texts.h5"

    def sources(self) -> Sequence[Stage]:
        words, windows, descriptions = (
            stage(self.settings, self.progress) for stage in (GenSubactions, Prepare, Describe)
        )
        if not windows.target.exists():
            return [words]
        return [words, windows, descriptions] if self._described() else [words, windows]

    def ensure_inputs(self) -> None:
        if self._described():
            ensure(Describe, self.settings, self.progress)

    def options(self) -> Any:
        return self.settings.embed.model_dump(mode="json", exclude={"batch_size"})

    def make(self, target: Path) -> None:
        texts, labels, subjects, indices = self._gather()
        embed = self.settings.embed
        encoder, why = choose(embed.encoder, self.progress, embed.tokens, embed.batch_size)
        self.progress.say(f"encoder {encoder.name}: {why}")
        vectors, states = encode(encoder, texts)
        arrays: dict[str, Any] = {
            "text": texts,
            "vector": vectors,
            "token": np.concatenate(states),
            "token_offset": np.cumsum([0, *map(len, states)], dtype=np.int64),
            **{name: np.array(index, dtype=np.int32) for name, index in indices.items()},
        }
        attrs = {
            "encoder": encoder.name,
            "why": why,
            "dim": vectors.shape[1],
            "token_dim": states[0].shape[1],
            "labels": labels,
            "subjects": [subject.id for subject in subjects],
        }
        hdf5.write(target, "texts", arrays, attrs, self.recipe())

    def summary(self) -> dict[str, Any]:
        with hdf5.open_artifact(self.target, "texts") as file:
            said = {name: file.attrs[name] for name in ("encoder", "why", "dim")}
            return {"texts": len(file["text"]), **said}

    def _described(self) -> bool:
        """Whether descriptions of the windows are embedded: where guidance wants them, or they are there."""
        cache = self.settings.cache
        wanted = self.settings.guidance.source in ("description", "both")
        return (cache / "windows.h5").exists() and (wanted or (cache / "descriptions.h5").exists())

    def _gather(self) -> tuple[list[str], list[str], list[Subject], dict[str, Any]]:
        """All texts, the data's labels and subjects, and where the text of each of them is."""
        cache = self.settings.cache
        words = read_subactions(cache / "subactions.json").labels
        subjects: list[Subject] = []
        described: list[str] = []
        if (cache / "windows.h5").exists():
            with hdf5.open_artifact(cache / "windows.h5", "windows") as windows:
                words = words_of(windows.attrs["labels"], words, cache / "subactions.json")
                subjects = [Subject(**facts) for facts in windows.attrs["subjects"]]
                described = [""] * len(windows["label"])
            if self._described():
                with hdf5.open_artifact(cache / "descriptions.h5", "descriptions") as descriptions:
                    known = descriptions["text"]
                    described = [known[i] for i in descriptions["index"]]
        else:
            self.progress.say(
                f"no {cache / 'windows.h5'}: embedding the words alone, of all {len(words)} labels"
            )
        texts = Texts()
        indices = {
            "label_text": [texts.of_label(label) for label in words],
            "window_text": [texts.place(text) for text in described],
            "subject_text": [texts.place(person(subject)) for subject in subjects],
        }
        return list(texts), [label.label for label in words], subjects, indices


class Texts(dict[str, int]):
    """Texts and their places, each text once."""

    def place(self, text: str | None) -> int:
        """Where a text stands, added if it is new; −1 where there is none.

        Raises:
            WordsError: the text holds half a character, as an escape in JSON can.
        """
        if not text or not text.strip():
            return -1
        try:
            text.encode()
        except UnicodeEncodeError:
            raise WordsError(f"the text {text!r} holds half a character: write it out in full") from None
        return self.setdefault(text, len(self))

    def of_label(self, words: LabelWords) -> list[int]:
        """Places of a label's keyword, sentence and paraphrases; its sub-actions are added too."""
        paraphrases = [*(words.paraphrases or []), *[None] * PARAPHRASES][:PARAPHRASES]
        places = [self.place(text) for text in (words.keyword, words.sentence, *paraphrases)]
        for subaction in words.subactions:
            for text in (subaction.phrase, subaction.opposite, *(subaction.paraphrases or [])):
                self.place(text)
        return places


def encode(encoder: Encoder, texts: Sequence[str]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Encode and check: unit vectors ``(n, d)`` and the token states ``(L_i, h)`` of each text.

    Raises:
        EncoderError: a text got a vector that is zero or not finite; the message names it.
    """
    vectors, states = encoder.encode(texts)
    for text, vector, state in zip(texts, vectors, states, strict=True):
        if not (np.isfinite(vector).all() and vector.any() and np.isfinite(state).all()):
            raise EncoderError(
                f"{encoder.name} gives no usable vector (zero, NaN or infinite) for {text[:60]!r}: "
                "say it in other words, or use another encoder"
            )
    return vectors, states


def words_of(labels: Sequence[str], words: Sequence[LabelWords], source: Path) -> list[LabelWords]:
    """The words of the data's labels, in their order; labels that the data lacks take no part.

    Raises:
        WordsError: a label of the data has no words.
    """
    known = {label.label: label for label in words}
    missing = [label for label in labels if label not in known]
    if missing:
        raise WordsError(
            f"{source} has no words for {', '.join(map(repr, missing))}: run `vqtext gen-subactions`, "
            "or write them into the file"
        )
    return [known[label] for label in labels]


def person(subject: Subject) -> str | None:
    """The known facts of a subject as one phrase; None where nothing is known.

    >>> person(Subject("101", age=27, height_cm=182, weight_kg=83, sex="male", hand="right"))
    'a 27-year-old man, 182 cm, 83 kg, right-handed'
    """
    if subject == Subject(subject.id):
        return None
    child = subject.age is not None and subject.age < 18
    nouns = {"m": ("man", "boy"), "f": ("woman", "girl")}
    who = nouns.get((subject.sex or "")[:1].lower(), ("person", "child"))[child]
    if subject.age is not None:
        who = f"{subject.age:.0f}-year-old {who}"
    facts = [
        f"{'an' if who.startswith(('8', '11-', '18-')) else 'a'} {who}",
        f"{subject.height_cm:.0f} cm" if subject.height_cm is not None else None,
        f"{subject.weight_kg:.0f} kg" if subject.weight_kg is not None else None,
        f"{subject.hand}-handed" if subject.hand else None,
    ]
    return ", ".join(fact for fact in facts if fact)
