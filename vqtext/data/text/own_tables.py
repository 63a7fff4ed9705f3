"""The tables of own data: text files → the columns that matter."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice
from pathlib import Path

from vqtext.data.text.file_keys import FileKeys
from vqtext.data.text.own_table import OwnTable
from vqtext.data.text.row_reader import RowReader, no_nul
from vqtext.data.text.text_files import encodings, open_text
from vqtext.data.text.text_format import HEAD, sniff
from vqtext.errors import DataError


def read_csv(
    file: Path,
    name: str,
    numbers: Sequence[str],
    words: Sequence[str],
    keys: FileKeys | None = None,
    rate_hz: float | None = None,
) -> OwnTable:
    """A text file.

    Args:
        name: what errors call the file.
        numbers, words: the columns wanted.
        keys: how it is written, and its columns of time stamps; what is left open is found.
        rate_hz: samples a second, about: the unit of its time stamps is found by it.

    Raises:
        DataError: the file is empty or cannot be read, a column is missing, or a row is wrong; names file,
            row and column.
    """
    keys = keys or FileKeys()
    wanted = [*numbers, *words, *keys.times]
    failed: DataError | None = None
    for encoding in [keys.encoding] if keys.encoding else encodings(file, name):
        with open_text(file, name, encoding) as text:
            try:
                head = list(islice(text, HEAD + (keys.skip_rows or 0)))
            except UnicodeError as error:
                raise DataError(f"{name}: the text is no {encoding}") from error
            if not head:
                raise DataError(f"{name}: the file is empty")
            no_nul("".join(head[:-1]) or head[0], 1, name)
            try:
                form = sniff(head, wanted, numbers, keys, name)
            except DataError as error:
                failed = failed or error
                continue
            rows = RowReader(form, numbers, words, keys, name, encoding)
            return rows.read(chain(head[form.first :], text), rate_hz)
    assert failed is not None
    raise failed
