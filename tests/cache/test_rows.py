"""A user would lose: training on a file that is larger than memory, or rows of the wrong window."""

from __future__ import annotations

import multiprocessing
import pickle

import numpy as np
import pytest

from vqtext.cache import hdf5
from vqtext.cache.rows import StoredRows
from vqtext.errors import ArtifactError

ROWS = np.random.default_rng(0).normal(size=(50, 3, 40)).astype(np.float32)


@pytest.fixture
def stored(tmp_path):
    hdf5.write(tmp_path / "a.h5", "some", {"signal": ROWS, "label": np.arange(50)}, {}, "r")
    return StoredRows(tmp_path / "a.h5", "some", "signal")


INDICES = [
    3,
    -1,
    np.int64(7),
    slice(None),
    slice(5, 9),
    slice(40, 99),
    slice(9, 5),
    slice(0, 50, 7),
    np.array([4, 4, 0, 49]),
    [2, 1],
    np.arange(50) % 3 == 0,
    np.array([], dtype=int),
    (4, 1),
    (4, slice(None), slice(2, 5)),
    (slice(3, 6), 1),
    (np.array([9, 2]), slice(None), 5),
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_rows_are_those_of_the_array(stored, index):
    np.testing.assert_array_equal(stored[index], ROWS[index])


def test_shape_and_size_are_known_without_reading(stored):
    assert stored.shape == ROWS.shape and len(stored) == 50 and stored.nbytes == ROWS.nbytes


def _take(rows):
    return rows[[5, 1]]


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_another_process_reads_for_itself(stored, start):
    stored[0]
    with multiprocessing.get_context(start).Pool(1) as pool:
        np.testing.assert_array_equal(pool.apply(_take, (stored,)), ROWS[[5, 1]])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(stored))[2], ROWS[2])


def test_rows_beyond_the_end_are_an_error(stored):
    with pytest.raises(IndexError):
        stored[50]


def test_a_file_that_was_made_again_is_not_taken_for_the_old_one(stored, tmp_path):
    sent = pickle.dumps(stored)
    hdf5.write(tmp_path / "b.h5", "some", {"signal": ROWS + 1}, {}, "r")
    (tmp_path / "b.h5").replace(tmp_path / "a.h5")
    np.testing.assert_array_equal(stored[1], ROWS[1])  # who has it open keeps the old one
    with pytest.raises(ArtifactError):
        pickle.loads(sent)[0]
