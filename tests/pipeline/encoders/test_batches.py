"""A user would lose: a quarter of the time of `vqtext embed`, to padding."""

from __future__ import annotations

import pytest

from vqtext.pipeline.encoders.base import batches


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([], []),
        ([1], [1]),
        ([500], [1]),  # longer than a batch may be, and yet read
        ([1, 1, 1, 1, 1], [4, 1]),
        ([10, 20, 40, 90, 95, 500, 500], [3, 1, 1, 1, 1]),
        ([50, 50, 60], [2, 1]),
        ([3, 3, 3, 3, 34], [4, 1]),
    ],
)
def test_batches_hold_few_texts_and_few_tokens(lengths, expected):
    found = list(batches(lengths, most_texts=4, most_tokens=120))
    assert [part.stop - part.start for part in found] == expected
    assert [i for part in found for i in range(part.start, part.stop)] == list(range(len(lengths)))
