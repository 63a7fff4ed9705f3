"""A user would lose: one line on postures that are not read as written."""

from vqtext.model.grounding.posture_reference import UnreadablePosture
from vqtext.pipeline.training.lint_postures import lint_postures


def test_each_place_says_in_one_line_what_is_wrong_and_for_whom():
    found = [
        UnreadablePosture([], {}, 3),
        UnreadablePosture([3], {0: [1, 2], 1: [1]}, 3),
        UnreadablePosture([0], {}, 1),
    ]
    chest, wrist = lint_postures(found, ["head", "chest", "wrist"], ["stand", "sit"], ["ann", "bo", "cy"])
    assert chest.startswith("chest: ") and "'stand', 'sit'" in chest
    assert "2 of 3 people" in chest and "for cy:" in chest
    assert wrist.startswith("wrist: ") and "for all:" in wrist
    assert lint_postures(found[:1], ["head"], ["stand"], ["ann"]) == []
