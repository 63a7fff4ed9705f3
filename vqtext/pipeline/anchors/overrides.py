"""What a person decides about the anchors by hand: phrases to keep, to drop, and to merge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from vqtext.console.text import cut_short
from vqtext.errors import UsageError
from vqtext.schema import LabelWords, same_text
from vqtext.settings.schema import DedupSettings


@dataclass(frozen=True)
class Edits:
    """Decisions that go before every cosine and veto. Phrases are compared by `same_text`.

    Attributes:
        keep: phrases that are anchors: others may merge into them, and they into none.
        drop: phrases that are left out, and with them every use of theirs.
        merge: phrase → the anchor it is merged into; chains are followed to their end.
    """

    keep: frozenset[str]
    drop: frozenset[str]
    merge: dict[str, str]

    def without_dropped(self, words: Sequence[LabelWords]) -> list[LabelWords]:
        """The words without the phrases to drop.

        Raises:
            UsageError: a label would have no sub-action left.
        """
        left = []
        for label in words:
            subactions = [s for s in label.subactions if same_text(s.phrase) not in self.drop]
            if not subactions:
                raise UsageError(
                    f"--drop leaves the label {_short(label.label)} without a sub-action: drop fewer of its "
                    "phrases, or write another for it into subactions.json"
                )
            left.append(label.model_copy(update={"subactions": subactions}))
        return left


def edits_of(settings: DedupSettings, words: Sequence[LabelWords]) -> Edits:
    """What the settings decide about the phrases of these words.

    Raises:
        UsageError: a phrase that is not there, with the nearest that is; a merge that is not of the form
            a=b; decisions that contradict each other.
    """
    known = {same_text(s.phrase): s.phrase for label in words for s in label.subactions}
    keep = {_known(phrase, known, "--keep") for phrase in settings.keep}
    drop = {_known(phrase, known, "--drop") for phrase in settings.drop}
    merge: dict[str, str] = {}
    for pair in settings.merge:
        source, target = _both_sides(pair, known)
        if merge.setdefault(source, target) != target:
            raise UsageError(
                f"--merge puts {_short(known[source])} both into {_short(known[merge[source]])} and into "
                f"{_short(known[target])}: choose one"
            )
    for (one, these), (other, those) in (
        (("--keep", keep), ("--drop", drop)),
        (("--keep", keep), ("--merge into another", merge.keys())),
        (("--drop", drop), ("--merge", merge.keys() | set(merge.values()))),
    ):
        for key in sorted(these & those):
            raise UsageError(f"{_short(known[key])} is in {one} and in {other}: choose one")
    return Edits(frozenset(keep), frozenset(drop), {key: _end(key, merge, known) for key in merge})


def _known(phrase: str, known: dict[str, str], option: str) -> str:
    key = same_text(phrase)
    if key in known:
        return key
    nearest = max(known, key=lambda other: SequenceMatcher(None, key[:200], other[:200]).ratio())
    raise UsageError(
        f"{option}: there is no phrase {_short(phrase)}; the nearest is {_short(known[nearest])}"
    )


def _both_sides(pair: str, known: dict[str, str]) -> tuple[str, str]:
    """ "a=b" → a and b; a phrase may itself hold the sign."""
    parts = pair.split("=")
    cuts = [("=".join(parts[:i]), "=".join(parts[i:])) for i in range(1, len(parts))]
    if not cuts:
        raise UsageError(
            f'--merge {_short(pair)}: write "a=b", the phrase to merge and the anchor it becomes part of'
        )
    source, target = next((cut for cut in cuts if all(same_text(side) in known for side in cut)), cuts[0])
    source, target = _known(source, known, "--merge"), _known(target, known, "--merge")
    if source == target:
        raise UsageError(f"--merge {_short(pair)}: both sides are one phrase")
    return source, target


def _end(key: str, merge: dict[str, str], known: dict[str, str]) -> str:
    way = [key]
    while way[-1] in merge:
        way.append(merge[way[-1]])
        if way[-1] in way[:-1]:
            circle = " = ".join(_short(known[step]) for step in way)
            raise UsageError(f"--merge goes in a circle: {circle}")
    return way[-1]


def _short(text: str) -> str:
    return repr(cut_short(text))
