"""The rows of a text file whose format is known.

They are read in blocks, since text takes ten times the memory of its numbers. A plain block, without quotes
and without a fault, goes through numpy at once; any other is read row by row and field by field, which gives
the same numbers or says what is wrong, and where.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from vqtext.data.readers.tables import encoding_of
from vqtext.data.text.cut_off import is_cut_off
from vqtext.data.text.dates import is_packed
from vqtext.data.text.exact_rows import ExactRows
from vqtext.data.text.fields import MISSING, Decimal, decimal_of
from vqtext.data.text.fields import words as as_words
from vqtext.data.text.file_keys import FileKeys
from vqtext.data.text.own_table import OwnTable
from vqtext.data.text.plain_rows import plain
from vqtext.data.text.text_files import foreign
from vqtext.data.text.text_rows import TextFormat, split, without_end
from vqtext.data.text.time_stamps import EXACT, Stamps, from_fields, from_numbers
from vqtext.errors import DataError

_BLOCK = 10_000  # lines


@dataclass(frozen=True)
class _Block:
    """Rows of a text file; ``times`` are numbers, or one text a row."""

    signal: np.ndarray
    words: dict[str, list[str | None]]
    lines: Sequence[int]
    times: np.ndarray | list[str | None]


class RowReader:
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
        self.exact = ExactRows(form, keys, self.numbers, name)
        self.left_out: list[str] = []

    def read(self, text: Iterator[str], rate_hz: float | None) -> OwnTable:
        """All rows."""
        blocks: list[_Block] = []
        line, last_filled = self.form.first, 0
        try:
            for block, joined in _in_blocks(text):
                read = len(block)
                self._take_off_what_is_cut(block)
                no_nul(joined if len(block) == read else "".join(block), line + 1, self.name)
                if not block:
                    continue
                if self.form.line_end:
                    block = [without_end(row, self.form.line_end) for row in block]
                self._look_at(block, joined)
                blocks.append(self._read_block(block, line))
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
            times=stamps.times,
            start_s=stamps.start_s,
            found=self._found(stamps),
            left_out=tuple(self.left_out),
        )

    def _found(self, stamps: Stamps) -> tuple[str, ...]:
        notes = []
        if self.keys.encoding is None and self.encoding not in ("utf-8", "utf-8-sig"):
            notes.append(f"encoding {self.encoding}")
        notes += self.form.found
        if self.keys.decimal is None and self.decimal == ",":
            notes.insert(len(notes) and 1, "decimal ','")
        notes += [f"{what} passed over: {count}" for what, count in self.exact.skipped.items()]
        if self.exact.missing:
            notes.append(f"missing where it says {', '.join(sorted(map(repr, self.exact.missing)))}")
        return (*notes, *filter(None, [stamps.found]))

    def _stamps(self, blocks: list[_Block], lines: list[int], rate_hz: float | None) -> Stamps:
        n = len(lines)
        if self.numeric_time:
            return from_numbers(
                np.concatenate([one.times for one in blocks])[:n], self.keys.time_unit, rate_hz
            )
        if self.times:
            fields = [field for one in blocks for field in one.times][:n]
            keys = self.keys.model_copy(update={"decimal": self.decimal})
            return from_fields(fields, keys, rate_hz, lines, self.name)
        if self.form.rate_hz:
            return Stamps(np.arange(n) / self.form.rate_hz, self.form.start_s)
        return Stamps()

    def _look_at(self, block: list[str], text: str) -> None:
        """Find out what the first rows that have any number say of all."""
        separator = self.form.separator
        is_decimal_open = self.decimal is None and ('"' if separator == "," else ",") in text
        is_time_open = bool(self.times) and self.numeric_time is None
        if not (is_decimal_open or is_time_open):
            return
        rows = (row for line in block if len(row := split(line, separator)) >= self.width)
        if is_time_open:
            ((_, place),) = self.times
            stamps = (field for row in rows if (field := row[place].strip()).lower() not in MISSING)
            self.numeric_time = _is_exact(next(stamps, ""))
        if is_decimal_open:
            self.decimal = self._decimal_of(block)

    def _decimal_of(self, block: list[str]) -> Decimal | None:
        """What stands before the fraction of the numbers, by the signal first; None where nothing says so.

        Raises:
            DataError: it may be read in two ways.
        """
        rows = [row for line in block if len(row := split(line, self.form.separator)) >= self.width]
        decimal = decimal_of(row[place] for row in rows for _, place in self.numbers)
        if decimal not in (".", ",") and self.numeric_time:
            decimal = decimal_of(row[place] for row in rows for _, place in self.times) or decimal
        if decimal != "either":
            return decimal
        if self.form.separator == ";":
            return ","
        raise DataError(
            f'{self.name}: numbers such as "1,234" may be a thousand or one and a fraction; '
            'say decimal = "," or decimal = "."'
        )

    def _read_block(self, block: Sequence[str], line: int) -> _Block:
        """Lines of the file that come after ``line`` others."""
        numeric, text = (self.times, []) if self.numeric_time else ([], self.times)
        columns, decimal = [*self.numbers, *numeric], self.decimal or "."
        texts = [place for _, place in (*self.words, *text)]
        parsed = plain(block, self.form, self.keys, decimal, [place for _, place in columns], texts)
        if parsed is not None:
            return self._block(*parsed, range(line + 1, line + 1 + len(block)))
        return self._block(*self.exact.read(block, line, columns, decimal))

    def _block(self, values: np.ndarray, fields: dict[int, Sequence[str]], lines: Sequence[int]) -> _Block:
        """Numbers, with those of the time stamps last, and the fields of the other columns by their place."""
        n = len(self.numbers)
        texts = {column: as_words(fields[place], self.keys.missing) for column, place in self.words}
        times: np.ndarray | list[str | None] = []
        if self.numeric_time:
            times = values[n]
        elif self.times:
            times = list(map(" ".join, zip(*(fields[place] for _, place in self.times), strict=True)))
        return _Block(np.ascontiguousarray(values[:n]), texts, lines, times)

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


def _in_blocks(text: Iterator[str]) -> Iterator[tuple[list[str], str]]:
    """Lines in blocks, longer where a quoted field runs over the end; each with its lines as one text."""
    while lines := list(islice(text, _BLOCK)):
        joined = "".join(lines)
        if joined.count('"') % 2 == 1:
            for line in text:
                lines.append(line)
                if line.count('"') % 2 == 1:
                    break
            joined = "".join(lines)
        yield lines, joined


def no_nul(text: str, line: int, name: str) -> None:
    """UTF-16 without its mark is UTF-8 to the letter, with a NUL in every character."""
    if "\0" in text:
        raise DataError(
            f"{name}, from row {line}: NUL characters, as in UTF-16 or binary data; save it as UTF-8, or say "
            'encoding = "utf-16-le"'
        )
