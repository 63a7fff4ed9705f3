"""The contract of stages, held by three small ones: numbers → twice → a folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from vqtext.cache import hdf5
from vqtext.cache.lock import lock
from vqtext.errors import ArtifactError
from vqtext.pipeline.stage import MissingError, Stage, StaleError, ensure, run
from vqtext.settings.schema import Settings


class Numbers(Stage):
    """Stands on something from outside, as prepare stands on recordings."""

    command = "numbers"
    recordings = 3

    @property
    def target(self):
        return self.settings.cache / "numbers.h5"

    def inputs(self):
        return {"recordings": str(type(self).recordings)}

    def make(self, target):
        self.progress.said.append(f"made {self.command}")
        hdf5.write(target, "numbers", {"value": np.arange(type(self).recordings)}, {}, self.recipe())

    def summary(self):
        with hdf5.open_artifact(self.target, "numbers") as artifact:
            return {"count": len(artifact["value"])}


class Twice(Numbers):
    """Derived, with an option."""

    command = "twice"

    @property
    def target(self):
        return self.settings.cache / "twice.h5"

    def sources(self):
        return [Numbers(self.settings, self.progress)]

    def inputs(self):
        return Stage.inputs(self)

    def options(self):
        return {"threshold": self.settings.dedup.threshold}

    def make(self, target):
        self.progress.said.append(f"made {self.command}")
        with hdf5.open_artifact(self.settings.cache / "numbers.h5", "numbers") as numbers:
            hdf5.write(target, "twice", {"value": 2 * numbers["value"]}, {}, self.recipe())

    def summary(self):
        with hdf5.open_artifact(self.target, "twice") as artifact:
            return {"values": artifact["value"].tolist()}


class Runs(Twice):
    """A folder with partial work; stops once where it is told to."""

    command = "runs"
    folder = True
    stop = False

    @property
    def target(self):
        return self.settings.cache / "runs" / "default"

    def sources(self):
        return [Twice(self.settings, self.progress)]

    def make(self, target):
        partial = self.staging() / "seed-0"
        if not partial.exists():
            self.progress.said.append("made seed-0")
            partial.touch()
        if type(self).stop:
            raise KeyboardInterrupt
        partial.rename(target / "seed-0")
        (target / "run.json").write_text(json.dumps({**self.provenance().to_dict(), "score": 1}))

    def summary(self):
        return {"score": json.loads((self.target / "run.json").read_text())["score"]}


@pytest.fixture
def settings(tmp_path):
    return Settings(cache=tmp_path / "cache")


@pytest.fixture(autouse=True)
def reset(monkeypatch):
    monkeypatch.setattr(Numbers, "recordings", 3)
    monkeypatch.setattr(Runs, "stop", False)


@pytest.fixture
def make(settings, heard):
    """Run a stage; returns what was made."""

    def make(kind, force=False, **dedup):
        heard.said.clear()
        own = settings.model_copy(update={"dedup": settings.dedup.model_copy(update=dedup)})
        run(kind(own, heard), force)
        return [text.removeprefix("made ") for text in heard.said if text.startswith("made ")]

    return make


def use(settings, heard, kind):
    """As the stage after it would."""
    return kind(settings, heard).check()


def test_a_stage_makes_its_artifact_once(make, settings, heard):
    assert make(Numbers) == ["numbers"]
    assert make(Numbers) == [] and heard.said == [f"{settings.cache / 'numbers.h5'} is up to date"]
    assert make(Numbers, force=True) == ["numbers"]
    assert run(Numbers(settings, heard)) == {"count": 3}


def test_a_missing_input_is_named_with_its_command(make, settings):
    with pytest.raises(MissingError, match=r"numbers\.h5.*vqtext numbers"):
        make(Twice)
    assert not settings.cache.exists()


def test_a_changed_input_is_noticed_everywhere_downstream(make, settings, heard, monkeypatch):
    assert make(Numbers) + make(Twice) + make(Runs) == ["numbers", "twice", "seed-0"]
    monkeypatch.setattr(Numbers, "recordings", 4)
    assert make(Numbers) == ["numbers"]
    stale = r"twice\.h5 is stale \(.*numbers\.h5 changed since\): run `vqtext twice`"
    for attempt in (lambda: use(settings, heard, Runs), lambda: make(Runs)):
        with pytest.raises(StaleError, match=stale):
            attempt()
    assert make(Twice) == ["twice"]
    with pytest.raises(StaleError, match=r"default .*twice\.h5.*vqtext runs"):
        use(settings, heard, Runs)
    assert make(Runs) == ["seed-0"]
    use(settings, heard, Runs)


def test_an_input_that_was_made_again_the_same_changes_nothing(make):
    make(Numbers), make(Twice)
    assert make(Numbers, force=True) == ["numbers"]
    assert make(Twice) == []


def test_options_matter_to_the_stage_and_not_to_those_after_it(make, settings, heard):
    make(Numbers)
    assert make(Twice, threshold=0.8) == ["twice"]
    assert make(Runs) == ["seed-0"]  # though its own settings say 0.85
    record = use(settings, heard, Twice)
    assert record.provenance.options == {"threshold": 0.8}
    assert record.provenance.inputs == {"numbers.h5": use(settings, heard, Numbers).content}
    assert make(Twice, threshold=0.8) == [] and make(Twice) == ["twice"]


def test_a_new_version_of_the_code_makes_it_stale(make, settings, heard, monkeypatch):
    make(Numbers), make(Twice)
    monkeypatch.setattr(Twice, "version", 2)
    with pytest.raises(StaleError, match="version"):
        use(settings, heard, Twice)
    assert make(Twice) == ["twice"]


def test_artifacts_can_be_copied_without_what_they_were_made_from(make, settings, heard):
    make(Numbers), make(Twice)
    (settings.cache / "numbers.h5").unlink()
    assert make(Runs) == ["seed-0"]
    with pytest.raises(MissingError):
        make(Twice)


def test_a_file_made_by_other_means_is_taken_as_it_is(make, settings):
    make(Numbers)
    hdf5.write(settings.cache / "twice.h5", "twice", {"value": np.zeros(1)}, {}, "")
    assert make(Runs) == ["seed-0"]
    assert make(Twice) == ["twice"]


def test_an_artifact_made_without_an_input_that_is_now_needed(make, settings, heard, monkeypatch):
    monkeypatch.setattr(Twice, "sources", lambda self: [])
    make(Numbers), make(Twice)
    monkeypatch.undo()
    with pytest.raises(StaleError, match=r"twice\.h5 .*numbers\.h5"):
        use(settings, heard, Twice)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", None])
def test_only_force_replaces_what_may_not_be_ours(make, settings, heard, content):
    make(Numbers)
    path = settings.cache / "numbers.h5"
    content = path.read_bytes()[:-50] if content is None else content
    path.write_bytes(content)
    for attempt in (lambda: make(Numbers), lambda: make(Twice), lambda: use(settings, heard, Twice)):
        with pytest.raises(ArtifactError):
            attempt()
    assert path.read_bytes() == content
    assert make(Numbers, force=True) == ["numbers"] and make(Twice) == ["twice"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ArtifactError("no")])
def test_the_old_artifact_survives_a_failure(make, settings, monkeypatch, error):
    make(Numbers)
    before = (settings.cache / "numbers.h5").read_bytes()

    def fail(self, target):
        target.write_text("half")
        raise error

    monkeypatch.setattr(Numbers, "make", fail)
    with pytest.raises((KeyboardInterrupt, ArtifactError)):
        make(Numbers, force=True)
    assert (settings.cache / "numbers.h5").read_bytes() == before
    assert {path.name for path in settings.cache.iterdir()} == {"numbers.h5", ".numbers.h5.lock"}


def test_an_input_replaced_while_the_stage_works_makes_it_stale(make, settings, heard, monkeypatch):
    make(Numbers)
    before = Twice.make

    def slowly(self, target):
        monkeypatch.setattr(Numbers, "recordings", 5)
        run(Numbers(settings, heard))
        before(self, target)

    monkeypatch.setattr(Twice, "make", slowly)
    make(Twice)
    with pytest.raises(StaleError):
        use(settings, heard, Twice)


def test_nobody_makes_what_another_process_makes(make, settings):
    with lock(settings.cache / "numbers.h5"), pytest.raises(ArtifactError):
        make(Numbers)


def test_what_is_up_to_date_needs_no_lock(make, settings):
    make(Numbers)
    with lock(settings.cache / "numbers.h5"):
        assert make(Numbers) == []


def test_partial_work_survives_for_the_same_recipe_only(make, settings, heard, monkeypatch):
    make(Numbers), make(Twice)
    monkeypatch.setattr(Runs, "stop", True)
    for first in (["seed-0"], []):
        heard.said.clear()
        with pytest.raises(KeyboardInterrupt):
            run(Runs(settings, heard))
        assert [text.removeprefix("made ") for text in heard.said] == first
    monkeypatch.setattr(Runs, "stop", False)
    other = settings.model_copy(update={"dedup": settings.dedup.model_copy(update={"threshold": 0.5})})
    heard.said.clear()
    run(Runs(other, heard))
    assert heard.said == ["made seed-0"]
    assert {path.name for path in (settings.cache / "runs").iterdir()} == {"default", ".default.lock"}


def test_force_begins_from_nothing(make, settings, heard, monkeypatch):
    make(Numbers), make(Twice)
    monkeypatch.setattr(Runs, "stop", True)
    with pytest.raises(KeyboardInterrupt):
        make(Runs)
    monkeypatch.setattr(Runs, "stop", False)
    assert make(Runs, force=True) == ["seed-0"]


def test_a_folder_that_a_crash_moved_away_is_found_again(make, settings):
    make(Numbers), make(Twice), make(Runs)
    (settings.cache / "runs" / "default").rename(settings.cache / "runs" / ".default.old")
    assert make(Runs) == []


def test_a_folder_without_its_record(make, settings):
    make(Numbers), make(Twice), make(Runs)
    (settings.cache / "runs" / "default" / "run.json").write_text("{")
    with pytest.raises(ArtifactError, match=r"run\.json.*vqtext runs --force"):
        make(Runs)
    assert make(Runs, force=True) == ["seed-0"]


def test_ensure_makes_what_is_missing_and_what_is_derived(make, settings, heard, monkeypatch):
    ensure(Numbers, settings, heard)
    ensure(Twice, settings, heard)
    assert [text for text in heard.said if text.startswith("made")] == ["made numbers", "made twice"]
    heard.said.clear()
    ensure(Twice, settings, heard)
    assert heard.said == []
    monkeypatch.setattr(Numbers, "recordings", 5)
    make(Numbers)
    heard.said.clear()
    ensure(Twice, settings, heard)
    assert heard.said[-1] == "made twice"


def test_ensure_never_replaces_data_and_never_spends_money(make, settings, heard, monkeypatch):
    monkeypatch.setattr(Twice, "may_make_unasked", lambda self: False)
    make(Numbers)
    with pytest.raises(MissingError):
        ensure(Twice, settings, heard)
    monkeypatch.setattr(Numbers, "version", 2)
    with pytest.raises(StaleError, match=r"numbers\.h5.*version"):
        ensure(Numbers, settings, heard)


def test_the_summary_reads_well(settings, heard):
    summary = {
        "windows": 8,
        "labels": {"walking": 4, "running": 4},
        "score": 0.98765,
        "best_seed": None,
        "of": [],
    }
    assert Numbers(settings, heard).lines(summary) == [
        "windows: 8",
        "labels: walking 4, running 4",
        "score: 0.988",
        "best seed: none",
        "of: none",
    ]


def test_a_place_that_cannot_be_written(tmp_path, heard):
    (tmp_path / "file").touch()
    for cache in (tmp_path / "file", Path("/proc/vqtext")):
        with pytest.raises(ArtifactError, match=r"numbers\.h5"):
            run(Numbers(Settings(cache=cache), heard))
