"""A user would lose: what they said, in the order they said it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_session import STEPS
from studio_server import Studio, said

from vqtext.cache.lock import lock
from vqtext.pipeline.correcting.corrections import read_corrections


def stretches(studio: Studio) -> list[tuple[float | None, float | None, str | None]]:
    return [(c.start_s, c.end_s, c.phrase) for c in read_corrections(studio.cache).corrections]


def test_a_correction_is_on_the_disk_when_it_is_answered_and_names_follow(studio: Studio) -> None:
    before = studio.ask("GET", "api/names?recording=0")[1]
    status, state = studio.ask("POST", "api/correct", {"corrections": [said(1.2, 1.8, STEPS["walking"][0])]})
    assert status == 200 and stretches(studio) == [(1.2, 1.8, STEPS["walking"][0])]
    assert state["undo"] and not state["redo"] and len(state["history"]) == 1
    after = studio.ask("GET", "api/names?recording=0")[1]
    assert before["changed"] is None and after["changed"] == {"seconds": 0.6, "recordings": 1}
    assert after["spans"]["step"] != before["spans"]["step"]


def test_the_newer_of_two_corrections_of_one_moment_holds(studio: Studio) -> None:
    a, b = STEPS["walking"][:2]
    studio.ask("POST", "api/correct", {"corrections": [said(1, 4, a)]})
    studio.ask("POST", "api/correct", {"corrections": [said(2, 3, b)]})
    assert stretches(studio) == [(1, 2, a), (3, 4, a), (2, 3, b)]
    studio.ask("POST", "api/correct", {"corrections": [said(0, 2.5, b, recording="P02 session 1")]})
    studio.ask("POST", "api/correct", {"corrections": [said(0.5, 5, a)]})
    assert stretches(studio)[1:] == [(0.5, 5, a)]
    for _ in range(4):
        studio.ask("POST", "api/undo", {})
    assert stretches(studio) == []


def test_undo_and_redo_are_written_too_and_a_new_studio_can_undo(open_studio: Callable[..., Studio]) -> None:
    studio = open_studio()
    for start in (1.0, 3.0):
        studio.ask("POST", "api/correct", {"corrections": [said(start, start + 1)]})
    studio.ask("POST", "api/undo", {})
    assert [a for a, *_ in stretches(studio)] == [1.0]
    studio.ask("POST", "api/redo", {})
    assert [a for a, *_ in stretches(studio)] == [1.0, 3.0]
    again = open_studio()
    assert again.ask("POST", "api/undo", {})[0] == 200
    assert [a for a, *_ in stretches(again)] == [1.0]
    again.ask("POST", "api/undo", {})
    status, answer = again.ask("POST", "api/undo", {})
    assert status == 422 and "undo" in answer["error"]


def test_one_can_be_taken_back_out_of_the_middle(studio: Studio) -> None:
    for start in (1.0, 3.0, 5.0):
        _, state = studio.ask("POST", "api/correct", {"corrections": [said(start, start + 1)]})
    studio.ask("POST", "api/remove", {"ids": [state["corrections"][1]["id"]]})
    assert [a for a, *_ in stretches(studio)] == [1.0, 5.0]


@pytest.mark.parametrize(
    "given",
    [
        {"corrections": [said(2, 1)]},
        {"corrections": [said(-1, 1)]},
        {"corrections": [said(1, 2), said(3, 3)]},
        {"corrections": [{"kind": "is"}]},
        {"corrections": [said(more="than asked")]},
        {"corrections": [said(phrase=7)]},
        {"corrections": ["words"]},
        {"corrections": {}},
        {},
    ],
)
def test_what_is_no_correction_is_refused_whole(studio: Studio, given: dict[str, object]) -> None:
    status, answer = studio.ask("POST", "api/correct", given)
    assert status == 422 and "\n" not in answer["error"] and stretches(studio) == []


def test_a_contradiction_is_refused_with_its_reason(studio: Studio) -> None:
    studio.ask("POST", "api/correct", {"corrections": [said(1, 2, "swing the left leg")]})
    never = {**said(phrase="swing the left leg"), "kind": "never", "recording": None, "subject": None}
    never |= {"start_s": None, "end_s": None}
    status, answer = studio.ask("POST", "api/correct", {"corrections": [never]})
    assert status == 422 and "never happens" in answer["error"] and len(stretches(studio)) == 1


KILLED = """
import sys, threading, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from studio_server import Studio, said
from fake_session import FakeSession
studio = Studio(Path(sys.argv[1]), FakeSession())
for i in range(100_000):
    status, _ = studio.ask("POST", "api/correct", {"corrections": [said(i / 10, i / 10 + 0.05)]})
    assert status == 200
    print(i, flush=True)
"""


def test_a_killed_studio_keeps_all_that_it_answered(python: Callable[..., object], tmp_path: Path) -> None:
    process = python(KILLED, str(tmp_path), str(Path(__file__).parent))
    answered = [process.stdout.readline() for _ in range(8)]  # type: ignore[attr-defined]
    process.send_signal(signal.SIGKILL)  # type: ignore[attr-defined]
    answered += process.communicate()[0].splitlines()  # type: ignore[attr-defined]
    starts = [c.start_s for c in read_corrections(tmp_path).corrections]
    assert len(answered) >= 8 and starts[: len(answered)] == [i / 10 for i in range(len(answered))]
    assert len(starts) <= len(answered) + 1  # one may have been written and not answered


def test_words_are_saved_or_refused_with_the_reason(studio: Studio) -> None:
    file = studio.cache / "subactions.json"
    seen = studio.ask("GET", "api/state")[1]["words"][0]
    mended = json.loads(json.dumps(seen))
    mended["subactions"][0]["phrase"] = "put the left foot down"
    status, state = studio.ask("POST", "api/words", {"words": mended, "seen": seen})
    assert status == 200 and state["words_are_new"] and state["words"][0] == mended
    assert "put the left foot down" in file.read_text()
    assert studio.ask("POST", "api/reopen", {})[1]["words_are_new"] is False
    before = file.read_bytes()
    for broken, reason in (
        ({**mended, "subactions": [{"phrase": " "}]}, "the phrase is empty"),
        ({**mended, "subactions": []}, "must not be empty"),
        ({**mended, "subactions": [{"phrase": "x", "lasts": "forever"}]}, "choose from"),
        ({**mended, "speed": 3}, "unknown key"),
        ({**mended, "label": "flying"}, "has no label"),
        ({"label": ["walking"]}, "valid string"),
        ({}, "is missing"),
    ):
        status, answer = studio.ask("POST", "api/words", {"words": broken, "seen": mended})
        assert status == 422 and reason in answer["error"] and file.read_bytes() == before
    status, answer = studio.ask("POST", "api/words", {"words": {**seen, "display": "x"}, "seen": seen})
    assert status == 422 and "disk" in answer["error"] and file.read_bytes() == before
    state = studio.ask("POST", "api/undo", {})[1]
    assert state["words"][0] == seen and state["words_are_new"]


def test_what_was_said_of_a_step_that_is_renamed_is_still_said_of_it(studio: Studio) -> None:
    studio.ask("POST", "api/correct", {"corrections": [said(1, 2, "swing the left leg"), said(3, 4, "x")]})
    seen = studio.ask("GET", "api/state")[1]["words"][0]
    mended = json.loads(json.dumps(seen))
    mended["subactions"][3]["phrase"] = "bring the left leg forward"
    mended["subactions"][0], mended["subactions"][1] = mended["subactions"][1], mended["subactions"][0]
    studio.ask("POST", "api/words", {"words": mended, "seen": seen})
    assert [phrase for *_, phrase in stretches(studio)] == ["bring the left leg forward", "x"]
    studio.ask("POST", "api/undo", {})
    assert [phrase for *_, phrase in stretches(studio)] == ["swing the left leg", "x"]
    assert studio.ask("GET", "api/state")[1]["words"][0] == seen


def test_corrections_that_another_program_changed_are_not_overwritten(studio: Studio) -> None:
    studio.ask("POST", "api/correct", {"corrections": [said(1, 2)]})
    file = studio.cache / "corrections.json"
    file.write_text(file.read_text().replace("swing the left leg", "plant the left foot"))
    for what, given in (("correct", {"corrections": [said(3, 4)]}), ("undo", {})):
        status, answer = studio.ask("POST", f"api/{what}", given)
        assert status == 422 and "another program" in answer["error"]
    assert [phrase for *_, phrase in stretches(studio)] == ["plant the left foot"]


def test_words_that_were_edited_by_hand_meanwhile_are_not_overwritten(studio: Studio) -> None:
    file = studio.cache / "subactions.json"
    seen = studio.ask("GET", "api/state")[1]["words"][1]
    file.write_text(file.read_text().replace("lower the hips", "sink down"))
    mended = {**seen, "display": "앉기"}
    status, answer = studio.ask("POST", "api/words", {"words": mended, "seen": seen})
    assert status == 422 and "disk" in answer["error"] and "sink down" in file.read_text()


def test_a_second_studio_on_a_cache_is_told_of_the_first(call: Callable[..., tuple[int, str, str]]) -> None:
    with lock(Path("cache") / "studio"):
        code, out, err = call("studio", "--no-open")
    assert code == 1 and out == "" and err.count("\n") == 1
    assert f"pid {os.getpid()}" in err


def test_a_cache_without_words_is_told_how_to_make_them(call: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = call("studio", "--no-open")
    assert code == 1 and out == "" and err.count("\n") == 1 and "vqtext gen-subactions" in err
