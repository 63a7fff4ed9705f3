"""A user would lose: names that can be believed, for steps that no sensor, rate or order tells apart."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from vqtext.data.planted.world import WORLDS
from vqtext.pipeline.evaluation.truth_map import own_table, read_table
from vqtext.pipeline.vocabulary.anchor_words import Words, vocabulary
from vqtext.pipeline.vocabulary.identifiability import Sensors
from vqtext.pipeline.vocabulary.joined_steps import counted_as, parts_of, relative_duration, round_of
from vqtext.pipeline.vocabulary.resolve import Resolved, resolve
from vqtext.pipeline.vocabulary.separating import Separating
from vqtext.prompts.lexicon import lexicon
from vqtext.prompts.replies import LabelReply
from vqtext.schema import Cell, LabelWords, SubAction, SubActions, same_text

WRIST = Sensors(["wrist"], [None])
LISTS = Path(os.environ.get("VQTEXT_WORDS", Path(__file__).parents[3] / "../shared/words"))
FAST = 1000.0


def step(phrase: str, motion: str | None = None, **more: object) -> SubAction:
    cells = {"wrist": Cell(motion=motion)} if motion else None
    return SubAction(phrase=phrase, **{"signature": cells, **more})


def words(*labels: list[SubAction], cyclic: bool = True) -> Words:
    """Every phrase is an anchor of its own."""
    phrases = list(dict.fromkeys(s.phrase for own in labels for s in own))
    uses = [[(phrases.index(s.phrase), s) for s in own] for own in labels]
    return Words(phrases, np.eye(len(phrases)), uses, [cyclic] * len(labels), [None] * len(labels))


def told(found: Resolved) -> list[list[str]]:
    return [[found.words.phrases[anchor] for anchor, _ in own] for own in found.words.uses]


SWING = [
    step("arm swings back", "strong", lasts="brief"),
    step("elbow drives back", "strong", lasts="long"),
    step("arm stops behind", "still"),
    step("hand rises", "moderate"),
]


def test_neighbours_that_nothing_tells_apart_become_one_step_named_by_both() -> None:
    found = resolve(words(SWING), WRIST, FAST)
    assert told(found) == [["arm swings back, elbow drives back", "arm stops behind", "hand rises"]]
    anchor, joined = found.words.uses[0][0]
    assert joined.signature == {"wrist": Cell(motion="strong")} and relative_duration(joined) == 2.4
    assert np.allclose(found.words.vectors[anchor], np.array([1, 1, 0, 0]) / 2**0.5)
    assert len(found.words.phrases) == 3, "its parts are no anchors any more"
    (join,) = found.joined
    assert (join.label, join.why, [part.phrase for part in join.parts]) == (
        *(0, "sensors"),
        ["arm swings back", "elbow drives back"],
    )
    (transcript,) = vocabulary(found.words, ["run"], WRIST).transcripts
    assert transcript.uses[0].lasts == 2.4


def test_words_that_are_told_apart_stay_as_they_are() -> None:
    said = words(SWING[1:])
    assert resolve(said, WRIST, FAST).words is said
    without = words([step("kick"), step("wait")])
    assert resolve(without, WRIST, FAST).words is without, "no sensor shows anything: the order alone speaks"


def test_the_same_parts_are_one_anchor_in_every_label_and_other_parts_another() -> None:
    rest, shake = step("rest", "still"), step("shake", "moderate")
    found = resolve(words(SWING, [*SWING[1::-1], rest], [SWING[1], shake, rest]), WRIST, FAST)
    first, second, third = told(found)
    assert first[0] == second[0] == "arm swings back, elbow drives back"
    assert third[0] == "elbow drives back", "there it is told apart"


def test_long_names_are_counted_and_never_two_alike() -> None:
    sways = [step(f"sway {i}", "slight") for i in range(6)]
    rest = step("rest", "still")
    found = resolve(words([*sways[:5], rest], [*sways[:4], sways[5], rest]), WRIST, FAST)
    one, other = (own[0] for own in told(found))
    assert one == "sway 0, sway 1, sway 2 and 2 more"
    assert other == "sway 0, sway 1, sway 2, sway 3 and 1 more"


def test_what_is_written_of_places_without_a_sensor_is_kept_where_the_parts_agree() -> None:
    kick = {"wrist": Cell(motion="strong"), "foot": Cell(motion="strong"), "hip": Cell(motion="still")}
    wait = {**kick, "foot": Cell(motion="still")}
    steps = [step("kick", signature=kick), step("wait", signature=wait), step("rest", "still")]
    joined = resolve(words(steps), WRIST, FAST).words.uses[0][0][1]
    assert joined.signature == {**kick, "foot": Cell()}


def test_people_read_the_parts_in_their_own_language() -> None:
    back = [step("back", "strong", display="뒤로"), step("drive", "strong"), step("rest", "still")]
    assert resolve(words(back), WRIST, FAST).words.uses[0][0][1].display == "뒤로, drive"


LEGS = [step(f"{verb} the {side} leg", m) for side in ("left", "right") for verb, m in
        (("swing", "strong"), ("plant", "still"))]  # fmt: skip


def test_a_cycle_that_may_be_turned_is_one_round_of_alternatives() -> None:
    found = resolve(words(LEGS), WRIST, FAST)
    assert told(found) == [
        ["swing the left leg or swing the right leg", "plant the left leg or plant the right leg"]
    ]
    assert [join.why for join in found.joined] == ["order", "order"]
    assert [relative_duration(s) for _, s in found.words.uses[0]] == [1.0, 1.0], (
        "not both of them, one or the other"
    )
    rises = [
        s.model_copy(update={"signature": {"wrist": Cell(motion=m, direction=way)}})
        for s, m, way in zip(LEGS, ("strong", "still") * 2, ("up", None, "down", None), strict=True)
    ]
    assert not resolve(words(rises), WRIST, FAST).joined, "where it goes up the sensor feels"
    assert resolve(words(rises), Sensors(["wrist"], [None], []), FAST).joined
    apart = resolve(words(LEGS, [LEGS[0], step("hop", "moderate"), LEGS[1]]), WRIST, FAST)
    assert not apart.joined, "a label that has one and not the other tells them apart"


def test_steps_shorter_than_two_samples_are_joined_with_the_neighbour_that_is_most_like_them() -> None:
    said = words(
        [
            step("lift", "strong", lasts="brief"),
            step("swing", "moderate"),
            step("plant", "still"),
            step("wait", "slight"),
        ]
    )
    assert told(resolve(said, WRIST, 12.0)) == [["lift, swing", "plant", "wait"]]
    assert told(resolve(said, WRIST, 17.0)) == [["lift", "swing", "plant", "wait"]]
    (join,) = resolve(said, WRIST, 12.0).joined
    assert join.why == "rate" and join.needed_hz == pytest.approx(2 / 0.12)
    fast = resolve(said, WRIST, 12.0, [0.5])
    assert told(fast) == [["lift, swing", "plant, wait"]], "half a second for all of them"
    assert told(resolve(said, WRIST, 1.0, [0.5])) == [["lift, swing, plant and 1 more"]]
    assert len(told(resolve(said, WRIST, 1.0))[0]) > 1, "where nobody knows how long they last, some are left"


def test_halves_of_a_round_that_differ_by_a_level_alone_are_one_once_their_steps_were_too_short() -> None:
    """One watch at ten samples a second: forward and back are the same wave to it."""
    levels = ("strong", "moderate", "slight", "still", "strong", "strong", "slight", "still")
    said = words([step(f"s{i}", level) for i, level in enumerate(levels)])
    assert len(told(resolve(said, WRIST, FAST, [1.2]))[0]) == 7
    found = resolve(said, WRIST, 8.0, [1.2])
    assert told(found) == [["s0, s1 or s4 and 1 more", "s2, s3 or s6 and 1 more"]]
    assert round_of([step for _, step in found.words.uses[0]]) == 8, "a round of the label is two of these"


def test_three_in_a_row_are_the_same_three_whichever_two_were_joined_first() -> None:
    a, c = step("a", "strong", lasts="brief"), step("c", "moderate", lasts="brief")
    one = [a, step("b", "strong"), c, step("d", "still")]
    other = [a, step("b", "moderate"), c, step("d", "still"), step("e", "still", lasts="long")]
    first, second = told(resolve(words(one, other), WRIST, FAST))
    assert first[0] == "a, b" and second[1] == "b, c"
    first, second = told(resolve(words(one, other), WRIST, 12.0))
    assert first[0] == second[0] == "a, b, c"


def test_a_phrase_that_is_spelled_like_a_join_keeps_a_name_of_its_own() -> None:
    said = words(SWING, [step("arm swings back, elbow drives back", "still"), step("nod", "slight")])
    names = resolve(said, WRIST, FAST).words.phrases
    assert len({*names}) == len(names) == 5


def test_no_two_labels_become_the_same_by_joining() -> None:
    """Else a class that could be told would be left to chance."""
    a, b, rest = step("a", "strong"), step("b", "strong"), step("rest", "still")
    brief = a.model_copy(update={"lasts": "brief"}), b.model_copy(update={"lasts": "brief"})
    found = resolve(words([brief[0], b, rest], [a, brief[1], rest], [a, b]), WRIST, FAST)
    assert told(found) == [["a", "b", "rest"], ["a", "b", "rest"], ["a, b"]]
    c, d = (step(name, "still") for name in "cd")
    turned = words([a, c, b, d], [a, d, b, c])
    assert not resolve(turned, WRIST, FAST).joined, "a or b, c or d: both would be that"


def test_what_would_separate_them_is_told() -> None:
    def advice(*steps: SubAction, rate_hz: float = FAST) -> str:
        said = words([*steps, step("rest", "still"), step("nod", "slight")])
        return Separating(said, WRIST)(resolve(said, WRIST, rate_hz).joined[0])

    foot = {"left foot": Cell(motion="still"), "wrist": Cell(motion="strong")}
    kick = {"left foot": Cell(motion="strong"), "wrist": Cell(motion="strong")}
    one, other = step("one", signature=foot), step("other", signature=kick)
    assert advice(one, other) == "a sensor at the left foot would separate them"
    legs = [step(f"{s} leg", "strong", body_part="foot", side=s) for s in ("left", "right")]
    assert advice(*legs) == (
        "a sensor at the left foot or the right foot would separate them, with signatures that differ there"
    )
    ways = [
        step(way, signature={"wrist": Cell(motion="strong", direction=way)})
        for way in ("forward", "backward")
    ]
    assert "the wrist moves another way in each" in advice(*ways)
    assert (
        advice(step("blink", "strong", lasts="brief"), rate_hz=10.0) == "a rate of 17 Hz would separate them"
    )


def uses_of(labels: list[LabelWords]) -> Words:
    found = words(*(label.subactions for label in labels))
    return Words(found.phrases, found.vectors, found.uses, [bool(x.cyclic) for x in labels], found.displays)


def gait(author: str) -> tuple[list[LabelWords], dict[tuple[str, str], str]]:
    """The words of an author and what each phrase stands for, by label."""
    if author == "lexicon":
        table = own_table("gait", [])
        labels = lexicon("gait", ["stand", "walk", "u-turn"]).labels
    elif not (LISTS / author).exists():
        pytest.skip(f"no word lists at {LISTS}: set VQTEXT_WORDS to the folder that holds them")
    elif (LISTS / author / "truth.toml").exists():
        table = read_table(LISTS / author / "truth.toml")
        text = (LISTS / author / "subactions.json").read_text(encoding="utf-8")
        labels = SubActions.model_validate_json(text).labels
    else:
        said = json.loads((LISTS / author / "truth.json").read_text(encoding="utf-8"))
        labels = [
            LabelReply.model_validate_json((LISTS / author / f"{label}.json").read_text()).words(label, str)
            for label in said
        ]
        return labels, {(x, same_text(p)): word for x, own in said.items() for p, word in own.items()}
    meant = {same_text(phrase): word for word, phrases in table.items() for phrase in phrases}
    return labels, {
        (label.label, same_text(s.phrase)): meant[same_text(s.phrase)]
        for label in labels
        for s in label.subactions
        if same_text(s.phrase) in meant
    }


@pytest.mark.parametrize("author", ["lexicon", *(f"gait-{name}" for name in ("a2", "b1", "c1", "d"))])
def test_joining_leaves_every_movement_of_gait_a_step_of_its_own(author: str) -> None:
    labels, meant = gait(author)
    places = ["left foot", "right foot", "lower back"]
    feet = Sensors(places, [None], [(place, way) for place in places for way in ("rise", "turn")])
    found = resolve(uses_of(labels), feet, 100.0, [None, 1.1, None])
    for label, own, now in zip(labels, uses_of(labels).uses, found.words.uses, strict=True):
        before = {meant.get((label.label, same_text(s.phrase))) for _, s in own} - {None, "unclear"}
        after = {meant.get((label.label, same_text(counted_as(s).phrase))) for _, s in now}
        assert before <= after


def test_joining_takes_nothing_from_the_planted_world() -> None:
    world = WORLDS["identifiable"]
    said = uses_of(lexicon("planted", list(world.labels)).labels)
    ways = [(place, way) for place in world.places for way in ("rise", "turn")]
    assert not resolve(said, Sensors(world.places, ["left", "right"], ways), 50.0).joined


def test_the_demo_tells_two_steps_of_everything_that_moves() -> None:
    labels = ["walking", "running", "badminton"]
    said = uses_of(lexicon("basic_motions", labels).labels)
    for rounds in (None, [1.3, 0.9, None], [0.6, 0.5, 0.5]):
        found = resolve(said, Sensors(["wrist"], [None], []), 10.0, rounds)
        assert all(len({anchor for anchor, _ in own}) >= 2 for own in found.words.uses)
        parts = [[part.phrase for _, s in own for part in parts_of(s)] for own in found.words.uses]
        assert [sorted(own) for own in parts] == [sorted(s.phrase for _, s in own) for own in said.uses], (
            "no part is lost"
        )
