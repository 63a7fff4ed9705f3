"""The study of ``csv_study``."""

from __future__ import annotations

import pytest
from csv_study import CONTENTS, write


@pytest.fixture
def folder(tmp_path):
    """A study with one recording of 20 rows."""
    (tmp_path / "recordings").mkdir()
    (tmp_path / "dataset.toml").write_text(CONTENTS)
    write(tmp_path, "a.csv", [f"{i},{i},180,walking,13" for i in range(20)])
    return tmp_path
