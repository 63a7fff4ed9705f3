"""The rows of a text file whose format is known.

They are read in blocks, since text takes ten times the memory of its numbers. A plain block, without quotes
and without a fault, goes through numpy at once; any other is read row by row and field by field, which gives
the same numbers or says what is wrong, and where.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from vqtext.data.readers.tables import encoding_of
from vqtext.data.text.cut_off import is_cut_off
from vqtext.data.text.dates import is_packed
from vqtext.data.text.fields import MISSING, Decimal, decimal_of, floats, like_number
from vqtext.data.text.fields import words as as_words
from vqtext.data.text.file_keys import BLANKS, FileKeys
from vqtext.data.text.own_table import OwnTable
from vqtext.data.text.plain_rows import plain
from vqtext.data.text.text_files import foreign
from vqtext.data.text.text_rows import COMMENTS, TextFormat, split, without_end
from vqtext.data.text.time_stamps import EXACT, Stamps, from_fields, from_numbers
from vqtext.errors import DataError

_BLOCK = 10_000  # lines
_TOLD = MISSING - {"", "nan", "-nan"}  # words for a missing sample that a user should know of


@dataclass(frozen=True)
class _Block:
    """Rows of a text file; ``times`` are numbers, or one text a row."""

    signal: np.ndarray
    words: dict[str, list[str | None]]
    lines: Sequence[int]
    times: np.ndarray | list[str | None]


class Rows:
    """Reads the rows of one file."""

    def __init__(
        self,
        form: TextFormat,
        numbers: Sequence[str],
        words: Sequence[str],
        keys: FileKeys,
        name: str,
        encoding: str,
    ) -> None:
        def places(columns: Iterable[str]) -> list[tuple[str, int]]:
            return [(column, form.columns.index(column.strip())) for column in columns]

        self.form, self.keys, self.name, self.encoding = form, keys, name, encoding
        self.numbers, self.words, self.times = places(numbers), places(words), places(keys.times)
        self.width = len(form.columns)
        self.decimal: Decimal | None = keys.decimal
        self.numeric_time: bool | None = None if len(keys.times) == 1 else False
        if keys.time_format is not None or keys.time_unit in ("iso", "hms"):
            self.numeric_time = False
        self.passed: Counter[str] = Counter()
        self.missing: set[str] = set()
        self.left_out: list[str] = []

    def read(self, text: Iterator[str], rate_hz: float | None) -> OwnTable:
        """All rows."""
        blocks: list[_Block] = []
        line, last_filled = self.form.first, 0
        try:
            while True:
                block, joined = _whole_rows(text)
                if not block:
                    break
                read = len(block)
                self._take_off_what_is_cut(block)
                no_nul(joined if len(block) == read else "".join(block), line + 1, self.name)
                if not block:
                    continue
                if self.form.line_end:
                    block = [without_end(row, self.form.line_end) for row in block]
                self._look_at(block, joined)
                blocks.append(self._plain(block, line) or self._exact(block, line))
                if not joined.isascii():
                    self._check_encoding(blocks[-1])
                if filled := _filled_rows(block, self.form.separator):
                    last_filled = line + filled
                line += read
        except UnicodeError as error:
            raise DataError(f"{self.name}, from row {line + 1}: the text is no {self.encoding}") from error
        lines = list(chain.from_iterable(one.lines for one in blocks))
        n = bisect_right(lines, last_filled)
        del lines[n:]
        if not n:
            raise DataError(f"{self.name}: there is a header but no row")
        stamps = self._stamps(blocks, lines, rate_hz)
        return OwnTable(
            signal=np.concatenate([one.signal for one in blocks], axis=1)[:, :n],
            words={c: [word for one in blocks for word in one.words[c]][:n] for c, _ in self.words},
            lines=lines,
            times=None if stamps is None else stamps.times,
            start_s=None if stamps is None else stamps.start_s,
            found=self._found(stamps),
            left_out=tuple(self.left_out),
        )

    def _found(self, stamps: Stamps | None) -> tuple[str, ...]:
        found = []
        if self.keys.encoding is None and self.encoding not in ("utf-8", "utf-8-sig"):
            found.append(f"encoding {self.encoding}")
        found += self.form.found
        if self.keys.decimal is None and self.decimal == ",":
            found.insert(len(found) and 1, "decimal ','")
        found += [f"{what} passed over: {count}" for what, count in self.passed.items()]
        if self.missing:
            found.append(f"missing where it says {', '.join(sorted(map(repr, self.missing)))}")
        return (*found, *([stamps.found] if stamps is not None and stamps.found else []))

    def _stamps(self, blocks: list[_Block], lines: list[int], rate_hz: float | None) -> Stamps | None:
        n = len(lines)
        if self.times and self.numeric_time:
            return from_numbers(
                np.concatenate([one.times for one in blocks])[:n], self.keys.time_unit, rate_hz
            )
        if self.times:
            fields = [field for one in blocks for field in one.times][:n]
            keys = self.keys.model_copy(update={"decimal": self.decimal})
            return from_fields(fields, keys, rate_hz, lines, self.name)
        if self.form.rate_hz:
            return Stamps(np.arange(n) / self.form.rate_hz, self.form.start_s)
        return None

    def _look_at(self, block: list[str], text: str) -> None:
        """Find out what the first rows that have any number say of all."""
        separator = self.form.separator
        open_decimal = self.decimal is None and ('"' if separator == "," else ",") in text
        if not (open_decimal or (self.times and self.numeric_time is None)):
            return
        rows = (row for line in block if len(row := split(line, separator)) >= self.width)
        if self.times and self.numeric_time is None:
            ((_, place),) = self.times
            given = (field for row in rows if (field := row[place].strip()).lower() not in MISSING)
            self.numeric_time = _is_exact(next(given, ""))
        if open_decimal:
            fields = [row for line in block if len(row := split(line, separator)) >= self.width]
            own = (row[place] for row in fields for _, place in self.numbers)
            stamps = (row[place] for row in fields for _, place in self.times if self.numeric_time)
            found = decimal_of(own)
            if found not in (".", ","):
                found = decimal_of(stamps) or found
            if found == "either" and separator != ";":
                raise DataError(
                    f'{self.name}: numbers such as "1,234" may be a thousand or one and a fraction; '
                    'say decimal = "," or decimal = "."'
                )
            self.decimal = "," if found == "either" else found

    def _plain(self, block: Sequence[str], line: int) -> _Block | None:
        """Lines without anything special; None where there is something, be it a fault or not."""
        texts = [place for _, place in (*self.words, *(() if self.numeric_time else self.times))]
        found = plain(block, self.form, self.keys, self.decimal or ".", self._number_places(), texts)
        if found is None:
            return None
        return self._block(*found, range(line + 1, line + 1 + len(block)))

    def _number_places(self) -> list[int]:
        """Where numbers stand, with those of the time stamps last."""
        return [place for _, place in (*self.numbers, *(self.times if self.numeric_time else ()))]

    def _exact(self, block: Sequence[str], line: int) -> _Block:
        """Lines row by row and field by field.

        Raises:
            DataError: what is wrong with one of them.
        """
        separator, name = self.form.separator, self.name
        if separator == BLANKS:
            block = [row.replace("\t", " ").strip() for row in block]
        rows = csv.reader(block, delimiter=separator, skipinitialspace=True, strict=True)
        lines, kept = [], []
        at = line
        try:
            for row in rows:
                at = line + rows.line_num
                if self._is_row(row, at):
                    lines.append(at)
                    kept.append(row[: self.width])
        except csv.Error as error:
            raise DataError(f"{name}, row {at + 1}: {error}; is a quote missing?") from error
        fields = list(zip(*kept, strict=True)) or [()] * self.width
        columns = [*self.numbers, *(self.times if self.numeric_time else ())]
        missing, decimal = self.keys.missing, self.decimal or "."
        is_said = self.keys.decimal is not None
        values = [floats(fields[place], c, lines, name, decimal, missing, is_said) for c, place in columns]
        for _, place in columns:
            self.missing |= {field.strip() for field in fields[place] if field.strip().lower() in _TOLD}
        return self._block(np.array(values).reshape(len(columns), len(lines)), dict(enumerate(fields)), lines)

    def _is_row(self, row: list[str], at: int) -> bool:
        """Is it one, and not a blank line, a comment or the header again?

        Raises:
            DataError: it has too few fields, or too many.
        """
        if len(row) < max(self.width, 2) and not any(field.strip() for field in row):
            return False
        if self.keys.comment and row[0].startswith(self.keys.comment):
            return False
        fits = len(row) >= self.width and not any(field.strip() for field in row[self.width :])
        if row[0][:1] in COMMENTS and row[0] and not (fits and self._are_numbers(row)):
            self.passed["comments"] += 1
            return False
        if self.form.header and [f.strip() for f in row] == [f.strip() for f in self.form.header]:
            self.passed["repeated headers"] += 1
            return False
        if not fits:
            what = f"{self.name}, row {at}: {len(row)} fields, the header has {self.width}"
            if len(row) > self.width:
                raise DataError(f"{what}; where all rows have more, say skip_rows and column_names")
            start = "".join(row[0].split()[:1])
            is_text = start and not like_number(start)
            raise DataError(what + (f'; if it is no row, say comment = "{start}"' if is_text else ""))
        return True

    def _are_numbers(self, row: list[str]) -> bool:
        try:
            for column, place in self.numbers:
                floats([row[place]], column, [0], "", self.decimal or ".", self.keys.missing)
        except DataError:
            return False
        return True

    def _block(self, values: np.ndarray, fields: dict[int, Sequence[str]], lines: Sequence[int]) -> _Block:
        """Numbers, with those of the time stamps last, and the fields of the other columns by their place."""
        n = len(self.numbers)
        found = {column: as_words(fields[place], self.keys.missing) for column, place in self.words}
        times: np.ndarray | list[str | None] = []
        if self.numeric_time and self.times:
            times = values[n]
        elif self.times:
            times = list(map(" ".join, zip(*(fields[place] for _, place in self.times), strict=True)))
        return _Block(np.ascontiguousarray(values[:n]), found, lines, times)

    def _check_encoding(self, block: _Block) -> None:
        """Numbers, and words of plain letters, are right in any encoding; others are not."""
        for word in filter(foreign, {word or "" for column in block.words.values() for word in column}):
            looks = encoding_of(word.encode("utf-8", "surrogateescape"))
            raise DataError(
                f"{self.name}: not {self.encoding.upper()} text, it looks like {looks}; save it as UTF-8, or "
                'say encoding = "cp1252" or the like'
            )

    def _take_off_what_is_cut(self, block: list[str]) -> None:
        numbers, words = ([place for _, place in own] for own in (self.numbers, (*self.words, *self.times)))
        if is_cut_off(block, self.form, numbers, words):
            block.pop()
            self.left_out.append("the last row is cut off and left out")


def _is_exact(field: str) -> bool:
    """Is it a number that a float holds to the last digit, and no date?"""
    try:
        return not is_packed(field) and abs(float(field.replace(",", "."))) < EXACT
    except ValueError:
        return False


def _filled_rows(block: Sequence[str], separator: str) -> int:
    """How many lines there are up to the last that has any field."""
    empty = separator + '" \t\r\n'
    return next((i for i in range(len(block), 0, -1) if block[i - 1].strip(empty)), 0)


def _whole_rows(text: Iterator[str]) -> tuple[list[str], str]:
    """The next lines, some more where a quoted field runs over the end of them; and all of them in one."""
    lines = list(islice(text, _BLOCK))
    joined = "".join(lines)
    if joined.count('"') % 2 == 0:
        return lines, joined
    for line in text:
        lines.append(line)
        if line.count('"') % 2 == 1:
            break
    return lines, "".join(lines)


def no_nul(text: str, line: int, name: str) -> None:
    """UTF-16 without its mark is UTF-8 to the letter, with a NUL in every character."""
    if "\0" in text:
        raise DataError(
            f"{name}, from row {line}: NUL characters, as in UTF-16 or binary data; save it as UTF-8, or say "
            'encoding = "utf-16-le"'
        )
