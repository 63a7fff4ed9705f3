"""What to say of postures that cannot be read: a line for each place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vqtext.console.text import as_text, cut_short

if TYPE_CHECKING:
    from vqtext.model.grounding.posture_reference import UnreadablePosture


def lint_postures(
    found: Sequence[UnreadablePosture], places: Sequence[str], labels: Sequence[str], people: Sequence[str]
) -> list[str]:
    """Warnings for people.

    Args:
        found: of each of the places.
        people: ids; they are counted from 1 in what was found, where 0 is unknown.
    """
    lines = []
    for place, own in zip(places, found, strict=True):
        doubts = []
        if own.against:
            names = as_text([repr(cut_short(labels[i], 30)) for i in sorted(own.against)])
            most = max(map(len, own.against.values()))
            doubts.append(
                f"postures written of {cut_short(names, 120)} contradict how it is held there, beside the "
                f"other labels, for {most} of {own.people} people: mend them in subactions.json"
            )
        if own.without_reference:
            who = (
                as_text([people[i - 1] for i in own.without_reference if i > 0])
                if max(own.without_reference)
                else "all"
            )
            doubts.append(
                f"postures are left unused for {cut_short(who)}: in no training window of theirs is gravity "
                "measured under a label that writes one posture alone"
            )
        if doubts:
            lines.append(f"{place}: {'; '.join(doubts)}")
    return lines
