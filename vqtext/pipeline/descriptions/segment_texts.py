"""What is embedded of a segment: what the sensors did, between a word for its label and what is known of its
subject.

So that a label's anchors and its segments meet in one text space. Only training reads these texts, and of
training windows alone: a test window's would tell its label.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from vqtext.pipeline.descriptions.subject_facts import facts_of
from vqtext.schema import LabelWords, Subject


class SegmentTexts:
    """The texts of all segments, each once; they are made one by one, for they may be millions.

    Args:
        index: which sentence is whose, ``(N, S)``, −1 none.
        label, subject: of each window, ``(N,)``; subject −1 is unknown.
        words: of each label.
        subjects: what is known of each.

    Attributes:
        place: which of the texts is whose, ``(N, S)``, −1 none.
        longest: bytes of the longest beginning and end together.
    """

    def __init__(
        self,
        index: np.ndarray,
        label: np.ndarray,
        subject: np.ndarray,
        words: Sequence[LabelWords],
        subjects: Sequence[Subject],
    ) -> None:
        self._begin, begin = _each_once([_begin(label_words) for label_words in words])
        self._end, end = _each_once([*map(_end, subjects), ""])  # the last is for subject −1
        own = begin[label] * len(self._end) + end[subject]
        self._own = len(self._begin) * len(self._end)
        code = np.where(index >= 0, index.astype(np.int64) * self._own + own[:, None], -1)
        self._codes = np.unique(code[code >= 0])
        self.place = np.where(code >= 0, np.searchsorted(self._codes, code), -1)
        self.longest = sum(max(len(text.encode()) for text in part) for part in (self._begin, self._end))

    def __len__(self) -> int:
        return len(self._codes)

    def of(self, sentences: Iterable[str]) -> Iterator[str]:
        """The texts in the order of their places.

        Args:
            sentences: those that ``index`` counts, in order.
        """
        sentence = enumerate(sentences)
        at, text = -1, ""
        for wanted, own in zip(*divmod(self._codes, self._own), strict=True):
            while at < wanted:
                at, text = next(sentence)
            begin, end = divmod(int(own), len(self._end))
            yield self._begin[begin] + text + self._end[end]


def _begin(words: LabelWords) -> str:
    known = (words.keyword, words.sentence, *(words.paraphrases or []))
    first = next((text.strip() for text in known if text and text.strip()), "")
    return f"{first}: " if first else ""


def _end(subject: Subject) -> str:
    known = [fact for fact in facts_of(subject) if fact]
    return f" The person: {', '.join(known)}." if known else ""


def _each_once(texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
    unique = list(dict.fromkeys(texts))
    return unique, np.array([unique.index(text) for text in texts])
