"""Atomic publishing: an artifact is written beside its target and takes its place in one rename.

A process that is killed at any moment leaves the old artifact whole. What it had half written is named
``.NAME.tmp-PID`` and swept by the next one that publishes the same target. Whoever publishes holds the
target's lock (`vqtext.cache.lock`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

from vqtext.cache.claims import started
from vqtext.errors import ArtifactError, way_out


@contextmanager
def publish(target: Path) -> Iterator[Path]:
    """A temporary path beside ``target``; what stands there on a clean exit becomes the target.

    The caller writes a file there, or makes a folder (which must not replace one: see `publish_folder`). On
    any exception, Ctrl-C too, it is removed and the target stays as it was.

    Raises:
        ArtifactError: the place cannot be written: full, read-only, not allowed.
    """
    with _writing(target) as temp:
        yield temp
        _sync(temp)
        temp.replace(target)


@contextmanager
def publish_folder(target: Path) -> Iterator[Path]:
    """As `publish`, for a folder that may replace one: yields an empty folder.

    Two renames cannot be one step. A crash between them leaves the old folder as ``.NAME.old``, and
    `recover_folder` puts it back.

    Raises:
        ArtifactError: the place cannot be written.
    """
    with _writing(target) as temp:
        recover_folder(target)
        temp.mkdir()
        yield temp
        _sync(temp)
        try:
            if target.exists():
                target.rename(_old(target))
            temp.rename(target)
        finally:
            recover_folder(target)


def recover_folder(target: Path) -> None:
    """Undo what a crash left of `publish_folder`: put the old folder back, or remove what was replaced."""
    old = _old(target)
    if old.exists() and not target.exists():
        old.rename(target)
    remove(old)


def was_interrupted(target: Path) -> bool:
    """Whether a crash left something for `recover_folder` to do."""
    return _old(target).exists()


def remove(path: Path) -> None:
    """Remove a file or a whole folder; nothing there is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def copy(source: Path, target: Path) -> None:
    """A folder with all it holds, into a new one. `shutil.copytree` would hide why it fails.

    Raises:
        OSError: the disk is full or read-only.
    """
    target.mkdir(parents=True)
    for path in source.iterdir():
        (copy if path.is_dir() else shutil.copy2)(path, target / path.name)


@contextmanager
def _writing(target: Path) -> Iterator[Path]:
    """The temporary path, what becomes of it, and errors as people read them."""
    temp = target.with_name(f".{target.name}.tmp-{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        try:
            yield temp
            _sync_one(target.parent)
        finally:
            remove(temp)
            for path in target.parent.glob(f"{escape(temp.name)}-*"):  # SQLite puts files beside its own
                remove(path)
    except OSError as error:
        raise cannot_write(target, error) from error


def cannot_write(target: Path, error: OSError) -> ArtifactError:
    """The error for a place that cannot be written, in one line with a way out where there is one."""
    name = Path(error.filename or target).name
    where = "" if name == target.name or name.startswith(f".{target.name}.") else f" ({error.filename})"
    return ArtifactError(f"{target} cannot be written: {error.strerror or error}{where}{way_out(error)}")


def _sweep(target: Path) -> None:
    """Remove what dead processes left beside the target. Our own number on a file means: left by another
    process that had it before us, as in a container, where numbers start anew."""
    start = f".{target.name}.tmp-"
    for path in target.parent.iterdir():
        number = path.name.removeprefix(start).partition("-")[0]
        if not path.name.startswith(start) or not number.isdecimal():
            continue
        if int(number) == os.getpid() or started(int(number)) is None:
            remove(path)


def _old(target: Path) -> Path:
    return target.with_name(f".{target.name}.old")


def _sync(path: Path) -> None:
    """Bring a file, or a folder with all it holds, onto the disk."""
    if path.is_dir():
        for child in path.iterdir():
            _sync(child)
    _sync_one(path)


def _sync_one(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # cannot be opened there
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
