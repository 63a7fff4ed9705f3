"""A user would lose: a line that can be read, in which every step takes time and every doubt is told."""

from vqtext.reason import Carrier, Missing, Reason, RecordingReasons, Redrawn, Step, WhyNot, digits


def test_no_step_is_told_as_if_it_took_no_time():
    steps = (Step("lift", 0.0, 0.42, 0.9), Step("hold", 0.42, 0.44, 0.9), Step("drop", 0.44, 1.0, 0.9))
    assert str(steps[0]) == "lift 0.0–0.4 s"
    assert str(steps[1]) == "hold 0.42–0.44 s"
    line = str(Reason("walking", 0.9, steps))
    assert line == "lift 0.00–0.42 s → hold 0.42–0.44 s → drop 0.44–1.00 s = walking (0.90)"
    assert digits([Step("fast", 0.501, 0.503, 1.0)]) == 3


def test_what_is_inferred_and_the_runner_up_are_told_in_words():
    step = Step("lift", 0.0, 0.5, 0.9, inferred=True)
    reason = Reason("walking", 0.7, (step,), runner_up=Reason("running", 0.21, (), "달리기"))
    assert str(reason) == (
        "lift (by inference: no sensor there) 0.0–0.5 s = walking (0.70); also possible: 달리기, 0.21"
    )
    assert reason.to_dict()["runner_up"]["label"] == "running"
    carried = Step("lift", 0.0, 0.5, 0.9, inferred=True, places=(Carrier("foot", ("acc x",), 1.0, 0.0, 0.5),))
    assert str(carried) == "lift 0.0–0.5 s inferred from foot", "no sensor there, and one that shows it"


def test_what_was_drawn_in_vain_does_not_read_as_if_it_had_done():
    drawn = Redrawn(1.0, 2.0, ("reach up",), "walking", 0.6, None, enough=False)
    assert str(drawn) == "reach up, drawn into 1.0–2.0 s: even then it is read as walking (0.60)"


def test_a_long_reason_is_cut_and_short_steps_that_are_not_shown_cost_no_digits():
    steps = [*(Step(f"step {i}", i, i + 1, 0.9) for i in range(9)), Step("blink", 9, 9.01, 0.9)]
    assert str(Reason("walking", 0.9, tuple(steps))).endswith("step 7 7.0–8.0 s → … = walking (0.90)")


def test_a_guess_is_told_as_unknown_and_its_number_is_kept():
    """Else a step that is no likelier than its neighbours reads as if somebody knew."""
    sure, guess, other = Step("lift", 0, 1, 0.9), Step("hold", 1, 2, 0.2), Step("drop", 2, 3, 0.25)
    reason = Reason("walking", 0.9, (sure, guess, other))
    assert str(reason) == "lift 0.0–1.0 s → unknown 1.0–3.0 s = walking (0.90)"
    assert [step["name"] for step in reason.to_dict()["steps"]] == ["lift", "hold", "drop"]


def test_a_guess_inside_one_step_is_no_news_and_the_unknown_is():
    def told(*names: tuple[str, float]) -> str:
        steps = tuple(Step(name, i, i + 1, sure) for i, (name, sure) in enumerate(names))
        return str(Reason("walking", 0.9, steps)).removesuffix(" = walking (0.90)")

    assert told(("lift", 0.9), ("hold", 0.2), ("lift", 0.9)) == "lift 0.0–3.0 s"
    assert told(("lift", 0.9), ("unknown", 0.9), ("lift", 0.9)).count("lift") == 2
    assert told(("lift", 0.9), ("hold", 0.2), ("unknown", 0.9), ("lift", 0.9)) == (
        "lift 0.0–1.0 s → unknown 1.0–3.0 s → lift 3.0–4.0 s"
    )
    assert told(("hold", 0.2), ("drop", 0.1)) == "unknown 0.0–2.0 s"


CYCLE = ("lift", "swing", "plant", "push")


def walked(*names: str, start: float = 0.0) -> tuple[Step, ...]:
    """Steps of a quarter of a second each."""
    places = [start + i / 4 for i in range(len(names) + 1)]
    return tuple(Step(n, a, b, 0.9) for n, a, b in zip(names, places, places[1:], strict=False))


def test_a_cycle_is_told_as_a_cycle():
    """Forty steps that say one thing are read by nobody."""
    reason = Reason("walking", 0.98, walked(*CYCLE * 12), cycle=CYCLE)
    assert str(reason) == (
        "12 rounds of [lift → swing → plant → push] 0.0–12.0 s, 1 s each = walking (0.98)"
    ), "and nothing else"
    assert len(reason.to_dict()["steps"]) == 48
    inside = Reason("walking", 0.98, walked(*CYCLE[2:], *CYCLE * 2, "lift"), cycle=CYCLE)
    assert "2 rounds of [lift → swing → plant → push] 0.0–2.8 s, 1 s each" in str(inside)


def test_what_deviates_from_a_cycle_is_told():
    skipped = walked(*CYCLE, "lift", "plant", "push", *CYCLE, "lift", "plant", "push")
    assert "4 rounds of [lift → swing → plant → push]" in str(Reason("w", 0.9, skipped, cycle=CYCLE))
    assert "0.88 s each (swing skipped in 2)" in str(Reason("w", 0.9, skipped, cycle=CYCLE))
    rare = walked(*("lift", "plant", "push") * 3, *CYCLE)
    assert "4 rounds of [lift → plant → push]" in (told := str(Reason("w", 0.9, rare, cycle=CYCLE)))
    assert "(swing in 1)" in told
    back = walked(*CYCLE, *CYCLE, "plant", "push", *CYCLE)
    assert "(out of order at 2.0 s)" in str(Reason("w", 0.9, back, cycle=CYCLE)).replace("2.00", "2.0")
    lost = (*walked(*CYCLE * 2), Step("hold", 2.0, 2.5, 0.1), *walked(*CYCLE, start=2.5))
    assert "0.5 s unknown)" in str(Reason("w", 0.9, lost, cycle=CYCLE))


def test_less_than_two_rounds_and_steps_of_other_classes_are_told_one_by_one():
    once = Reason("walking", 0.9, walked(*CYCLE, "lift"), cycle=CYCLE)
    assert "rounds" not in str(once) and str(once).count("lift") == 2
    stop = (*walked(*CYCLE * 3), Step("stand", 3.0, 5.0, 0.9))
    assert " → stand 3.0–5.0 s = w" in str(Reason("w", 0.9, stop, cycle=CYCLE))
    torn = (*walked(*CYCLE), *walked(*CYCLE, start=9.0))
    assert "rounds" not in str(Reason("w", 0.9, torn, cycle=CYCLE)), "nothing was measured between"


def test_a_recording_tells_the_cycle_of_each_of_its_stretches():
    reasons = (
        Reason("walk", 0.9, walked(*CYCLE * 2), cycle=CYCLE),
        Reason("walk", 0.7, walked(*CYCLE * 2, start=2.0), cycle=CYCLE),
        Reason("stand", 0.9, (Step("wait", 4.0, 5.0, 0.9),)),
    )
    walk, stand = RecordingReasons("r", 5.0, reasons).stretches
    assert (walk.start_s, walk.end_s, walk.confidence) == (0.0, 4.0, 0.8)
    assert walk.text == "4 rounds of [lift → swing → plant → push] 0.0–4.0 s, 1 s each"
    assert stand.text == "wait 4.0–5.0 s"


def test_what_another_class_lacks_is_told_as_a_step_as_time_or_as_another_place():
    def why(instead: str, there_s: float) -> str:
        return str(WhyNot("turning", 6.0, (Missing("plant", 1.0, 2.0, instead, 4.0, there_s=there_s),), 0.0))

    assert '"plant" would have had to be, not "swing" (4.0 nats)' in why("swing", 0.0)
    assert '"plant" would have had to last 0.8 s longer, not "swing" (4.0 nats)' in why("swing", 0.2)
    assert '"plant" would have had to stand between other steps (4.0 nats)' in why("plant", 1.0)
