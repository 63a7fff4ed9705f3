"""``python -m vqtext.cache.left_open FILE``: open an artifact again that a stopped program left open.

HDF5 marks a file while a program may write to it, and no program opens one with a mark. A program that is
killed leaves it. The mark goes only if every byte is as it was written; else nothing is changed.
"""

from __future__ import annotations

import io
import json
import os
import struct
import sys
from pathlib import Path
from typing import Any

from vqtext.cache.hdf5 import Artifact
from vqtext.cache.reading import cannot_read, is_held
from vqtext.errors import ArtifactError, UnreadableError, VQTextError

_SUPERBLOCK = 48  # bytes: signature 8, version and two sizes 3, marks 1, addresses 32, checksum 4
_KNOWN = b"\x89HDF\r\n\x1a\n\x03\x08\x08"
_WORDS = struct.Struct("<3I")
_WORD = 0xFFFFFFFF


def open_again(path: Path | str) -> bool:
    """Take the mark off an artifact; returns whether there was one.

    Raises:
        UnreadableError: a program has it open for writing, or it cannot be read.
        ArtifactError: it is none of vqtext's files, or differs from what was written: it stays as it is.
    """
    import h5py

    path = Path(path)
    try:
        with path.open("r+b") as file:
            block = file.read(_SUPERBLOCK)
            without = _without_mark(block)
            if without in (None, block):
                return False
            if is_held(file, alone=True):
                raise UnreadableError(f"{path} is still open in another program: close it there")
            with _Unmarked(path, without) as seen, h5py.File(seen, "r") as whole:
                if "vqtext_kind" not in whole.attrs:
                    raise ArtifactError(
                        f"{path} is not one of vqtext's files: `h5clear -s` takes its mark off"
                    )
                Artifact(path, whole, json.loads(whole.attrs["vqtext_kind"])).verify()
            file.seek(0)
            file.write(without)
            file.flush()
            os.fsync(file.fileno())
            return True
    except OSError as error:
        if error.errno:
            raise cannot_read(path, error) from None
        raise ArtifactError(f"{path} is cut off or damaged, and stays as it is") from None


class _Unmarked(io.FileIO):
    """A file as it would be without its mark."""

    def __init__(self, path: Path, start: bytes) -> None:
        super().__init__(path, "r")
        self._start = start

    def readinto(self, buffer: Any) -> int:
        place = self.tell()
        size = super().readinto(buffer) or 0
        known = self._start[place : place + size]
        memoryview(buffer).cast("B")[: len(known)] = known
        return size


def _without_mark(block: bytes) -> bytes | None:
    """The first bytes of a file with no mark; None where they are not those of a file that can have one."""
    if len(block) < _SUPERBLOCK or block[:11] != _KNOWN:
        return None
    plain = block[:11] + b"\0" + block[12:-4]
    return plain + struct.pack("<I", _checksum(plain))


def _checksum(data: bytes) -> int:
    """HDF5's checksum of metadata: lookup3, the hash by Bob Jenkins."""

    def turned(value: int, by: int) -> int:
        return (value << by | value >> (32 - by)) & _WORD

    a = b = c = (0xDEADBEEF + len(data)) & _WORD
    padded = data + bytes(-len(data) % 12)
    for place in range(0, len(padded), 12):
        a, b, c = ((x + y) & _WORD for x, y in zip((a, b, c), _WORDS.unpack_from(padded, place), strict=True))
        if place + 12 < len(padded):
            for by in (4, 6, 8, 16, 19, 4):
                a, b, c = b, (c + b) & _WORD, (a - c & _WORD) ^ turned(c, by)
    for by in (14, 11, 25, 16, 4, 14, 24):
        a, b, c = b, (c ^ b) - turned(b, by) & _WORD, a
    return b


def main() -> int:
    """Open again the files that the command line names."""
    for name in sys.argv[1:]:
        try:
            result = "is whole: it can be used again" if open_again(name) else "was not left open"
        except VQTextError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        print(f"{name} {result}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
