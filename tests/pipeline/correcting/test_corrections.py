"""A user would lose: what they said of moments, to a kill, another studio or a damaged file."""

from __future__ import annotations

import json
import multiprocessing
import time
from pathlib import Path

import pytest

from vqtext.errors import ArtifactError, WordsError
from vqtext.pipeline.correcting.corrections import (
    Correction,
    Corrections,
    make_correction,
    read_corrections,
    write_corrections,
)


def moment(id: str, phrase: str = "leg up", start_s: float = 1.0, **more: object) -> Correction:
    said = {"recording": "r0", "subject": "0", "start_s": start_s, "end_s": start_s + 0.5, "label": "walking"}
    return make_correction(**(said | {"id": id, "phrase": phrase, "kind": "is"} | more))


def test_what_was_written_is_read_and_nothing_is_there_before(tmp_path: Path) -> None:
    assert read_corrections(tmp_path) == Corrections()
    never = Correction(id="n", kind="never", label="walking", phrase="foot down")
    said = Corrections().with_added(moment("a")).with_added(never)
    write_corrections(tmp_path, said)
    assert read_corrections(tmp_path) == said
    assert [*said.without("a").corrections] == [never] and said.without("b") == said
    assert said.with_added(moment("a", "foot down")).corrections[-1].phrase == "foot down"


def test_the_fingerprint_is_of_what_is_said(tmp_path: Path) -> None:
    """Models would be trained anew for an id, or not for another phrase."""
    one, other = moment("a"), moment("b", "foot down", 3.0)
    said = Corrections(corrections=(one, other))
    renamed = Corrections(corrections=(other.model_copy(update={"id": "c"}), one))
    assert said.fingerprint() == renamed.fingerprint()
    assert said.fingerprint() != said.without("b").fingerprint()


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"phrase": None}, "names no step"),
        ({"start_s": 2.0, "end_s": 2.0}, "must come after"),
        ({"start_s": float("nan")}, "start_s"),
        ({"start_s": -1.0}, "start_s"),
        ({"end_s": None}, "which stretch"),
        ({"kind": "maybe"}, "kind"),
        ({"kind": "never"}, "never happens has no"),
        ({"colour": "red"}, "colour"),
        ({"phrase": "\ud800"}, "half a character"),
    ],
)
def test_what_is_no_correction_is_refused_in_one_line(wrong: dict[str, object], match: str) -> None:
    with pytest.raises(WordsError, match=match) as error:
        moment("a", **wrong)
    assert "\n" not in str(error.value)


def test_a_damaged_file_is_named_and_nothing_is_lost(tmp_path: Path) -> None:
    said = Corrections().with_added(moment("a")).with_added(moment("b"))
    write_corrections(tmp_path, said)
    write_corrections(tmp_path, said.without("a"))
    path = tmp_path / "corrections.json"
    twice = {"version": 1, "corrections": [moment("a").model_dump()] * 2}
    for damage in (path.read_bytes()[:-40], b"\xff\xfe", b"[]", b"{}", json.dumps(twice).encode()):
        path.write_bytes(damage)
        with pytest.raises(ArtifactError, match=r"corrections\.json") as error:
            read_corrections(tmp_path)
        assert "\n" not in str(error.value) and "move" in str(error.value)
        assert path.read_bytes() == damage
    path.write_text('{"corrections": []}')  # by hand: "another vqtext wrote it" would lead nowhere
    with pytest.raises(ArtifactError, match='add "version": 1'):
        read_corrections(tmp_path)
    path.unlink()
    assert read_corrections(tmp_path) == said.without("a")
    path.write_text('{"version": 2, "corrections": []}')
    with pytest.raises(ArtifactError, match="version 2"):
        read_corrections(tmp_path)


def test_a_line_that_was_cut_off_is_passed_over_and_another_wrong_one_is_not(tmp_path: Path) -> None:
    write_corrections(tmp_path, Corrections().with_added(moment("a")))
    journal, path = tmp_path / "corrections.jsonl", tmp_path / "corrections.json"
    with journal.open("ab") as file:
        file.write(b'{"at": "2026-01-01", "added": [{"id"')
    said = read_corrections(tmp_path).with_added(moment("b"))
    write_corrections(tmp_path, said)
    path.unlink()
    assert read_corrections(tmp_path) == said
    journal.write_bytes(b"no\n" + journal.read_bytes())
    with pytest.raises(ArtifactError, match="line 1"):
        read_corrections(tmp_path)


def _write_for_ever(cache: Path) -> None:
    said = Corrections()
    for number in range(10_000):
        said = said.with_added(moment(str(number)))
        write_corrections(cache, said)


def test_a_kill_leaves_what_was_there_whole(tmp_path: Path) -> None:
    for _ in range(2):
        writer = multiprocessing.get_context("spawn").Process(target=_write_for_ever, args=(tmp_path,))
        writer.start()
        for _ in range(2000):
            if len(read_corrections(tmp_path).corrections) > 3 or not writer.is_alive():
                break
            time.sleep(0.01)
        writer.kill()
        writer.join()
        found = read_corrections(tmp_path)
        assert len(found.corrections) > 3
        write_corrections(tmp_path, found)  # nobody holds the lock any more
        (tmp_path / "corrections.json").unlink()
        kept = {c.id for c in read_corrections(tmp_path).corrections}
        assert {c.id for c in found.corrections} == kept
        write_corrections(tmp_path, Corrections())
