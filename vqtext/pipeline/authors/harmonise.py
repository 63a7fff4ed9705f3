"""The same movement in the same words across labels, as a model proposes it and code checks it.

Labels are written one request each, so what is one movement gets many wordings, and anchors multiply. One
more request over all labels says which phrases to replace by which. It may not undo what tells steps apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from vqtext.prompts.facets import conflict, read_facets
from vqtext.prompts.replies import Harmonised
from vqtext.schema import LabelWords, SubAction, same_text

_SAYS_NOTHING = (None, "none")


def harmonise_problems(reply: Harmonised, labels: Sequence[LabelWords], fixed: Collection[str]) -> list[str]:
    """What is wrong with proposed replacements, each a sentence for the model.

    Args:
        reply: the replacements.
        labels: the whole set.
        fixed: names of the labels whose phrases must stay as they are.
    """
    uses = _uses(labels)
    problems = list(_each(reply, uses, fixed))
    return problems or [problem for group in _groups(reply) for problem in _together(group, uses)]


def _each(reply: Harmonised, uses: Uses, fixed: Collection[str]) -> Iterator[str]:
    """What is wrong with single replacements."""
    seen: dict[str, str] = {}
    for pair in reply.replacements:
        phrase, instead = same_text(pair.phrase), same_text(pair.instead)
        for text in dict.fromkeys((phrase, instead)):
            if text not in uses:
                yield f"{text!r} is no phrase of the list: take phrases letter by letter from it."
        if seen.setdefault(phrase, instead) != instead:
            yield f"{phrase!r} is replaced twice, by {seen[phrase]!r} and by {instead!r}: choose one."
        owners = [label for label, _ in uses.get(phrase, ()) if label in fixed]
        if owners and phrase != instead:
            yield f"{phrase!r} stands in {owners[0]!r} and must stay: keep it, and replace the other one."
    for phrase, instead in seen.items():
        if instead != phrase and seen.get(instead, instead) != instead:
            yield f"{phrase!r} is replaced by {instead!r}, which is itself replaced: name the last one."


def _together(group: list[str], uses: Uses) -> Iterator[str]:
    """What is wrong with phrases that would all become the last of the group."""
    owner: dict[str, str] = {}
    for phrase in group:
        for label in dict.fromkeys(label for label, _ in uses[phrase]):
            if owner.setdefault(label, phrase) != phrase:
                yield f"{owner[label]!r} and {phrase!r} both stand in {label!r}: they are different moments."
    for i, phrase in enumerate(group):
        for other in group[i + 1 :]:
            if reason := _apart(phrase, other, uses):
                yield f"{phrase!r} and {other!r} {reason}: leave both as they are."


def _apart(phrase: str, other: str, uses: Uses) -> str | None:
    """Why two phrases cannot be one movement; None where they can."""
    ours, theirs = ([step for _, step in uses[text]] for text in (phrase, other))
    # A side that one of them does not name would be lost; a direction is often just not said.
    if _sides(phrase, ours) != _sides(other, theirs):
        return "differ in side"
    ways, of_other = ({step.direction for step in steps} - {*_SAYS_NOTHING} for steps in (ours, theirs))
    if ways and of_other and ways != of_other:
        return "differ in direction"
    opposites = {same_text(step.opposite) for step in ours if step.opposite}
    opposites_of_other = {same_text(step.opposite) for step in theirs if step.opposite}
    if other in opposites or phrase in opposites_of_other:
        return "are opposites"
    return "say different things" if conflict(read_facets(phrase), read_facets(other)) else None


def _sides(phrase: str, steps: Sequence[SubAction]) -> set[str | None]:
    return ({step.side for step in steps} - {*_SAYS_NOTHING}) | ({"left", "right"} & {*phrase.split()})


def harmonised(
    reply: Harmonised, labels: Sequence[LabelWords], fixed: Collection[str]
) -> tuple[list[LabelWords], int]:
    """The labels with good replacements made, and how many phrases were replaced.

    The old wording becomes a paraphrase. Opposites that name a replaced phrase follow it.

    Args:
        reply: replacements without problems.
        labels, fixed: as in `harmonise_problems`; fixed labels come back as they are.
    """
    uses = _uses(labels)
    new = {
        same_text(pair.phrase): uses[same_text(pair.instead)][0][1]
        for pair in reply.replacements
        if same_text(pair.phrase) != same_text(pair.instead)
    }
    made = [label if label.label in fixed else _rewritten(label, new) for label in labels]
    return made, len(new)


def _rewritten(label: LabelWords, new: Mapping[str, SubAction]) -> LabelWords:
    steps = []
    for step in label.subactions:
        change: dict[str, object] = {}
        model = new.get(same_text(step.phrase))
        if model is not None:
            told = [step.phrase, *(step.paraphrases or ())]
            others = [text for text in told if same_text(text) != same_text(model.phrase)]
            change = {"phrase": model.phrase, "paraphrases": others[: max(1, len(step.paraphrases or ()))]}
            if model.display is not None:  # one movement, one wording, for people too
                change["display"] = model.display
        if step.opposite and same_text(step.opposite) in new:
            change["opposite"] = new[same_text(step.opposite)].phrase
        steps.append(step.model_copy(update=change))
    return label.model_copy(update={"subactions": steps})


Uses = Mapping[str, Sequence[tuple[str, SubAction]]]
"""`same_text` of a phrase → label and sub-action of each of its uses."""


def _uses(labels: Sequence[LabelWords]) -> Uses:
    uses = defaultdict(list)
    for label in labels:
        for step in label.subactions:
            uses[same_text(step.phrase)].append((label.label, step))
    return uses


def _groups(reply: Harmonised) -> list[list[str]]:
    """Phrases that would become one, each group with the wording they get at its end."""
    groups: dict[str, list[str]] = defaultdict(list)
    for pair in reply.replacements:
        phrase, instead = same_text(pair.phrase), same_text(pair.instead)
        if phrase != instead and phrase not in groups[instead]:
            groups[instead].append(phrase)
    return [[*phrases, instead] for instead, phrases in groups.items() if phrases]
