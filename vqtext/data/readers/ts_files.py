"""Files of the UEA and UCR archives: ``.ts`` and ``.tsv``, one case a line.

A ``.ts`` file has comments (``#``), tags (``@``) down to ``@data``, and then of each case its channels and
its label, ``1,2,?:3,4,5:walking``. A channel is a list of values or of ``(time,value)``. "?" and "NaN" are
missing where a value stands, and words where a label stands: a label is what follows the last colon, as it is
spelled. How many channels and samples there are is seen in the data; what the tags say is only compared.

A ``.tsv`` file has no tags: the label comes first, then the values, separated by tabs. Shorter cases are
filled up with NaN.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from vqtext.data.readers.base import Warn
from vqtext.data.readers.tables import encoding_of
from vqtext.errors import DataError

MISSING = (
    'this data is read by aeon, which is not installed: pip install "vqtext[demo]", '
    "or bring your own: vqtext prepare --data csv --path FOLDER"
)
_NO_TEXT = re.compile("[\ud800-\udfff]")  # bytes that are not UTF-8, as `_lines` hands them on
_BETWEEN = re.compile(r"\)\s*,\s*\(")
_COLON = re.compile(r":(?![^()]*\))")  # one outside brackets: a time stamp may be a date


def load_cases(file: Path, warn: Warn) -> Iterator[tuple[np.ndarray, str]]:
    """Each case of a ``.ts`` or ``.tsv`` file, ``(C, T) float32``, and its label.

    Args:
        warn: takes one line for what a user should know though it is no error.

    Raises:
        DataError: the file is no such file, holds no class labels, or a case is wrong; names file and line.
    """
    lines = _lines(file)
    count = 0
    for where, signal, label in _tsv(file, lines) if file.suffix == ".tsv" else _ts(file, lines, warn):
        count += 1
        if np.isinf(signal).any():
            raise DataError(f"{where}: an infinite value; what is missing is '?' or NaN")
        if np.isnan(signal).all():
            raise DataError(f"{where}: nothing but missing values; remove the case")
        if not label:
            raise DataError(f"{where}: the label is empty; give it a name, or remove the case")
        if _NO_TEXT.search(label):
            raise DataError(f"{where}: the label {label!r} is not UTF-8 text; save the file as UTF-8")
        yield signal, label
    if not count:
        raise DataError(f"{file} has no cases with a class label")


def _ts(file: Path, lines: Iterator[tuple[int, str]], warn: Warn) -> Iterator[tuple[str, np.ndarray, str]]:
    tags = _tags(file, lines)
    for tag, value in (("targetLabel", "true"), ("classLabel", "false")):
        if tags.get(tag.lower(), "").lower() == value:
            raise DataError(
                f"{file} has no class labels: it says @{tag} {value}. vqtext learns classes: write "
                "'@classLabel true NAME NAME …' instead, and a name after the last colon of each case"
            )
    declared = f" {' '.join(tags.get('classlabel', '').split()[1:])} "
    undeclared: dict[str, int] = {}
    lengths: set[int] = set()
    channels = unlabelled = uneven = 0
    for case, (number, line) in enumerate(lines, start=1):
        where = f"{file}, case {case} (line {number})"
        series, colon, label = line.rpartition(":")
        label = label.strip()
        if not colon:
            raise DataError(f"{where}: no label: it stands after the last colon")
        signal, even = _signal(_COLON.split(series) if "(" in series else series.split(":"), where)
        channels = channels or len(signal)
        if len(signal) != channels:
            raise DataError(
                f"{where}: {len(signal)} channels, case 1 has {channels}; fill up what is missing with '?'"
            )
        uneven += not even
        lengths.add(signal.shape[1])
        if declared.strip() and f" {' '.join(label.split())} " not in declared:
            if label == "?":
                unlabelled += 1
                continue
            undeclared[label] = undeclared.get(label, 0) + 1
        yield where, signal, label
    if unlabelled:
        warn(f"{file}: {unlabelled} cases without a label ('?') are left out")
    if undeclared:
        named = ", ".join(f"{label!r} ({count})" for label, count in undeclared.items())
        warn(f"{file}: labels that its line @classLabel does not name, read as they stand: {named}")
    if len(lengths) > 1 and tags.get("equallength", "").lower() == "true":
        warn(
            f"{file}: cases have {min(lengths)} to {max(lengths)} samples though its tags say @equalLength "
            "true; if nothing was cut off, all is well"
        )
    if uneven:
        warn(f"{file}: time stamps of {uneven} cases are not of one regular clock; only their order counts")


def _tags(file: Path, lines: Iterator[tuple[int, str]]) -> dict[str, str]:
    """Tag in lower case → what follows it; read up to ``@data``.

    Raises:
        DataError: there is no such line.
    """
    tags: dict[str, str] = {}
    for _, line in lines:
        tag, _, value = line.replace("\t", " ").partition(" ")
        if tag.lower() == "@data":
            return tags
        tags[tag.lower().removeprefix("@")] = value.strip()
    raise DataError(f"{file} is not a .ts file: no line @data")


def _tsv(file: Path, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[str, np.ndarray, str]]:
    width = 0
    for number, line in lines:
        where = f"{file}, row {number}"
        label, *fields = line.split("\t")
        width = width or len(fields)
        if not fields or len(fields) != width:
            raise DataError(
                f"{where}: {len(fields)} values after the label, {width or 'some'} wanted; a UCR file has "
                "the label first, tabs between, and NaN where a shorter case has ended"
            )
        values = _values(fields, where)
        known = np.flatnonzero(~np.isnan(values))
        yield where, values[None, : known[-1] + 1 if known.size else None], label.strip()


def _signal(texts: list[str], where: str) -> tuple[np.ndarray, bool]:
    """Channels of one case as text → ``(C, T)``, and whether its time stamps are of one regular clock."""
    rows: list[np.ndarray] = []
    stamps: list[tuple[str, ...]] = []
    for i, text in enumerate(texts):
        of = f"{where}, channel {i}"
        if "(" in text:
            pairs = [pair.partition(",") for pair in _BETWEEN.split(text.strip()[1:-1])]
            if text.strip()[0] + text.strip()[-1] != "()" or not all(comma for _, comma, _ in pairs):
                raise DataError(f"{of}: {text.strip()[:40]!r} is no list of (time,value)")
            stamps.append(tuple(time for time, _, _ in pairs))
            rows.append(_values([value for _, _, value in pairs], of))
        else:
            rows.append(_values(text.split(","), of))
        if len(rows[i]) != len(rows[0]):
            raise DataError(
                f"{of}: {len(rows[i])} samples, channel 0 has {len(rows[0])}; bring the channels of a case "
                "to one length and rate, '?' is a missing value"
            )
    return np.stack(rows), len(set(stamps)) < 2 and all(map(_even, stamps[:1]))


def _values(fields: Sequence[str], where: str) -> np.ndarray:
    """Numbers as text → ``(T,) float32``; "?" is missing."""
    with suppress(ValueError), np.errstate(over="ignore"):  # too large a number is infinite, an error later
        return np.array(["nan" if field.strip() == "?" else field for field in fields], dtype=np.float32)
    for i, field in enumerate(fields):
        try:
            float(field)
        except ValueError:
            if field.strip() != "?":
                raise DataError(f"{where}: value {i + 1} is {field.strip()[:40]!r}, not a number") from None
    raise DataError(f"{where}: values that are no numbers")


def _even(times: Sequence[str]) -> bool:
    """Whether stamps, numbers or ISO dates, are the same step apart."""
    try:
        seconds = np.array(times, dtype=np.float64)
    except ValueError:
        try:
            seconds = np.array([time.strip() for time in times], dtype="datetime64[us]").astype(np.float64)
        except ValueError:
            return False
    step = np.diff(seconds)
    return not step.size or bool(step[0] > 0 and np.allclose(step, step[0], rtol=1e-3))


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is neither empty nor a comment.

    Bytes that are no text matter only where they are read: a comment may be in any encoding.
    """
    try:
        with file.open("rb") as opened:
            start = opened.read(2)
        wide = start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        encoding, errors = ("utf-16", "strict") if wide else ("utf-8-sig", "surrogateescape")
        with file.open(encoding=encoding, errors=errors) as opened:
            for number, line in enumerate(opened, start=1):
                if "\0" in line:
                    looks = encoding_of(line.encode(errors="surrogateescape"))
                    raise DataError(f"{file}, line {number}: it looks like {looks}; save it as UTF-8 text")
                if line.strip() and not line.lstrip().startswith("#"):
                    yield number, line.strip(" \r\n") if file.suffix == ".tsv" else line.strip()
    except UnicodeError as error:
        raise DataError(f"{file} is not whole UTF-16 text: it is cut off or damaged") from error
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from error


def aeon_version() -> str:
    """The installed version of aeon.

    Raises:
        DataError: aeon is missing.
    """
    try:
        return version("aeon")
    except ModuleNotFoundError as error:  # PackageNotFoundError is one
        raise DataError(MISSING) from error


def aeon_data() -> Path | None:
    """The folder of problems inside aeon's wheel; None where aeon is not installed. Does not import it."""
    try:
        spec = find_spec("aeon")
    except ValueError:
        return None
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / "datasets" / "data"
