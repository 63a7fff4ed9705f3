"""A user would lose: being told which names nothing in the data can confirm."""

from vqtext.pipeline.ambiguity import Place, ambiguous_groups


def cycle(*steps: tuple[int, object]) -> tuple[bool, list[Place]]:
    return True, [Place(anchor, signature) for anchor, signature in steps]


def test_a_swing_forward_and_back_look_alike_to_one_wrist():
    walk = cycle((0, "strong"), (1, "still"), (2, "strong"), (3, "still"))
    assert ambiguous_groups([walk], 4) == [{0, 2}, {1, 3}]


def test_a_signature_at_one_place_tells_the_whole_cycle_apart():
    walk = cycle((0, "strong"), (1, "still"), (2, "strong"), (3, "slight"))
    assert ambiguous_groups([walk], 4) == []


def test_another_label_that_has_only_one_of_them_tells_them_apart():
    walk = cycle((0, "strong"), (1, "still"), (2, "strong"), (3, "still"))
    wave = False, [Place(0, "strong"), Place(1, "still")]
    assert ambiguous_groups([walk, wave], 4) == []


def test_without_signatures_a_cycle_may_be_turned_round():
    assert ambiguous_groups([cycle((0, None), (1, None), (2, None))], 3) == [{0, 1, 2}]


def test_a_transcript_with_an_end_is_held_by_its_ends():
    throw = False, [Place(i, None) for i in range(3)]
    assert ambiguous_groups([throw], 3) == []


def test_an_anchor_that_no_label_uses_is_in_no_group():
    assert ambiguous_groups([cycle((0, None))], 3) == []
