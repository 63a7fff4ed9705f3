"""Text files as lines: plain, gzip or zip, in whatever encoding."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from vqtext.errors import DataError

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_HEAD = 1 << 16  # bytes
_NO_DATA = re.compile(r"^__MACOSX/|/$|(^|/)\.[^/]*$")  # folders, and what systems leave in a zip


def encodings(file: Path, name: str) -> list[str]:
    """How the file may be encoded, the likeliest first.

    Where it is no UTF-8, neither the numbers nor words of plain letters depend on how it is read: bytes that
    are no UTF-8 become lone surrogates, which `foreign` finds.
    """
    with open_bytes(file, name) as data:
        head = data.read(_HEAD)
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return [encoding]
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return ["utf-8", "cp1252"]
    return ["utf-8"]


def foreign(text: str) -> bool:
    """Are there bytes in it that its encoding does not have?"""
    return not text.isascii() and any("\udc80" <= character <= "\udcff" for character in text)


@contextmanager
def open_text(file: Path, name: str, encoding: str) -> Iterator[IO[str]]:
    """The file's text, line ends as they are.

    Raises:
        DataError: it cannot be read, or is cut off or damaged.
    """
    with (
        open_bytes(file, name) as data,
        io.TextIOWrapper(data, encoding, errors="surrogateescape", newline="") as text,
    ):
        yield text


@contextmanager
def open_bytes(file: Path, name: str) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked. What is packed is known by its content, not by its name."""
    try:
        with file.open("rb") as raw:
            start = raw.read(4)
            raw.seek(0)
            if start[:2] == b"\x1f\x8b":
                with gzip.open(raw) as data:
                    yield cast(IO[bytes], data)
            elif start == b"PK\x03\x04":
                with zipfile.ZipFile(raw) as packed, packed.open(_only(packed, name)) as data:
                    yield data
            else:
                yield raw
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        raise DataError(f"{name}: the packed file is cut off or damaged ({error}); copy it anew") from error
    except (RuntimeError, NotImplementedError) as error:
        raise DataError(f"{name}: the zip file cannot be unpacked ({error}); unpack it yourself") from error
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or error}") from error


def _only(packed: zipfile.ZipFile, name: str) -> str:
    """The one file inside."""
    inside = [name for name in packed.namelist() if not _NO_DATA.search(name)]
    if "[Content_Types].xml" in inside:
        raise DataError(f"{name}: a workbook, not text; save the sheet as CSV")
    if len(inside) != 1:
        raise DataError(f"{name}: {len(inside)} files in one zip; unpack it, each recording is a file")
    return inside[0]
