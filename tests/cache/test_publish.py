from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from vqtext.cache.publish import cannot_write, copy, publish, publish_folder, recover_folder, was_interrupted
from vqtext.errors import ArtifactError

LIMIT = """
import resource, signal, sys
from pathlib import Path
from vqtext.cache.publish import cannot_write, publish
from vqtext.errors import ArtifactError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_takes_its_place_and_nothing_else_stays(tmp_path):
    target = tmp_path / "new" / "file"
    for text in ("first", "second"):
        with publish(target) as temp:
            temp.write_text(text)
            assert temp.parent == target.parent
        assert target.read_text() == text
    assert names(target.parent) == ["file"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_whatever_goes_wrong_the_old_file_stays(tmp_path, error):
    target = tmp_path / "file"
    target.write_text("old")
    with pytest.raises(error), publish(target) as temp:
        temp.write_text("half")
        raise error
    assert target.read_text() == "old" and names(tmp_path) == ["file"]


def test_a_killed_process_leaves_the_old_file_whole_and_the_next_one_sweeps(tmp_path, python):
    target = tmp_path / "file"
    target.write_text("old")
    process = python(
        "import os, signal\n"
        "from pathlib import Path\n"
        "from vqtext.cache.publish import publish\n"
        "with publish(Path('file')) as temp:\n"
        "    temp.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    process.wait()
    assert target.read_text() == "old"
    assert names(tmp_path) == [f".file.tmp-{process.pid}", "file"]
    with publish(target) as temp:
        temp.write_text("new")
    assert target.read_text() == "new" and names(tmp_path) == ["file"]


def test_what_living_processes_and_other_targets_write_is_not_swept(tmp_path):
    kept = [f".file.tmp-{os.getppid()}", ".file2.tmp-999999999", ".file.tmp-x", ".file.lock"]
    for name in kept:
        (tmp_path / name).touch()
    swept = tmp_path / f".file.tmp-{os.getpid()}"  # left by another process that had our number
    swept.mkdir()
    with publish(tmp_path / "file") as temp:
        temp.touch()
    assert names(tmp_path) == sorted([*kept, "file"])


def test_files_that_a_library_puts_beside_its_own_go_too(tmp_path):
    """SQLite leaves two beside a database that it could not write on a full disk."""
    (tmp_path / ".file.tmp-999999999-wal").touch()
    with pytest.raises(ArtifactError), publish(tmp_path / "file") as temp:
        temp.with_name(f"{temp.name}-shm").touch()
        kept = temp.with_name(f"{temp.name}0")  # of another process
        kept.touch()
        raise OSError(28, "No space left on device")
    assert names(tmp_path) == [kept.name]


def test_a_folder_that_cannot_be_copied_says_why(tmp_path):
    """`shutil.copytree` hid the number of the error in a list."""
    (tmp_path / "from" / "in").mkdir(parents=True)
    (tmp_path / "from" / "in" / "file").write_text("whole")
    copy(tmp_path / "from", tmp_path / "new" / "to")
    assert (tmp_path / "new/to/in/file").read_text() == "whole"
    (tmp_path / "from" / "in" / "gone").symlink_to("nowhere")
    with pytest.raises(FileNotFoundError):
        copy(tmp_path / "from", tmp_path / "other")


def test_a_folder_replaces_a_folder(tmp_path):
    target = tmp_path / "run"
    for text in ("first", "second"):
        with publish_folder(target) as temp:
            (temp / "seed-0").mkdir()
            (temp / "seed-0" / text).write_text(text)
        assert names(target / "seed-0") == [text]
    assert names(tmp_path) == ["run"]


def test_the_old_folder_stays_when_the_new_one_fails(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "old").touch()
    with pytest.raises(KeyboardInterrupt), publish_folder(tmp_path / "run") as temp:
        (temp / "new").touch()
        raise KeyboardInterrupt
    assert names(tmp_path) == ["run"] and names(tmp_path / "run") == ["old"]


def test_a_crash_between_the_two_renames_is_undone(tmp_path, python):
    target = tmp_path / "run"
    target.mkdir()
    (target / "old").touch()
    process = python(
        "import os, signal\n"
        "from pathlib import Path\n"
        "from vqtext.cache.publish import publish_folder\n"
        "rename = Path.rename\n"
        "def then_die(self, to):\n"
        "    rename(self, to)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "Path.rename = then_die\n"
        "with publish_folder(Path('run')) as temp:\n"
        "    (temp / 'new').touch()\n"
    )
    process.wait()
    assert not target.exists() and was_interrupted(target)
    recover_folder(target)
    assert names(target) == ["old"] and not was_interrupted(target)


def test_a_crash_after_both_renames_keeps_the_new_folder(tmp_path):
    for name in ("run", ".run.old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    recover_folder(tmp_path / "run")
    assert names(tmp_path) == ["run"] and names(tmp_path / "run") == ["run"]


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "cache").touch()
    with (
        pytest.raises(ArtifactError),
        publish(tmp_path / "cache" / "file"),
    ):
        pass


def test_a_folder_where_the_file_should_be(tmp_path):
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "precious").touch()
    with pytest.raises(ArtifactError, match="file"), publish(tmp_path / "file") as temp:
        temp.touch()
    assert names(tmp_path) == ["file"] and names(tmp_path / "file") == ["precious"]


def test_a_full_disk(tmp_path, python):
    (tmp_path / "file").write_text("old")
    process = python(
        LIMIT
        + "try:\n"
        + "    with publish(Path('file')) as temp:\n"
        + "        temp.write_text('x' * 2000)\n"
        + "except ArtifactError as error:\n"
        + "    print(error)\n"
    )
    said, wrong = process.communicate()
    assert said.count("\n") == 1 and "file " in said and not wrong
    assert (tmp_path / "file").read_text() == "old" and names(tmp_path) == ["file"]


@pytest.fixture
def read_only(tmp_path):
    """A folder on a file system that is mounted read-only, as far as this machine lets us."""
    if os.geteuid() != 0:
        tmp_path.chmod(0o500)
        yield tmp_path
        tmp_path.chmod(0o700)
        return
    folder = tmp_path / "mounted"
    folder.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run([mount, "-t", "tmpfs", "-o", "ro", "none", folder], check=False).returncode
    ):
        yield Path("/proc")  # not writable, not even by root
        return
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_read_only_folder(read_only):
    with (
        pytest.raises(ArtifactError) as error,
        publish(read_only / "file") as temp,
    ):
        temp.touch()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
def test_a_cache_of_somebody_else_says_that_its_artifacts_are_needed_elsewhere(code):
    """In an empty --cache there is no model to explain with."""
    assert "--cache" in str(cannot_write(Path("cache/runs/a/explain.json"), OSError(code, "no")))
