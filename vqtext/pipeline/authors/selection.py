"""Which labels are written now; the others stay as they stand in the file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from vqtext.errors import UsageError
from vqtext.pipeline.authors.base import Author, Data
from vqtext.pipeline.authors.ledger import Ledger
from vqtext.schema import LabelWords


def refreshed_labels(texts: Iterable[str], labels: Sequence[str]) -> set[str]:
    """The labels that ``--refresh`` names.

    Args:
        texts: a label each, which may have commas itself, or several with commas between.
        labels: of the data.

    Raises:
        UsageError: the data has no such label.
    """
    named: set[str] = set()
    for text in texts:
        parts = filter(None, map(str.strip, text.split(",")))
        named |= {text} if text in labels else {*parts}
    if unknown := sorted(named - {*labels}):
        raise UsageError(
            f"--refresh: the data has no label {unknown[0]!r}: choose from {', '.join(map(repr, labels))}"
        )
    return named


def labels_to_write(
    data: Data,
    standing: Mapping[str, LabelWords],
    ledger: Ledger,
    author: Author,
    recipe: str,
    refreshed: Collection[str] = (),
    forced: bool = False,
) -> list[str]:
    """Labels without words, with generated words that are out of date, or that are to be written anew.

    Args:
        standing: the words of each label in the file.
        recipe: of what would be written now.
        refreshed: labels to be written whoever wrote their words.
        forced: all labels, of those written by hand the ones that the author knows.
    """
    up_to_date = ledger.is_of(recipe)

    def is_to_be_written(name: str) -> bool:
        if name not in standing or name in refreshed:
            return True
        if not ledger.wrote(standing[name]):  # by hand
            return forced and author.knows(data, name)
        return forced or not up_to_date or ledger.outdated(standing[name])

    return [name for name in data.labels if is_to_be_written(name)]
