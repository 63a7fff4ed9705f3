"""Lost: hours of reading after a stop, or windows that differ from those of an undisturbed run."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from crash_workers import workers_of
from test_prepare import own, write  # noqa: F401

from vqtext.cache.hdf5 import open_artifact
from vqtext.data.own.csv_folder import Csv
from vqtext.errors import ArtifactError, DataError
from vqtext.pipeline import prepare
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.preparing.shards import Shards
from vqtext.pipeline.stage import run


def content(settings):
    with open_artifact(settings.cache / "windows.h5", "windows") as file:
        return file.content


@pytest.fixture
def study(own, heard):  # noqa: F811
    """Six recordings, windows of several lengths, and the content they have when nothing disturbs."""
    write(own.data.path, "3-short.csv", "sitting", 3, np.arange(30.0))
    write(own.data.path, "4-none.csv", "walking", 4, np.array([1.0]))
    settings = own.model_copy(update={"data": own.data.model_copy(update={"borders": "keep"})})
    run(Prepare(settings, heard))
    return settings, content(settings)


def test_many_shards_give_what_one_gives(study, heard, monkeypatch):
    settings, undisturbed = study
    monkeypatch.setattr(prepare, "BYTES", 1)
    run(Prepare(settings, heard), force=True)
    assert content(settings) == undisturbed
    assert (np.unique(read_windows(settings.cache / "windows.h5").sample_label[:]) == [-1, 0, 1, 2]).all()
    assert not list(settings.cache.glob(".*.partial-*"))


@pytest.fixture(params=["processes", "ray"])
def elsewhere(request, study):
    """Settings under which the study is read by two workers, from a folder that is named relative to here."""
    if request.param == "ray":
        pytest.importorskip("ray", reason="the extra `ray` is not installed")
    return study[0].model_copy(update={"executor": request.param, "workers": 2})


def test_windows_and_what_is_said_do_not_depend_on_where_parts_are_read(study, elsewhere, heard, monkeypatch):
    settings, undisturbed = study
    for file in settings.data.path.glob("*.csv"):
        file.write_text(file.read_text().replace(",", ";"))  # noted of each
    monkeypatch.chdir(settings.data.path.parent)
    path = {"path": settings.data.path.relative_to(settings.data.path.parent)}
    told = []
    for one in (settings, elsewhere):
        there = type(heard)()
        one = one.model_copy(update={"data": one.data.model_copy(update=path)})
        run(Prepare(one, there), force=True)
        told.append((there.said, there.warned))
        assert content(one) == undisturbed
    assert told[0] == told[1] and len(told[0][1]) == 1 and "1-running.csv and 5 more" in str(told[0][0])


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="workers are found by Linux's /proc")
def test_windows_are_the_same_though_a_worker_is_killed(study, heard):
    settings, undisturbed = study
    killed: list[int] = []

    def kill():
        latest = time.monotonic() + 20
        while not killed and time.monotonic() < latest:
            killed.extend(workers_of(os.getpid())[:1])
        os.kill(killed[0], signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    run(Prepare(settings.model_copy(update={"executor": "processes", "workers": 2}), heard), force=True)
    thread.join()
    assert killed and content(settings) == undisturbed


def test_what_workers_read_before_the_head_was_stopped_is_kept(study, elsewhere, heard, monkeypatch):
    settings, undisturbed = study
    (settings.cache / "windows.h5").unlink()
    monkeypatch.setattr(prepare, "BYTES", 1)
    write_shard = Shards.write

    def stopping(self, cutter, parts, recipe):
        if parts == 4:
            raise KeyboardInterrupt
        write_shard(self, cutter, parts, recipe)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Shards, "write", stopping)
        run(Prepare(elsewhere, heard))
    run(Prepare(elsewhere, heard))
    assert any("3 of 6 parts" in line for line in heard.said)
    assert content(settings) == undisturbed


def test_a_wrong_file_is_the_same_error_elsewhere(study, elsewhere, heard):
    file = study[0].data.path / "2-walking.csv"
    file.write_text(file.read_text() + "inf,1,walking,2\n")
    messages = []
    for settings in (study[0], elsewhere):
        with pytest.raises(DataError) as error:
            run(Prepare(settings, heard))
        messages.append(str(error.value))
    assert messages[0] == messages[1] and "2-walking.csv, row 102, column 'ax'" in messages[0]


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_a_stopped_reading_goes_on_and_reads_nothing_twice(study, heard, monkeypatch, stop):
    settings, undisturbed = study
    (settings.cache / "windows.h5").unlink()
    monkeypatch.setattr(prepare, "BYTES", 1)
    read: list[int] = []
    part = Csv.part

    def stopping(self, number):
        if len(read) == stop:
            read.append(-1)
            raise KeyboardInterrupt
        read.append(number)
        yield from part(self, number)

    monkeypatch.setattr(Csv, "part", stopping)
    with pytest.raises(KeyboardInterrupt):
        run(Prepare(settings, heard))
    assert not (settings.cache / "windows.h5").exists()
    run(Prepare(settings, heard))
    assert sorted(read) == [-1, *range(6)] and content(settings) == undisturbed


def test_a_damaged_shard_is_an_error_and_force_starts_anew(study, heard, monkeypatch):
    settings, undisturbed = study
    monkeypatch.setattr(prepare, "BYTES", 1)
    stage = Prepare(settings, heard)
    (settings.cache / "windows.h5").unlink()
    (stage.staging() / "shard-000000.h5").write_bytes(b"half a shard")
    with pytest.raises(ArtifactError, match=r"shard-000000\.h5"):
        run(Prepare(settings, heard))
    run(Prepare(settings, heard), force=True)
    assert content(settings) == undisturbed


def test_what_a_kill_after_publishing_left_is_swept(study, heard):
    settings, _ = study
    left = Prepare(settings, heard).staging()
    (left / "shard-000000.h5").write_bytes(b"joined already")
    run(Prepare(settings, heard))
    assert not left.exists() and heard.said[-1].endswith("is up to date")
