"""The same movement in the same words across labels, as a model proposes it and code checks it.

Labels are written one request each, so what is one movement gets many wordings, and anchors multiply. One
more request over all labels says which phrases to replace by which, in one label or in all. It may not undo
what tells steps apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations

from vqtext.prompts.facets import conflict, read_facets
from vqtext.prompts.replies import Harmonised, Replacement
from vqtext.schema import LabelWords, SubAction, same_text

_SAYS_NOTHING = (None, "none", "either")


def harmonise_problems(reply: Harmonised, labels: Sequence[LabelWords], fixed: Collection[str]) -> list[str]:
    """What is wrong with proposed replacements, each a sentence for the model.

    Args:
        reply: the replacements.
        labels: the whole set.
        fixed: names of the labels whose phrases must stay as they are.
    """
    uses = _uses(labels)
    problems = list(_each(reply, uses, fixed))
    return problems or [
        problem for instead, group in _groups(reply, uses) for problem in _together(instead, group, uses)
    ]


def harmonise_weaknesses(reply: Harmonised, labels: Sequence[LabelWords]) -> list[str]:
    """Replacements that replace nothing, since the label they name does not have the phrase."""
    uses = _uses(labels)
    return [
        f"{pair.label!r} has no phrase {pair.phrase!r}: name the label that has it, or null for all."
        for pair in reply.replacements
        if pair.label is not None and same_text(pair.phrase) in uses and not _scope(pair, uses)
    ]


def _each(reply: Harmonised, uses: Uses, fixed: Collection[str]) -> Iterator[str]:
    """What is wrong with single replacements."""
    seen: dict[tuple[str, str], str] = {}
    replaced: set[str] = set()
    for pair in reply.replacements:
        phrase, instead = same_text(pair.phrase), same_text(pair.instead)
        for text in dict.fromkeys((phrase, instead)):
            if text not in uses:
                yield f"{text!r} is no phrase of the list: take phrases letter by letter from it."
        if phrase != instead:
            replaced.add(phrase)
        scope = _scope(pair, uses)
        for label in scope:
            other = seen.setdefault((label, phrase), instead)
            if other != instead:
                yield f"{phrase!r} is replaced twice, by {other!r} and by {instead!r}: choose one."
                break
        owners = [label for label in scope if label in fixed]
        if owners and phrase != instead:
            yield f"{phrase!r} stands in {owners[0]!r} and must stay: keep it, and replace the other one."
    for (_, phrase), instead in seen.items():
        if instead != phrase and instead in replaced:
            yield f"{phrase!r} is replaced by {instead!r}, which is itself replaced: name the last one."


def _together(instead: str, group: Mapping[str, Collection[str]], uses: Uses) -> Iterator[str]:
    """What is wrong with phrases that would all become ``instead``, each in some labels."""
    owner: dict[str, str] = {label: instead for label, _ in uses[instead]}
    for phrase, scope in group.items():
        for label in scope:
            if owner.setdefault(label, phrase) != phrase:
                yield f"{phrase!r} and {owner[label]!r} both stand in {label!r}: they are different moments."
    steps = {
        phrase: [step for label, step in uses[phrase] if label in scope] for phrase, scope in group.items()
    }
    steps[instead] = [step for _, step in uses[instead]]
    for phrase, other in combinations(steps, 2):
        if reason := _apart(phrase, other, steps):
            yield f"{phrase!r} and {other!r} {reason}: leave both as they are."


def _apart(phrase: str, other: str, steps: Mapping[str, Sequence[SubAction]]) -> str | None:
    """Why two phrases cannot be one movement; None where they can."""
    ours, theirs = steps[phrase], steps[other]
    # A side that one of them does not name would be lost; a direction is often just not written.
    if _sides(phrase, ours) != _sides(other, theirs):
        return "differ in side"
    ways, of_other = ({step.direction for step in of} - {*_SAYS_NOTHING} for of in (ours, theirs))
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
    everywhere: dict[str, SubAction] = {}
    in_label: dict[str, dict[str, SubAction]] = defaultdict(dict)
    for pair in reply.replacements:
        phrase, instead = same_text(pair.phrase), same_text(pair.instead)
        if phrase != instead:
            model = uses[instead][0][1]
            if pair.label is None:
                everywhere[phrase] = model
            for label in _scope(pair, uses):
                in_label[label][phrase] = model
    made = [
        label if label.label in fixed else _rewritten(label, everywhere | in_label[label.label])
        for label in labels
    ]
    return made, len({phrase for new in in_label.values() for phrase in new})


def _rewritten(label: LabelWords, new: Mapping[str, SubAction]) -> LabelWords:
    steps = []
    for step in label.subactions:
        change: dict[str, object] = {}
        model = new.get(same_text(step.phrase))
        if model is not None:
            texts = [step.phrase, *(step.paraphrases or ())]
            others = [text for text in texts if same_text(text) != same_text(model.phrase)]
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


def _scope(pair: Replacement, uses: Uses) -> list[str]:
    """The labels in which a phrase is replaced."""
    owners = dict.fromkeys(label for label, _ in uses.get(same_text(pair.phrase), ()))
    return [x for x in owners if pair.label is None or same_text(x) == same_text(pair.label)]


def _groups(reply: Harmonised, uses: Uses) -> list[tuple[str, dict[str, list[str]]]]:
    """Each wording that is taken, and the phrases that would become it, with the labels where they would."""
    groups: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for pair in reply.replacements:
        phrase, instead = same_text(pair.phrase), same_text(pair.instead)
        if phrase != instead and (scope := _scope(pair, uses)):
            groups[instead][phrase] += scope
    return [*groups.items()]
