"""A user would lose: a run, stuck behind a process that died; or two processes' work in one file."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
import textwrap
import time

import pytest

from vqtext.cache import claims
from vqtext.cache.lock import HeldError, lock
from vqtext.errors import ArtifactError
from vqtext.pipeline.llm.journal import Journal

HOLD = """
import sys
from pathlib import Path
from vqtext.cache.lock import lock
with lock(Path("cache/texts.h5")):
    print("held", flush=True)
    import time
    time.sleep(60)
"""
AT_ONCE = """
import os, time
from pathlib import Path
from vqtext.cache.lock import HeldError, lock
inside = Path("inside")
while time.time() < float(os.environ["END"]):
    try:
        with lock(Path("cache/texts.h5")):
            inside.touch(exist_ok=False)
            time.sleep(0.002)
            inside.unlink()
            print("held", flush=True)
    except HeldError:
        pass
"""
NO_FLOCK = """
#include <errno.h>
#include <stdlib.h>
int flock(int file, int how) { errno = atoi(getenv("NO_FLOCK")); return -1; }
"""
OURS = r"texts\.h5 is being made by another process \(pid {}\) on \S+ since 2\S+ \S+: wait for it, or stop it"


@pytest.fixture
def elsewhere(request, tmp_path_factory):
    """Variables for other processes: with locks of the system, or without."""
    if not request.param:
        return {}
    if shutil.which("gcc") is None:
        pytest.skip("no gcc to build a system without flock")
    folder = tmp_path_factory.mktemp("noflock")
    (folder / "noflock.c").write_text(NO_FLOCK)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", "noflock.so", "noflock.c"], cwd=folder, check=True)
    return {"LD_PRELOAD": str(folder / "noflock.so"), "NO_FLOCK": str(request.param)}


@pytest.fixture(params=[0, errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL])
def here(request, monkeypatch):
    """This process too: with locks of the system, or without."""
    if request.param:
        no_flock(monkeypatch, request.param)


def no_flock(monkeypatch, code):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)


def left_by(target, host=None, place=None, pid=None, start=None, said=""):
    """A claim, as another process may have left it."""
    target.parent.mkdir(exist_ok=True)
    with lock(target):
        (own,) = (path for path in target.parent.iterdir() if path.name.startswith(f".{target.name}.lock-"))
    parts = own.name.removeprefix(f".{target.name}.lock-").rsplit("-", 3)
    given = [host, place, pid, start]
    name = "-".join(str(new) if new is not None else old for new, old in zip(given, parts, strict=True))
    path = own.with_name(f".{target.name}.lock-{name}")
    path.write_text(said)
    return path


@pytest.mark.parametrize(
    ("elsewhere", "code"),
    [(0, 0), (0, errno.ENOSYS), (errno.ENOSYS, 0), (errno.ENOLCK, errno.ENOLCK)],
    indirect=["elsewhere"],
)
def test_two_processes_and_one_lock(tmp_path, python, monkeypatch, elsewhere, code):
    if code:
        no_flock(monkeypatch, code)
    other = python(HOLD, **elsewhere)
    assert other.stdout.readline() == "held\n"
    for _ in range(2):  # trying must not disturb what the holder wrote down
        with pytest.raises(ArtifactError, match=OURS.format(other.pid)):
            lock(tmp_path / "cache" / "texts.h5").__enter__()
    with lock(tmp_path / "cache" / "anchors.h5"):
        pass
    other.kill()  # and not waited for: what is left of it in the system is no living process
    deadline = time.monotonic() + 30
    while claims.started(other.pid) is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    with lock(tmp_path / "cache" / "texts.h5"):
        pass
    other.wait()
    names = {path.name for path in (tmp_path / "cache").iterdir()}
    assert names == {".texts.h5.lock", ".anchors.h5.lock"}


@pytest.mark.parametrize("elsewhere", [0, errno.ENOSYS], indirect=True)
def test_of_many_that_start_at_once_one_is_at_work(tmp_path, python, elsewhere):
    left_by(tmp_path / "cache" / "texts.h5", start="00000000")  # and all of them find a dead one
    end = str(time.time() + 1)
    both = [python(AT_ONCE, END=end, **elsewhere) for _ in range(2)] + [python(AT_ONCE, END=end)]
    said = [process.communicate() for process in both]
    assert [wrong for _, wrong in said] == [""] * 3
    assert sum(out.count("held") for out, _ in said) > 1


def test_where_everybody_gets_the_lock_of_the_system(tmp_path, python, monkeypatch):
    """Some network file systems say yes to all."""
    other = python(HOLD)
    assert other.stdout.readline() == "held\n"
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    with pytest.raises(ArtifactError, match=OURS.format(other.pid)):
        lock(tmp_path / "cache" / "texts.h5").__enter__()
    other.kill()
    other.wait()
    with lock(tmp_path / "cache" / "texts.h5"):
        pass


def test_a_child_that_outlives_its_parent_holds_nothing(tmp_path, python):
    """As the workers that feed a training, which was killed."""
    begun = "os.write(1, b'begun\\n')\n        time.sleep(1)"  # in one piece, whoever else writes
    child = f"import os, time\n    if os.fork() == 0:\n        {begun}\n        os._exit(0)\n    "
    other = python(HOLD.replace("print", f"{child}print"))
    said = other.stdout.readline() + other.stdout.readline()
    assert "begun" in said and "held" in said
    other.kill()
    other.wait()
    with lock(tmp_path / "cache" / "texts.h5"):
        pass


def test_a_number_that_was_given_anew_is_not_the_owner(tmp_path, here):
    target = tmp_path / "texts.h5"
    old = left_by(target, pid=os.getppid(), start="00000000")
    with lock(target):
        assert not old.exists()


@pytest.mark.parametrize("whose", [{"host": "node-7"}, {"place": "00000000"}], ids=["host", "container"])
def test_an_owner_that_cannot_be_seen_is_named_with_the_way_out(tmp_path, whose):
    target = tmp_path / "cache" / "texts.h5"
    old = left_by(target, pid=99999999, **whose)
    with pytest.raises(HeldError, match=rf"\b99999999\b.*{old}"):
        lock(target).__enter__()
    assert old.exists()
    old.unlink()
    with lock(target):
        pass


def test_an_owner_elsewhere_whose_lock_is_free_is_dead(tmp_path, monkeypatch):
    target = tmp_path / "cache" / "texts.h5"
    old = left_by(target, host="node-7", said="locked")
    with monkeypatch.context() as patch, pytest.raises(HeldError, match="node-7"):
        no_flock(patch, errno.ENOSYS)  # here that cannot be known
        lock(target).__enter__()
    with lock(target):
        assert not old.exists()


def test_one_process_holds_it_once(tmp_path, here):
    with lock(tmp_path / "a"), pytest.raises(HeldError, match=str(os.getpid())):
        lock(tmp_path / "a").__enter__()
    with lock(tmp_path / "a"):
        pass


def test_it_is_free_again_after_an_error(tmp_path, here):
    with pytest.raises(KeyboardInterrupt), lock(tmp_path / "a"):
        raise KeyboardInterrupt
    with lock(tmp_path / "a"):
        pass


def test_one_that_may_wait_does(tmp_path, python):
    other = python(HOLD.replace("60", "0.3"))
    assert other.stdout.readline() == "held\n"
    with lock(tmp_path / "cache" / "texts.h5", wait_s=60):
        pass
    assert other.wait() == 0


def test_the_journal_of_replies_needs_no_flock(tmp_path, here):
    for _ in range(2):
        Journal(tmp_path / "journal.sqlite").close()


def test_a_full_disk_leaves_no_claim(tmp_path, python):
    code = """
        import resource, signal
        from pathlib import Path
        from vqtext.cache.lock import lock
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        try:
            lock(Path("cache/texts.h5")).__enter__()
        except Exception as error:
            print(error)
    """
    said = python(textwrap.dedent(code)).communicate()[0]
    assert "texts.h5" in said
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".texts.h5.lock"]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "cache").touch()
    with (
        pytest.raises(ArtifactError),
        lock(tmp_path / "cache" / "a"),
    ):
        pass
