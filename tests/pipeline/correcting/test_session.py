"""A user would lose: the loop of seeing a name, saying what it is, and having it mended everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from test_corrections import moment
from test_preview import felt  # noqa: F401  a fixture
from test_unseen import prepared, study  # noqa: F401  a fixture

from vqtext.errors import ArtifactError, ConfigError, WordsError
from vqtext.pipeline.correcting.corrections import (
    Corrections,
    make_correction,
    read_corrections,
    write_corrections,
)
from vqtext.pipeline.correcting.moments import check
from vqtext.pipeline.correcting.session import Session
from vqtext.pipeline.evaluate import Evaluate
from vqtext.pipeline.evaluation.run_truth import without_corrected
from vqtext.pipeline.evaluation.truth_map import Truth
from vqtext.pipeline.preview import preview
from vqtext.pipeline.stage import run
from vqtext.pipeline.train import Train
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.schema import SubAction
from vqtext.settings.schema import Settings

NEVER = make_correction(id="n", kind="never", label="walking", phrase="leg up")


@pytest.fixture
def settings(felt: Callable[..., Settings]) -> Settings:  # noqa: F811
    return felt(study(), test_subjects=["3"])


def test_the_whole_recording_is_told_in_order_and_what_was_said_is_so(settings: Settings) -> None:
    session = Session(settings)
    assert [r["name"] for r in session.recordings()] == ["r0", "r1", "r2", "r3"]
    assert session.recordings()[0] == {
        "name": "r0",
        "subject": "0",
        "seconds": 24.0,
        "labels": ["walking", "waving"],
    }
    said = Corrections().with_added(moment("a", "foot down", 1.0))
    for corrections in (Corrections(), said):
        spans = session.names(corrections)
        own = [span for span in spans if span.recording == "r0"]
        assert own[0].start_s == 0 and own[-1].end_s == 24.0
        assert all(a.end_s == b.start_s for a, b in pairwise(own))
        assert all(0 < span.confidence <= 1 and set(span.places) == {"right wrist"} for span in spans)
    now = [span for span in own if span.start_s < 1.5 and span.end_s > 1.0]
    assert {(span.label, span.phrase) for span in now} == {("walking", "foot down")}
    without = session.names(Corrections().with_added(NEVER))
    assert {s.phrase for s in without if s.label == "walking"} == {"foot down"}
    assert session.names(said) == spans


def test_questions_are_the_same_each_time_and_none_is_asked_of_what_was_said(settings: Settings) -> None:
    session = Session(settings)
    asked = session.ask(Corrections(), 5, "1")
    assert asked == Session(settings).ask(Corrections(), 5, "1") and len(asked) == 5
    assert {q.recording for q in asked} == {"r1"}
    assert {q.label for q in asked} == {*session.windows.labels}
    assert [q.gain for q in asked] == sorted((q.gain for q in asked), reverse=True)
    first = asked[0]
    assert first.label in session.windows.labels and len(first.options) > 1
    answer = moment(
        "a",
        first.options[0],
        first.start_s,
        end_s=first.end_s,
        label=first.label,
        recording="r1",
        subject="1",
    )
    again = session.ask(Corrections().with_added(answer), 5, "1")
    assert all(q.end_s <= first.start_s or q.start_s >= first.end_s for q in again)
    assert session.ask(Corrections(), 3, "nobody") == [] == session.ask(Corrections(), 0)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (moment("b", "leg off", 9.0), "no such step: the nearest is 'leg up'"),
        (moment("b", start_s=9.0, label="running"), "no label 'running'"),
        (moment("b", start_s=9.0, recording="r7"), "no recording 'r7'"),
        (moment("b", start_s=23.8), "hold 0 to 24 s of it"),
        (moment("b", start_s=9.0, subject="2"), "is of subject 0, not 2"),
        (moment("b", start_s=5.0), "the label there is 'waving', not 'walking'"),
        (moment("b", "foot down", 1.2), "contradicts"),
        (NEVER, "another correction says that it never happens"),
    ],
)
def test_what_cannot_be_is_one_line_stops_a_training_and_no_session(
    settings: Settings, heard: Any, wrong: Any, match: str
) -> None:
    said = Corrections().with_added(moment("a")).with_added(wrong)
    session = Session(settings)
    (line,) = session.check(said)
    assert match in line and "\n" not in line
    assert session.names(said) and session.ask(said, 1)
    write_corrections(settings.cache, said)
    for command in (lambda: preview(settings), lambda: run(Train(settings, heard))):
        with pytest.raises(WordsError, match=r"corrections\.json: ") as error:
            command()
        assert "\n" not in str(error.value)
    assert read_corrections(settings.cache) == said


def test_no_label_is_left_without_a_step(settings: Settings) -> None:
    both = (
        Corrections()
        .with_added(NEVER)
        .with_added(NEVER.model_copy(update={"id": "m", "phrase": "foot down"}))
    )
    session = Session(settings)
    assert session.check(both) == ["no step of 'walking' is left: corrections rule all of them out"]
    assert {span.label for span in session.names(both)} == {"walking", "waving"}


def test_a_model_is_stale_once_more_was_said(settings: Settings, heard: Any) -> None:
    run(Train(settings, heard))
    said = Corrections().with_added(moment("a", "foot down", 9.0)).with_added(NEVER)
    write_corrections(settings.cache, said)
    with pytest.raises(ArtifactError, match=r"corrections\.json changed since"):
        run(Evaluate(settings, heard))
    run(Train(settings, heard))
    assert any("corrections.json" in line for line in heard.said)
    assert Train(settings, heard).is_current()


def test_people_whose_moments_were_corrected_are_no_test_of_names() -> None:
    """A score on people whose moments were looked up would be told as one on people never seen."""
    windows = study()
    tests = [np.flatnonzero(np.isin(windows.subject, people)) for people in ((2,), (3,))]
    truth = Truth.of(windows, tests, np.ones((1, 2), dtype=bool))
    assert without_corrected(truth, windows, tests, Corrections()) == (truth, None)
    said = Corrections().with_added(moment("t", start_s=9.0, recording="r3", subject="3"))
    others, why = without_corrected(truth, windows, tests, said)
    assert others is not None and (others.folds[0] >= 0).all() and (others.folds[1] == -1).all()
    assert "subject 3" in (why or "")
    said = said.with_added(NEVER.model_copy(update={"subject": "2"}))
    nobody, why = without_corrected(truth, windows, tests, said)
    assert nobody is None and "--test-subjects" in (why or "")


def test_corrections_of_test_people_reach_no_model(settings: Settings) -> None:
    before = preview(settings)
    tested = moment("t", start_s=9.0, recording="r3", subject="3")
    write_corrections(settings.cache, Corrections().with_added(tested))
    assert preview(settings) == before


def test_what_reads_no_sensors_hears_no_correction_and_says_so(prepared: Any, heard: Any) -> None:  # noqa: F811
    settings = prepared(study(), test_subjects=["3"], grounding="label")
    with pytest.raises(ConfigError):
        Session(settings)
    write_corrections(settings.cache, Corrections().with_added(moment("a")))
    run(Train(settings, heard))
    assert len(heard.warned) == 1


THREE = Words(
    ["sit", "rise", "stand"],
    np.zeros((3, 2)),
    [[(k, SubAction(phrase=phrase)) for k, phrase in enumerate(("sit", "rise", "stand"))]] * 2,
    [False, True],
    [None, None],
)


def test_a_long_stretch_is_held_against_all_that_lie_in_it() -> None:
    a, b, c = moment("a", "sit", 0.0, end_s=3.0), moment("b", "sit", 0.5), moment("c", "rise", 2.0)
    (line,) = check(Corrections(corrections=(a, b, c)), study(), THREE)
    assert line.startswith("'rise' at 2.00–2.50 s of r0") and "'sit' at 0.00–3.00 s of r0" in line


@pytest.mark.parametrize(
    ("first", "then", "wrong"), [("rise", "sit", 1), ("sit", "rise", 0), ("stand", "sit", 0)]
)
def test_steps_against_their_order_are_told_where_nothing_fits_between(
    first: str, then: str, wrong: int
) -> None:
    said = Corrections(corrections=(moment("a", first, 1.0), moment("b", then, 1.5)))
    assert len(check(said, study(), THREE)) == wrong
    apart = Corrections(corrections=(moment("a", first, 1.0), moment("b", then, 2.5)))
    assert check(apart, study(), THREE) == []


def test_nothing_is_told_beyond_what_the_windows_hold(felt: Callable[..., Settings]) -> None:  # noqa: F811
    """A stretch that was clicked would be refused as lying outside."""
    moved = replace(study(), start_s=study().start_s + 0.13)
    session = Session(felt(moved, test_subjects=["3"]))
    own = [span for span in session.names(Corrections()) if span.recording == "r0"]
    assert own[0].start_s == 0.13 and 24 < own[-1].end_s <= 24.13
