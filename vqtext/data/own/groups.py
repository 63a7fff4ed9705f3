"""Which files of a folder are one recording, and what the names of files say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from vqtext.data.own.contents import Contents
from vqtext.errors import DataError


@dataclass(frozen=True)
class Group:
    """The files of one recording: its name, and their paths below the folder of ``dataset.toml``."""

    name: str
    paths: tuple[str, ...]


def grouped(paths: Sequence[str], contents: Contents) -> tuple[list[Group], list[str]]:
    """Files that belong together, in the order of their first, and the files that have no channel.

    Raises:
        DataError: a file has channels, but ``recording_pattern`` does not match it.
    """
    used = [path for path in paths if channels_of(path, contents)]
    pattern = contents.recording_pattern
    files_of: dict[tuple[str | None, ...], list[str]] = {}
    for path in used:
        parent = str(PurePosixPath(path).parent)
        key: tuple[str | None, ...] = (parent,)
        if contents.channels[0].file is None:
            key = (path,)
        elif pattern is not None:
            matches = groups(pattern, path)
            if matches is None:
                raise DataError(
                    f"{path}: neither the name nor the path matches recording_pattern {pattern!r}"
                )
            # where the bare name says it, it says it inside its folder
            in_name = groups(pattern, PurePosixPath(path).name)
            key = (parent, *matches) if matches == in_name else matches
        files_of.setdefault(key, []).append(path)
    names = {key: "/".join(part for part in key if part and part != ".") or "recording" for key in files_of}
    return [Group(names[key], tuple(own)) for key, own in files_of.items()], [
        p for p in paths if p not in used
    ]


def channels_of(path: str, contents: Contents) -> list[int]:
    """Which channels are in a file."""
    return [i for i, channel in enumerate(contents.channels) if is_of(path, channel.file)]


def is_of(path: str, file: str | None) -> bool:
    """Is ``file`` of a channel the name of this file, or the end of its path? None is every file."""
    return file is None or fnmatchcase(f"/{path}", f"*/{file}")


def matched(pattern: str, key: str, paths: Sequence[str], name: str) -> str:
    """What ``pattern`` finds in the names of the files of one recording.

    Args:
        pattern: matched as a whole with the bare name of a file or else with its path.
        key: what the pattern is called.
        paths: of the files, below the folder of ``dataset.toml``.

    Raises:
        DataError: no name matches, or they say different things.
    """
    words = dict.fromkeys(group[0] for path in paths if (group := groups(pattern, path)) and group[0])
    if not words:
        raise DataError(
            f"{name}: the file name does not match {key} {pattern!r}, nor does the path {paths[0]!r}"
        )
    if len(words) > 1:
        raise DataError(
            f"{name}: {key} {pattern!r} finds {' and '.join(map(repr, words))} in its files' names"
        )
    return next(iter(words))


def groups(pattern: str, path: str) -> tuple[str | None, ...] | None:
    """The groups of a match of all of a file's name, or else all of its path; None where there is none."""
    match = re.fullmatch(pattern, PurePosixPath(path).name) or re.fullmatch(pattern, path)
    return None if match is None else match.groups()
