from __future__ import annotations

import json

from vqtext.pipeline.status import lines, states
from vqtext.settings.schema import Settings


def test_every_run_that_is_there_is_shown(tmp_path):
    for name in ("other", "default"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "run.json").write_text(json.dumps({"score": 1}))
        (tmp_path / "runs" / name / "model").write_bytes(b"x" * 1500)
    (tmp_path / "runs" / "half").mkdir()
    found = {entry["artifact"]: entry for entry in states(Settings(cache=tmp_path))["artifacts"]}
    assert [name for name in found if name.count("/") == 1] == ["runs/default", "runs/other"]
    assert found["runs/other"]["state"] == "made" and found["runs/other"]["size"] == 1500 + len(
        '{"score": 1}'
    )
    assert found["runs/other/evaluate.json"]["command"] == "evaluate"


def test_a_run_without_its_record_is_damaged(tmp_path):
    (tmp_path / "runs" / "default").mkdir(parents=True)
    answer = states(Settings(cache=tmp_path))
    run = next(entry for entry in answer["artifacts"] if entry["artifact"] == "runs/default")
    assert run["state"] == "damaged" and "run.json" in run["why"]
    assert run["why"] in lines(answer) and lines(answer)[-1] == "next: vqtext prepare"


def test_words_made_for_windows_that_are_damaged_are_not_damaged_themselves(tmp_path):
    """Who reads that would throw away what was paid for."""
    (tmp_path / "windows.h5").write_bytes(b"x" * 100)
    words = {"labels": [{"label": "standing", "subactions": [{"phrase": "stand still"}]}]}
    (tmp_path / "subactions.json").write_text(json.dumps(words))
    found = {entry["artifact"]: entry for entry in states(Settings(cache=tmp_path))["artifacts"]}
    assert found["windows.h5"]["state"] == "damaged"
    assert found["subactions.json"]["state"] != "damaged"


def test_nothing_left_to_do():
    assert lines({"artifacts": [], "next": None}) == ["everything is made and up to date"]
