"""A user would lose: steps with borders that the signal can show."""

from __future__ import annotations

from itertools import groupby

from vqtext.model.decoding.reasons import _resolvable


def merged(path: str, least: float = 2) -> str:
    """Names of frames as they are told; a space is a frame of which nothing is said."""
    runs = [
        (None if name == " " else ord(name), [i for i, _ in own])
        for name, own in groupby(enumerate(path), lambda pair: pair[1])
    ]
    names = [" "] * len(path)
    for name, frames, begin, end in _resolvable(runs, least):
        assert all(path[frame] == chr(name) for frame in frames) and frames
        names[begin:end] = chr(name) * (end - begin)
    return "".join(names)


def test_what_is_too_short_goes_to_the_longer_of_those_beside_it() -> None:
    assert merged("aaabcc") == "aaaacc"
    assert merged("aabccc") == "aacccc"
    assert merged("aaabaaa") == "aaaaaaa", "one step, not three"
    assert merged("baaac") == "aaaaa"
    assert merged("ababab") in ("aaaaaa", "bbbbbb")


def test_what_is_long_enough_or_stands_alone_stays() -> None:
    assert merged("aabbaa") == "aabbaa"
    assert merged("aa b cc") == "aa b cc", "nothing was seen beside it"
    assert merged("abc", least=0.5) == "abc", "a frame of several samples"
