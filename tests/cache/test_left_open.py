"""A user would lose: a whole file, perhaps a paid one, called damaged because a notebook had it open."""

from __future__ import annotations

import errno
import json
import os

import h5py
import numpy as np
import pytest

from vqtext.cache import hdf5
from vqtext.cache.lock import lock
from vqtext.errors import ArtifactError, UnreadableError
from vqtext.pipeline.status import lines, states
from vqtext.settings.schema import Settings

OPEN = """
import sys, time
import h5py
with h5py.File("windows.h5", "a") as file:
    exec(sys.argv[1])
    file.flush()
    print("open", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "windows.h5"
    values = np.random.default_rng(0).normal(size=(30, 2, 50)).astype(np.float32)
    hdf5.write(path, "windows", {"signal": values}, {"labels": ["a"]}, "recipe")
    return path


@pytest.fixture
def opened(python, path):
    """A program that has windows.h5 open for writing, and did something to it."""

    def start(does="pass"):
        process = python(OPEN, does)
        assert process.stdout.readline() == "open\n"
        started.append(process)
        return process

    started = []
    yield start
    for process in started:
        process.kill()
        process.wait()


def state(path, **how):
    answer = states(Settings(cache=path.parent), **how)
    return next(entry for entry in answer["artifacts"] if entry["artifact"] == path.name), lines(answer)


def test_open_in_another_program(path, opened, monkeypatch):
    opened()
    with pytest.raises(UnreadableError, match=r"windows\.h5"):
        hdf5.open_artifact(path, "windows")
    monkeypatch.setenv("HDF5_USE_FILE_LOCKING", "TRUE")  # HDF5 then locks, whatever it is told
    with pytest.raises(UnreadableError):
        hdf5.open_artifact(path, "windows")
    for how in ({}, {"verify": True}):
        entry, told = state(path, **how)
        assert entry["state"] == "unreadable" and "--force" not in " ".join(told)
        assert told[-1].startswith("next: vqtext status, once ")


def test_written_anew_by_another_program(path, python):
    process = python(OPEN.replace('"a"', '"w"').replace("    file.flush()\n", ""), "pass")
    assert process.stdout.readline() == "open\n"
    with pytest.raises(UnreadableError):
        hdf5.open_artifact(path, "windows")
    process.kill()
    process.wait()
    with pytest.raises(ArtifactError):
        hdf5.open_artifact(path, "windows")


def test_left_open_by_a_program_that_was_killed(path, opened):
    process = opened()
    process.kill()
    process.wait()
    entry, lines_ = state(path)
    assert entry["state"] == "unreadable" and f"`h5clear -s {path}`" in entry["why"]
    assert "--force" not in " ".join(lines_)


def test_left_open_and_cut_off_is_damaged(path, opened):
    process = opened()
    process.kill()
    process.wait()
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ArtifactError) as error:
        hdf5.open_artifact(path, "windows")
    assert not isinstance(error.value, UnreadableError)


@pytest.mark.parametrize("code", [errno.EACCES, errno.ESTALE, errno.EIO, errno.ENOLCK])
def test_what_the_system_refuses_is_not_damaged(path, monkeypatch, code):
    def refuse(*_, **__):
        raise OSError(code, "Unable to synchronously open file (…)")

    with hdf5.open_artifact(path, "windows") as artifact, monkeypatch.context() as patch:
        patch.setattr(artifact, "_dataset", refuse)  # a disk or network that fails in the middle
        with pytest.raises(UnreadableError, match=os.strerror(code)):
            artifact["signal"]
    monkeypatch.setattr(h5py, "File", refuse)
    with pytest.raises(UnreadableError, match=rf"windows\.h5.*{os.strerror(code)}"):
        hdf5.open_artifact(str(path), "windows")
    assert state(path)[0]["state"] == "unreadable"


def told_of(tmp_path, name, options, models=(), journal=0, provenance=True):
    """What is said of an artifact of which one array is damaged."""
    import sqlite3

    kind = name.partition(".")[0]
    path = tmp_path / name
    values = np.random.default_rng(0).normal(size=(30, 2, 50))
    hdf5.write(path, kind, {"signal": values}, {"models": list(models)}, "r")
    if provenance:
        hdf5.stamp(path, {"made_by": "x 1", "inputs": {}, "options": options, "recipe": "r"})
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    if journal:
        with sqlite3.connect(tmp_path / "journal.sqlite") as file:
            file.execute("CREATE TABLE replies (a)")
            file.executemany("INSERT INTO replies VALUES (?)", [(i,) for i in range(journal)])
        file.close()
    with hdf5.open_artifact(path, kind) as artifact, pytest.raises(ArtifactError) as error:
        artifact.verify()
    return str(error.value)


def test_what_was_paid_for_is_told_before_the_command(tmp_path):
    told = told_of(tmp_path, "descriptions.h5", {"source": "llm"}, ["gpt-9"], journal=7)
    before, _, after = told.partition("`vqtext describe --source llm --force`")
    assert "(signal)" in before and "gpt-9" in before
    assert "7 paid replies" in before and after


def test_paid_texts_without_their_replies(tmp_path):
    told = told_of(tmp_path, "descriptions.h5", {"source": "llm"}, ["gpt-9"])
    assert "journal.sqlite" in told.partition("`")[0] and "copy" in told.partition("`")[0]


def test_the_template_costs_nothing(tmp_path):
    told = told_of(tmp_path, "descriptions.h5", {"source": "template"})
    assert told.endswith("`vqtext describe --force`") and "copy" not in told


def test_windows_of_ones_own(tmp_path):
    told = told_of(tmp_path, "windows.h5", {}, provenance=False)
    assert "keep a copy" in told
    told = told_of(tmp_path, "windows.h5", {"name": "csv"})
    assert told.endswith("`vqtext prepare --force`") and "copy" not in told


def test_words_that_a_hand_broke_are_not_thrown_away(tmp_path):
    path = tmp_path / "subactions.json"
    path.write_text('{"labels": [')
    assert "--force" not in " ".join(state(path)[1])


def test_the_damaged_run_is_the_one_that_is_named(tmp_path):
    for name in ("default", "long"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "run.json").write_text(json.dumps({}))
    (tmp_path / "runs" / "long" / "run.json").write_text("{")
    settings = Settings(cache=tmp_path, train={"run": "long"})
    (why,) = [e["why"] for e in states(settings)["artifacts"] if e["artifact"] == "runs/long"]
    assert why.endswith("`vqtext train --run long --force`")


def test_a_journal_in_use_is_not_damaged(tmp_path):
    import sqlite3

    with sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None) as file:
        file.execute("CREATE TABLE replies (a)")
        file.execute("BEGIN EXCLUSIVE")
        answer = states(Settings(cache=tmp_path), verify=True)
    file.close()
    assert answer["artifacts"][-1]["state"] == "unreadable" and "paid" not in answer["artifacts"][-1]["why"]


def test_texts_that_were_paid_for_are_renewed_by_who_wrote_them(tmp_path):
    """`vqtext describe` alone would put the template's texts in their place."""
    path = tmp_path / "descriptions.h5"
    hdf5.write(path, "descriptions", {"text": ["a"]}, {}, "r")
    made = {"made_by": "describe 0", "inputs": {}, "options": {"source": "llm"}, "recipe": "r"}
    hdf5.stamp(path, made)
    attrs = {"dataset": "d", "rate_hz": 1, "channels": [], "labels": [], "subjects": [], "truth_words": []}
    hdf5.write(tmp_path / "windows.h5", "windows", {"signal": np.ones(1)}, attrs, "r")
    (tmp_path / "subactions.json").write_text('{"labels": [{"label": "a", "subactions": [{"phrase": "b"}]}]}')
    answer = states(Settings(cache=tmp_path, guidance={"source": "both"}))
    entry = next(entry for entry in answer["artifacts"] if entry["artifact"] == path.name)
    told = lines(answer)
    assert told[-1] == "next: vqtext describe --source llm"
    assert entry["state"] == "stale" and entry["why"].endswith("with `--source llm`, as before")


def test_a_lock_beside_it_is_none_of_its_business(path):
    with lock(path), hdf5.open_artifact(path, "windows") as artifact:
        artifact.verify()


def test_words_that_may_not_be_read_are_not_damaged(tmp_path, monkeypatch):
    path = tmp_path / "subactions.json"
    path.write_text("{}")

    def refuse(self, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(type(path), "read_text", refuse)
    assert state(path)[0]["state"] == "unreadable"
