"""``vqtext embed``: words and descriptions → texts.h5, vectors and token states of every text, each once.

Texts pass through in chunks: a data set of a million windows has about as many descriptions, and neither they
nor their token states would fit into memory.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.cache import hdf5
from vqtext.errors import WordsError
from vqtext.pipeline.describe import Describe
from vqtext.pipeline.descriptions.segment_texts import SegmentTexts
from vqtext.pipeline.descriptions.subject_facts import FACTS, facts_of
from vqtext.pipeline.encoders import choose
from vqtext.pipeline.encoders.chunks import Encode, Encoded, encode_chunks
from vqtext.pipeline.encoders.phrase_vectors import axis_texts, texts_of_phrase
from vqtext.pipeline.executing.choice import choose_for_torch
from vqtext.pipeline.gen_subactions import GenSubactions
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import MissingError, Stage, StaleError, ensure
from vqtext.prompts.facets import read_facets
from vqtext.prompts.movement_words import facets_digest
from vqtext.prompts.subactions import read_subactions
from vqtext.schema import LabelWords, Subject

PARAPHRASES = 3
"""Paraphrases of a label that guidance knows, beside its keyword and its sentence."""

CHUNK = 8
"""Batches encoded before they are written down; within a chunk texts of like length share a batch."""


class Embed(Stage):
    """Embed the words of the data's labels, descriptions of its windows, and what is known of its subjects.

    With no windows.h5 it works on the words alone. docs/reference/formats.md describes texts.h5.
    """

    command = "embed"
    artifact = "texts.h5"
    version = 5

    def sources(self) -> Sequence[Stage]:
        words, windows, descriptions = (
            stage(self.settings, self.progress) for stage in (GenSubactions, Prepare, Describe)
        )
        if not windows.target.exists():
            return [words]
        return [words, windows, descriptions] if self.settings.reads_descriptions else [words, windows]

    def inputs(self) -> dict[str, str]:
        """Descriptions too where they are there and fit, though nothing reads them yet: a training that
        reads them may only be named when it starts."""
        found, descriptions = super().inputs(), Describe(self.settings, self.progress)
        if (self.settings.cache / "windows.h5").exists() and descriptions.name not in found:
            with suppress(MissingError, StaleError):
                found[descriptions.name] = descriptions.check().content
        return found

    def ensure_inputs(self) -> None:
        if self.settings.reads_descriptions and (self.settings.cache / "windows.h5").exists():
            ensure(Describe, self.settings, self.progress)

    def options(self) -> Any:
        embed = self.settings.embed.model_dump(mode="json", exclude={"batch_size"})
        if not embed["half"]:  # as texts.h5 of before there was a choice
            del embed["half"]
        return {**embed, "facets": facets_digest()}

    def make(self, target: Path) -> None:
        words, subjects, window_label, window_subject = self._known()
        texts = Texts({text: place for place, text in enumerate(axis_texts())})
        label_text = [texts.of_label(label) for label in words]
        subject_text = [[texts.place(fact) for fact in facts_of(subject)] for subject in subjects]
        window_text = np.full(len(window_label), -1)
        longest, total = max(len(text.encode()) for text in texts), len(texts)
        described: Iterable[str] = ()
        segments: SegmentTexts | None = None
        with ExitStack() as stack:
            if "descriptions.h5" in self.provenance().inputs:
                path = self.settings.cache / "descriptions.h5"
                file = stack.enter_context(hdf5.open_artifact(path, "descriptions"))
                place = texts.places_after(file.texts("text"))
                window_text = place[file["index"]]
                longest = max(longest, file.longest("text"))
                total += int((place >= total).sum())
                described = (text for text in file.texts("text") if text not in texts)
                segments = SegmentTexts(file["segment/index"], window_label, window_subject, words, subjects)
            encode, encoder, why = self._encode()
            out = stack.enter_context(hdf5.growing(target, "texts", self.recipe()))
            done = stack.enter_context(closing(encode(chain(texts, described))))
            for _ in self.progress.track(_write_texts(out, done, longest), total, "embedding texts"):
                pass
            if segments is not None:
                longest = segments.longest + file.longest("segment/text")
                done = stack.enter_context(closing(encode(segments.of(file.texts("segment/text")))))
                written = _write_segments(out, done, longest)
                for _ in self.progress.track(written, len(segments), "embedding texts of segments"):
                    pass
            segment_text = np.empty((len(window_label), 0)) if segments is None else segments.place
            out.put("label_text", np.array(label_text, dtype=np.int32))
            out.put("window_text", window_text.astype(np.int32))
            out.put("segment_text", segment_text.astype(np.int32))
            out.put("subject_text", np.array(subject_text, dtype=np.int32).reshape(-1, len(FACTS)))
            names = {
                "labels": [label.label for label in words],
                "subjects": [subject.id for subject in subjects],
            }
            widths = {"dim": out.width("vector"), "token_dim": out.width("token")}
            out.finish({"encoder": encoder, "why": why, **widths, **names})

    def _encode(self) -> tuple[Callable[[Iterable[str]], Generator[Encoded, None, None]], str, str]:
        """What encodes texts chunk by chunk, the name of the encoder, and why it was chosen."""
        embed = self.settings.embed
        encoder, why = choose(embed.encoder, self.progress, embed.tokens, embed.batch_size)
        self.progress.say(f"encoder {encoder.name}: {why}")
        encode = partial(
            encode_chunks,
            choose_for_torch(self.settings),
            Encode(embed.encoder, embed.tokens, embed.batch_size, encoder.name, embed.half, encoder),
            at_once=CHUNK * embed.batch_size,
            progress=self.progress,
        )
        return encode, encoder.name, why

    def summary(self) -> dict[str, Any]:
        with hdf5.open_artifact(self.target, "texts") as file:
            attrs = {name: file.attrs[name] for name in ("encoder", "why", "dim")}
            return {"texts": len(file["token_offset"]) - 1, **attrs}

    def _known(self) -> tuple[list[LabelWords], list[Subject], np.ndarray, np.ndarray]:
        """The words of the data's labels, in their order, its subjects, and label and subject of each window;
        without windows, the words of all labels."""
        cache = self.settings.cache
        words = read_subactions(cache / "subactions.json").labels
        if not (cache / "windows.h5").exists():
            self.progress.say(
                f"no {cache / 'windows.h5'}: embedding the words alone, of all {len(words)} labels"
            )
            return words, [], np.empty(0, dtype=int), np.empty(0, dtype=int)
        with hdf5.open_artifact(cache / "windows.h5", "windows") as windows:
            words = words_of(windows.attrs["labels"], words, cache / "subactions.json")
            subjects = [Subject(**facts) for facts in windows.attrs["subjects"]]
            return words, subjects, windows["label"], windows["subject"]


class Texts(dict[str, int]):
    """Texts and their places, each text once."""

    def place(self, text: str | None) -> int:
        """Where a text stands, added if it is new; −1 where there is none.

        Raises:
            WordsError: the text holds a NUL, as an escape in JSON can.
        """
        if not text or not text.strip():
            return -1
        if "\0" in text:
            raise WordsError(f"the text {text[:60]!r} holds a NUL character: take it out")
        return self.setdefault(text, len(self))

    def places_after(self, more: Iterable[str]) -> np.ndarray:
        """Where each of ``more`` would stand if those that are new followed; they are not kept, ``(m,)``.

        Args:
            more: texts, each once.
        """
        known = np.fromiter((self.get(text, -1) for text in more), dtype=np.int64)
        new = known < 0
        return np.where(new, len(self) + np.cumsum(new) - 1, known)

    def of_label(self, words: LabelWords) -> list[int]:
        """Places of a label's keyword, sentence and paraphrases; its sub-actions are added too."""
        paraphrases = [*(words.paraphrases or []), *[None] * PARAPHRASES][:PARAPHRASES]
        places = [self.place(text) for text in (words.keyword, words.sentence, *paraphrases)]
        for subaction in words.subactions:
            facets = read_facets(subaction.phrase)
            made = (subaction.opposite, facets.opposite, facets.mirrored)
            for text in (subaction.phrase, *made, *(subaction.paraphrases or [])):
                for wording in texts_of_phrase(text or ""):
                    self.place(wording)
        return places


def _write_texts(out: hdf5.Growing, done: Iterable[Encoded], longest: int) -> Iterator[str]:
    """Write down each chunk once it is encoded; yields each of its texts."""
    end = 0
    out.grow("token_offset", np.zeros(1, dtype=np.int64))
    for chunk in done:
        ends = end + np.cumsum([len(state) for state in chunk.states], dtype=np.int64)
        out.grow("text", chunk.texts, longest)
        out.grow("vector", chunk.vectors)
        out.grow("token", np.concatenate(chunk.states))
        out.grow("token_offset", ends)
        end = int(ends[-1])
        yield from chunk.texts


def _write_segments(out: hdf5.Growing, done: Iterable[Encoded], longest: int) -> Iterator[str]:
    """As `_write_texts`, without the token states: nothing attends to the words of a segment."""
    for chunk in done:
        out.grow("segment/text", chunk.texts, longest)
        out.grow("segment/vector", chunk.vectors)
        yield from chunk.texts


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
