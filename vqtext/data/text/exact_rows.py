"""Rows of text read one by one and field by field: what is no plain block, and what is wrong with it."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence

import numpy as np

from vqtext.data.text.fields import MISSING, Decimal, floats, like_number
from vqtext.data.text.file_keys import BLANKS, FileKeys
from vqtext.data.text.text_rows import COMMENTS, TextFormat
from vqtext.errors import DataError

_REPORTED = MISSING - {"", "nan", "-nan"}  # words for a missing sample that a user should know of


class ExactRows:
    """Reads lines of one file.

    Args:
        numbers: the columns of signal, and their places.
        name: what errors call the file.

    Attributes:
        skipped: what lines were passed over, and how many.
        missing: unusual words for a missing sample, as they stand there.
    """

    def __init__(
        self, form: TextFormat, keys: FileKeys, numbers: Sequence[tuple[str, int]], name: str
    ) -> None:
        self.form, self.keys, self.numbers, self.name = form, keys, numbers, name
        self.width = len(form.columns)
        self.skipped: Counter[str] = Counter()
        self.missing: set[str] = set()

    def read(
        self, block: Sequence[str], line: int, columns: Sequence[tuple[str, int]], decimal: Decimal
    ) -> tuple[np.ndarray, dict[int, Sequence[str]], list[int]]:
        """Columns of numbers, ``(C, n)``, the fields of all columns by their place, and the line of each row.

        Args:
            line: lines of the file before these.
            columns: those of numbers, the signal's and of time stamps, and their places.

        Raises:
            DataError: what is wrong with a row; names row and column.
        """
        separator = self.form.separator
        if separator == BLANKS:
            block = [row.replace("\t", " ").strip() for row in block]
        rows = csv.reader(block, delimiter=separator, skipinitialspace=True, strict=True)
        lines, kept = [], []
        at = line
        try:
            for row in rows:
                at = line + rows.line_num
                if self._is_row(row, at, decimal):
                    lines.append(at)
                    kept.append(row[: self.width])
        except csv.Error as error:
            raise DataError(f"{self.name}, row {at + 1}: {error}; is a quote missing?") from error
        fields = list(zip(*kept, strict=True)) or [()] * self.width
        is_declared = self.keys.decimal is not None
        values = [
            floats(fields[place], column, lines, self.name, decimal, self.keys.missing, is_declared)
            for column, place in columns
        ]
        for _, place in columns:
            self.missing |= {field.strip() for field in fields[place] if field.strip().lower() in _REPORTED}
        return np.array(values).reshape(len(columns), len(lines)), dict(enumerate(fields)), lines

    def _is_row(self, row: list[str], at: int, decimal: Decimal) -> bool:
        """Is it one, and not a blank line, a comment or the header again?

        Raises:
            DataError: it has too few fields, or too many.
        """
        if len(row) < max(self.width, 2) and not any(field.strip() for field in row):
            return False
        if self.keys.comment and row[0].startswith(self.keys.comment):
            return False
        fits = len(row) >= self.width and not any(field.strip() for field in row[self.width :])
        if row[0][:1] in COMMENTS and row[0] and not (fits and self._are_numbers(row, decimal)):
            self.skipped["comments"] += 1
            return False
        if self.form.header and [f.strip() for f in row] == [f.strip() for f in self.form.header]:
            self.skipped["repeated headers"] += 1
            return False
        if not fits:
            what = f"{self.name}, row {at}: {len(row)} fields, the header has {self.width}"
            if len(row) > self.width:
                raise DataError(f"{what}; where all rows have more, say skip_rows and column_names")
            start = "".join(row[0].split()[:1])
            is_text = start and not like_number(start)
            raise DataError(what + (f'; if it is no row, say comment = "{start}"' if is_text else ""))
        return True

    def _are_numbers(self, row: list[str], decimal: Decimal) -> bool:
        try:
            for column, place in self.numbers:
                floats([row[place]], column, [0], "", decimal, self.keys.missing)
        except DataError:
            return False
        return True
