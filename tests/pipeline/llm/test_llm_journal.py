from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace

import pytest
from llm.asked import GOOD, ask
from llm.server import script

from vqtext.errors import ArtifactError
from vqtext.pipeline.llm.journal import Journal, Reply, request_key

REPLY = Reply("up", "stop", None, "json_schema", "toy-1", 10, None, 0.5, "2026-01-01T00:00:00+00:00")

KEEP = """
import sys
from pathlib import Path
from vqtext.pipeline.llm.journal import Journal, Reply
journal = Journal(Path("journal.sqlite"))
reply = Reply("up", "stop", None, "text", "toy-1", None, None, 0.5, "now")
for i in range(int(sys.argv[2])):
    journal.keep(f"{sys.argv[1]} {i}", "walking", reply)
    print(i, flush=True)
"""


def test_what_is_kept_is_found(tmp_path):
    journal = Journal(tmp_path / "cache" / "journal.sqlite")
    assert journal.find("a") is None
    odd = replace(REPLY, text="걷기 \0 🦵\n", refusal="")
    journal.keep("a", "walking", odd)
    assert journal.find("a") == odd
    journal.keep("a", "walking", REPLY)
    assert journal.find("a") == REPLY
    journal.close()
    assert Journal(tmp_path / "cache" / "journal.sqlite").find("a") == REPLY


def test_a_reply_is_on_disk_when_it_is_kept(tmp_path, python):
    process = python(KEEP, "a", "100000")
    for expected in range(20):
        assert process.stdout.readline() == f"{expected}\n"
    process.kill()
    process.communicate()
    journal = Journal(tmp_path / "journal.sqlite")
    assert all(journal.find(f"a {i}") for i in range(20))
    assert journal._file.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert journal._file.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_processes_that_start_at_once_share_it(tmp_path, python):
    processes = [python(KEEP, name, "20") for name in "abcd"]
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert errors == [""] * 4
    journal = Journal(tmp_path / "journal.sqlite")
    assert all(journal.find(f"{name} {i}") for name in "abcd" for i in range(20))


def test_a_full_disk_leaves_nothing_of_a_new_journal(tmp_path):
    """It was a traceback, and two files that nobody would have swept."""
    resource = pytest.importorskip("resource", reason="limits of POSIX")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, before[1]))
    try:
        with pytest.raises(ArtifactError, match=r"journal\.sqlite"):
            Journal(tmp_path / "journal.sqlite")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == [".journal.sqlite.lock"]
    Journal(tmp_path / "journal.sqlite").close()


def test_threads_share_it(tmp_path):
    journal = Journal(tmp_path / "journal.sqlite")

    def keep(name: str) -> None:
        for i in range(20):
            journal.keep(f"{name} {i}", "walking", replace(REPLY, text=f"{name} {i}"))

    threads = [threading.Thread(target=keep, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {journal.find(f"{name} {i}").text for name in "abcd" for i in range(20)}
    assert len(found) == 80


def test_a_key_is_all_that_was_asked():
    asked = (
        "http://box/v1",
        "toy-1",
        [{"role": "user", "content": "걷기"}],
        {"type": "object"},
        0.2,
        None,
        0,
    )
    changed = ("http://b/v1", "toy-2", [{"role": "user", "content": "걷"}], {}, 0.3, 100, 1)
    keys = {request_key(*asked[:i], changed[i], *asked[i + 1 :]) for i in range(len(asked))}
    assert len(keys | {request_key(*asked)}) == len(asked) + 1
    # the same for ever: an update of the package must not cost the user's replies
    assert request_key(*asked) == "3e304737dab45487d411c7dbb30fadb1cc176df5843cfca6e2171fd9bda520e2"


class TestAFileThatCannotBeUsed:
    def test_no_database(self, tmp_path):
        path = tmp_path / "journal.sqlite"
        path.write_bytes(b"words " * 1000)
        with pytest.raises(ArtifactError, match=r"journal\.sqlite"):
            Journal(path)
        assert path.read_bytes() == b"words " * 1000

    def test_a_damaged_one(self, llm_server, tmp_path):
        journal = Journal(tmp_path / "journal.sqlite")
        for i in range(200):
            journal.keep(f"{i}", "walking", replace(REPLY, text="up " * 100))
        journal.close()
        damaged = bytearray((tmp_path / "journal.sqlite").read_bytes())
        damaged[8192:40960] = bytes(40960 - 8192)
        (tmp_path / "journal.sqlite").write_bytes(damaged)
        with pytest.raises(ArtifactError, match="sqlite3"):
            ask(tmp_path, llm_server.settings())
        assert llm_server.requests == []  # nothing is paid that cannot be kept

    def test_another_programs(self, tmp_path):
        with sqlite3.connect(tmp_path / "journal.sqlite") as other:
            other.execute("CREATE TABLE notes (text)")
        with pytest.raises(ArtifactError):
            Journal(tmp_path / "journal.sqlite")

    def test_of_another_version(self, tmp_path):
        Journal(tmp_path / "journal.sqlite").close()
        with sqlite3.connect(tmp_path / "journal.sqlite") as file:
            file.execute("PRAGMA user_version = 7")
        with pytest.raises(ArtifactError, match="schema 7"):
            Journal(tmp_path / "journal.sqlite")

    def test_a_folder_in_its_place(self, tmp_path):
        (tmp_path / "journal.sqlite").mkdir()
        with pytest.raises(ArtifactError):
            Journal(tmp_path / "journal.sqlite")

    def test_a_file_in_the_folders_place(self, tmp_path):
        (tmp_path / "cache").touch()
        with pytest.raises(ArtifactError):
            Journal(tmp_path / "cache" / "journal.sqlite")

    def test_a_disk_that_fills_up(self, llm_server, tmp_path):
        """The reply is lost, but the run ends instead of paying for more."""
        llm_server.reply = script(GOOD)
        journal = Journal(tmp_path / "journal.sqlite")
        journal._file.execute("PRAGMA max_page_count = 3")
        with pytest.raises(ArtifactError):
            journal.keep("a", "walking", replace(REPLY, text="up" * 100_000))
