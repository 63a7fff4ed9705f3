"""Several drafts of one label: the first gives the words, all of them together the signatures.

A wrong cell of a signature can cost more than all right ones gain, a missing cell costs little. A model that
is sure says the same thing each time it is asked; where its drafts contradict each other it is guessing, and
the cell is left out.

Drafts word and cut their steps differently, so steps are aligned first: in order, those that are about the
same movement by their words, body part, side and direction. Signatures take no part in that, or the
comparison would find what it looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vqtext.prompts.facets import conflict, read_facets
from vqtext.schema import Cell, LabelWords, SubAction, same_text

MIN_SIMILARITY = 0.4
"""Two steps below this are not the same movement: the same part, side and direction alone make 0.5, and so do
the same words alone."""

_LOWEST, _HIGHEST = 0.2, 1.0  # temperatures
_ANY_WAY = (None, "none", "either")


def temperatures(drafts: int) -> list[float]:
    """From careful to free, one for each draft: the first is the most careful one."""
    if drafts == 1:
        return [_LOWEST]
    step = (_HIGHEST - _LOWEST) / (drafts - 1)
    return [round(_LOWEST + i * step, 3) for i in range(drafts)]


@dataclass(frozen=True)
class Merged:
    """The words of a label out of its drafts.

    Attributes:
        words: those of the first draft, with the cells and durations left on which the drafts agree.
        disagreed: cells that were left out, or lost their direction or posture.
    """

    words: LabelWords
    disagreed: int


def merge_drafts(drafts: Sequence[LabelWords]) -> Merged:
    """Keep the cells of the first draft that the others bear out.

    A draft has a say on a cell if it has a counterpart of the step. Where its counterpart leaves the cell
    out, it says *unknown*. A cell stays if no draft says another motion and more drafts write it than leave
    it out, the first included; its direction stays if besides no draft says another direction. Where no draft
    has a counterpart, nothing speaks against it. A posture that another draft bears out stays without the
    motion too, and none stays that another draft contradicts. How long a step lasts stays only if every
    counterpart says the same.
    """
    first, *others = drafts
    aligned = [align(first, other) for other in others]
    disagreed = 0
    steps = []
    for position, step in enumerate(first.subactions):
        counterparts = [
            other.subactions[pairs[position]]
            for other, pairs in zip(others, aligned, strict=True)
            if position in pairs
        ]
        cells: dict[str, Cell] = {}
        for location, cell in (step.signature or {}).items():
            agreed = _agreed(cell, [(other.signature or {}).get(location) for other in counterparts])
            disagreed += agreed != cell
            if agreed is not None:
                cells[location] = agreed
        lasts = step.lasts if {other.lasts for other in counterparts} <= {step.lasts} else None
        steps.append(step.model_copy(update={"signature": cells, "lasts": lasts}))
    return Merged(first.model_copy(update={"subactions": steps}), disagreed)


def _agreed(cell: Cell, others: Sequence[Cell | None]) -> Cell | None:
    """What is left of a cell; None where the others, each None for unknown, do not bear it out."""
    written = [other for other in others if other is not None and other.motion is not None]
    unknown = len(others) - len(written)
    held = {other.posture for other in others if other is not None} - {None}
    posture = cell.posture if held <= {cell.posture} else None
    if any(other.motion != cell.motion for other in written) or unknown >= 1 + len(written):
        return Cell(posture=posture) if posture and held else None
    ways = {other.direction for other in written if other.direction not in _ANY_WAY}
    is_open = cell.direction not in _ANY_WAY and not ways <= {cell.direction}
    return cell.model_copy(update={"posture": posture} | ({"direction": None} if is_open else {}))


def align(a: LabelWords, b: LabelWords) -> dict[int, int]:
    """Which step of ``b`` is the same movement as which of ``a``, by position; steps may have none.

    The order is kept. Of a cycle, ``b`` may begin at any moment of the round.
    """
    similarity = [[_similarity(one, other) for other in b.subactions] for one in a.subactions]
    n = len(b.subactions)
    best: tuple[float, dict[int, int]] = (-1.0, {})
    for turn in range(n if a.cyclic and b.cyclic else 1):
        order = [(turn + j) % n for j in range(n)]
        score, pairs = _in_order([[row[j] for j in order] for row in similarity])
        if score > best[0] + 1e-9:  # of equals, the first turn
            best = score, {i: order[j] for i, j in pairs.items()}
    return best[1]


def _in_order(similarity: list[list[float]]) -> tuple[float, dict[int, int]]:
    """The pairs with the highest sum that do not cross, by dynamic programming over prefixes."""
    rows, columns = len(similarity), len(similarity[0])
    total = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows):
        for j in range(columns):
            total[i + 1][j + 1] = max(total[i][j + 1], total[i + 1][j], total[i][j] + similarity[i][j])
    pairs, i, j = {}, rows, columns
    while i and j:
        if total[i][j] == total[i - 1][j]:
            i -= 1
        elif total[i][j] == total[i][j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            pairs[i] = j
    return total[rows][columns], pairs


def _similarity(a: SubAction, b: SubAction) -> float:
    """0 to 1: how sure it is that two steps are one movement; 0 where they cannot be, or hardly are."""
    if _differ(a.side, b.side) or _differ(a.direction, b.direction):
        return 0.0
    if conflict(read_facets(a.phrase), read_facets(b.phrase)):
        return 0.0
    score = (
        0.5 * max(_shared(one, other) for one in _wordings(a) for other in _wordings(b))
        + 0.2 * (a.body_part is not None and same_text(a.body_part) == same_text(b.body_part or ""))
        + 0.15 * (a.side == b.side)
        + 0.15 * (a.direction == b.direction)
    )
    return score if score >= MIN_SIMILARITY else 0.0


def _differ(a: str | None, b: str | None) -> bool:
    return a not in _ANY_WAY and b not in _ANY_WAY and a != b


def _wordings(step: SubAction) -> list[str]:
    return [step.phrase, *(step.paraphrases or ())]


def _shared(a: str, b: str) -> float:
    """Share of the words of either that both have, in base forms: "lifting the foot" ~ "the foot goes up"."""
    one, other = ({*read_facets(text).canonical.split()} for text in (a, b))
    return len(one & other) / len(one | other) if one | other else 0.0
