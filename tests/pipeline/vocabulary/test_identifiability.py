"""A user would lose: being told which names nothing in the data can confirm, and what would."""

from __future__ import annotations

import json
from pathlib import Path

from vqtext.cache import hdf5
from vqtext.pipeline.vocabulary.cycle_turns import WheelStep
from vqtext.pipeline.vocabulary.identifiability import Count, Sensors, identifiability, sensors_of
from vqtext.pipeline.vocabulary.identifiability_report import Report, report
from vqtext.prompts.lexicon import lexicon
from vqtext.schema import Channel, LabelWords, Motion

FEET = Sensors(["left foot", "right foot", "lower back"], [None])
WRIST = Sensors(["wrist"], [None])
PATTERN: dict[str, Motion] = {"forward": "strong", "rest": "still", "back": "moderate", "rest again": "still"}


def cycle(*steps: tuple[int, str | None]) -> tuple[bool, list[WheelStep]]:
    return True, [WheelStep(anchor, (said,)) for anchor, said in steps]


def test_a_swing_forward_and_back_look_alike_to_one_wrist() -> None:
    walk = cycle((0, "strong"), (1, "still"), (2, "strong"), (3, "still"))
    assert identifiability([walk]).groups == [[0, 2], [1, 3]]


def test_a_signature_at_one_place_tells_the_whole_cycle_apart_and_all_hangs_by_it() -> None:
    found = identifiability([cycle((0, "strong"), (1, "still"), (2, "strong"), (3, "slight"))])
    assert (found.order, found.signature, found.groups) == (Count(4), Count(1), [])
    assert [(weak.groups, weak.cells) for weak in found.fragile] == [
        ([[0, 2], [1, 3]], [(0, 1, "0"), (0, 3, "0")])
    ]


def test_another_label_that_has_only_one_of_them_tells_them_apart() -> None:
    walk = cycle((0, "strong"), (1, "still"), (2, "strong"), (3, "still"))
    wave = False, [WheelStep(0, ("strong",)), WheelStep(1, ("still",))]
    assert identifiability([walk, wave]).groups == []


def test_without_signatures_a_cycle_may_be_turned_round() -> None:
    found = identifiability([cycle((0, None), (1, None), (2, None))])
    assert (found.labels, found.order, found.signature) == (Count(6), Count(3), Count(3))
    assert found.groups == [[0, 1, 2]]


def test_a_transcript_with_an_end_is_held_by_its_ends() -> None:
    found = identifiability([(False, [WheelStep(i) for i in range(3)])])
    assert (found.labels, found.order, found.groups) == (Count(6), Count(1), [])


def test_an_anchor_that_no_label_uses_is_neither_counted_nor_grouped() -> None:
    found = identifiability([cycle((4, None), (2, None))])
    assert (found.labels, found.order, found.groups) == (Count(2), Count(2), [[2, 4]])


def test_anchors_alike_in_every_neighbour_are_apart_where_no_one_renaming_swaps_them() -> None:
    """Six in one cycle and twice three in others: by neighbours alone all look the same."""
    found = identifiability([cycle(*((i, None) for i in range(4))), cycle((0, None), (1, None))])
    assert (found.signature, found.groups) == (Count(1), [])


def test_numbers_that_a_reader_can_take_in() -> None:
    assert [str(Count(n)) for n in (1, 24, 99_999, 3_628_800)] == ["1", "24", "99999", "3.6e6"]
    assert (str(Count(12, exact=False)), Count(12, exact=False).plain) == ("at most 12", "at most 12")
    huge = identifiability([(True, [WheelStep(i) for i in range(500)])]).labels
    assert json.dumps(huge.plain) == '"1.2e1134"'
    assert Count(10**40).plain == 10**40


def told(labels: list[LabelWords], sensors: Sensors | None) -> Report:
    """The report where every phrase is an anchor of its own."""
    phrases: dict[str, int] = {}
    anchors = [[phrases.setdefault(s.phrase, len(phrases)) for s in words.subactions] for words in labels]
    return report(labels, anchors, list(phrases), sensors)


def words(*steps: dict, label: str = "going", cyclic: bool = True) -> LabelWords:
    return LabelWords(label=label, cyclic=cyclic, subactions=[{"opposite": "no", **step} for step in steps])


def test_gait_with_sensors_on_both_feet_is_told_apart() -> None:
    found = told(lexicon("gait", ["stand", "walk", "u-turn"]).labels, FEET)
    assert list(found.answer) == ["labels", "order", "signature", "groups"]
    assert found.answer["labels"] > found.answer["order"] == 2, "only left and right could be swapped"
    assert (found.answer["signature"], found.answer["groups"]) == (1, [])


def test_gait_seen_from_the_lower_back_alone_may_swap_left_and_right() -> None:
    found = told(lexicon("gait", ["stand", "walk", "u-turn"]).labels, Sensors(["lower back"], [None]))
    assert (found.answer["order"], found.answer["signature"]) == (2, 2)
    assert ["swing the left leg forward", "swing the right leg forward"] in found.answer["groups"]
    assert all(left.replace("left", "right") == right for left, right in found.answer["groups"])


def test_without_windows_every_place_named_counts_and_the_report_says_so() -> None:
    found = told(lexicon("gait", ["stand", "walk", "u-turn"]).labels, None)
    assert found.answer["signature"] == 1
    assert "no windows yet" in found.lines[0]


def test_names_that_hang_by_one_cell_are_said() -> None:
    levels = ("strong", "still", "strong", "slight")
    steps = [{"phrase": f"step {i}", "signature": {"wrist": {"motion": m}}} for i, m in enumerate(levels)]
    assert told([words(*steps)], WRIST).lines[1:] == [
        "told apart by a single cell, wrist of 'step 1' in 'going' or wrist of 'step 3' in 'going'",
        "  step 0 | step 2",
        "  step 1 | step 3",
    ]


def test_a_cell_of_the_dominant_wrist_is_one_cell_though_it_may_be_either_wrist() -> None:
    levels = ("strong", "still")
    steps = [
        {"phrase": f"step {i}", "signature": {"dominant wrist": {"motion": m}}} for i, m in enumerate(levels)
    ]
    found = told([words(*steps)], Sensors(["left wrist", "right wrist"], ["left", "right"]))
    assert found.answer["signature"] == 1
    assert "dominant wrist of 'step 0'" in found.lines[1]


def test_the_signature_counts_only_where_it_can_be_seen_for_every_hand_that_occurs() -> None:
    steps = [{"phrase": p, "signature": {"dominant wrist": {"motion": p}}} for p in ("strong", "still")]
    left = ["left wrist"]
    assert told([words(*steps)], Sensors(left, ["right"])).answer["groups"] == [["strong", "still"]]
    assert told([words(*steps)], Sensors(left, ["right", "left"])).answer["groups"] == []


def test_the_sensors_are_those_that_feel_motion(tmp_path: Path) -> None:
    places = {"left wrist": ("acc", "gyro"), "chest": ("hr",), "waist": ("unknown",)}
    channels = [
        Channel(f"{place} {modality} {axis}", place, modality, axis, "1").to_dict()
        for place, modalities in places.items()
        for modality in modalities
        for axis in "xyz"
    ]
    attrs = {"channels": channels, "subjects": [{"id": "1", "hand": "left"}, {"id": "2", "hand": None}]}
    assert sensors_of(tmp_path / "windows.h5") is None
    hdf5.write(tmp_path / "windows.h5", "windows", {}, attrs, "recipe")
    assert sensors_of(tmp_path / "windows.h5") == Sensors(
        ["left wrist", "waist"], [None, "left"], [("left wrist", "rise"), ("left wrist", "turn")]
    )
