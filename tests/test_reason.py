"""A user would lose: a line that can be read, in which every step takes time and every doubt is told."""

from vqtext.reason import Reason, Step, digits


def test_no_step_is_told_as_if_it_took_no_time():
    steps = (Step("lift", 0.0, 0.42, 0.9), Step("hold", 0.42, 0.44, 0.9), Step("drop", 0.44, 1.0, 0.9))
    assert str(steps[0]) == "lift 0.0–0.4 s"
    assert str(steps[1]) == "hold 0.42–0.44 s"
    line = str(Reason("walking", 0.9, steps))
    assert line == "lift 0.00–0.42 s → hold 0.42–0.44 s → drop 0.44–1.00 s = walking (0.90)"
    assert digits([Step("fast", 0.501, 0.503, 1.0)]) == 3


def test_marks_and_the_runner_up_are_told():
    step = Step("lift", 0.0, 0.5, 0.9, inferred=True, ambiguous_with=("drop",), unresolvable=True)
    reason = Reason("walking", 0.7, (step,), runner_up=Reason("running", 0.21, (), "달리기"))
    assert str(reason) == "lift*?~ 0.0–0.5 s = walking (0.70); also possible: 달리기, 0.21"
    assert reason.to_dict()["runner_up"]["label"] == "running"


def test_a_long_reason_is_cut_and_short_steps_that_are_not_shown_cost_no_digits():
    steps = [*(Step(f"step {i}", i, i + 1, 0.9) for i in range(9)), Step("blink", 9, 9.01, 0.9)]
    assert str(Reason("walking", 0.9, tuple(steps))).endswith("step 7 7.0–8.0 s → … = walking (0.90)")


def test_a_guess_says_how_unsure_it_is():
    """Else a step that is no likelier than its neighbours reads as if somebody knew."""
    assert str(Step("lift", 0.0, 10.0, 0.21)) == "lift 0.0–10.0 s (0.21)"
    assert str(Step("lift", 0.0, 10.0, 0.3)) == "lift 0.0–10.0 s"
