"""A user would lose: a clear word on a run that cannot be used, instead of a traceback."""

from pathlib import Path

import numpy as np
import pytest
from test_unseen import study

from vqtext.data.splits.splits import Split
from vqtext.errors import ArtifactError
from vqtext.pipeline.training.run_record import folds_of

WORDS = {"round_s": [0.5, None], "absent": [[], [1]]}


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"round_s": [0.5, None]},
        WORDS | {"absent": [[0]]},
        WORDS | {"absent": "x"},
        WORDS | {"round_s": 3},
        WORDS | {"round_s": [None]},
    ],
)
def test_a_run_that_does_not_say_what_words_it_was_given_is_told_in_a_line(words: dict) -> None:
    windows = study()
    test = np.flatnonzero(windows.subject == 1)
    rest = np.flatnonzero(windows.subject != 1)
    split = Split(rest, rest[:0], test, "subjects", ("1",), (), 0, ())
    entry = {**split.describe(), "best": "seed-0"}
    run = {"seeds": [0], "splits": [{**entry, **words}]}
    with pytest.raises(ArtifactError, match=r"run\.json.*train --run default"):
        folds_of(Path("runs/default"), run, windows)
    whole = {"seeds": [0], "splits": [{**entry, **WORDS}]}
    assert len(folds_of(Path("runs/default"), whole, windows)) == 1
