"""A user would lose an evening: the reader that docs/data.md shows is a whole one."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

DOCS = Path(__file__).parents[3] / "docs/data.md"


def test_the_reader_of_the_docs_reads(tmp_path: Path) -> None:
    (block,) = re.findall(r"```python\n(from typing.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, type] = {}
    exec(block, names)
    for name in ("P1_squat.csv", "P2_squat.csv"):
        np.savetxt(tmp_path / name, np.ones((500, 3)), delimiter=",")
    recordings = list(names["Gym"](tmp_path, None, print).recordings())
    assert [(one.subject.id, one.label, one.signal.shape) for one in recordings] == [
        ("P1", "squat", (3, 500)),
        ("P2", "squat", (3, 500)),
    ]
