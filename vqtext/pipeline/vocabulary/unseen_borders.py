"""Neighbouring steps of a label that read the same: no sensor shows where one ends and the next begins.

Steps of which nothing at all is written are left to the order.
"""

from __future__ import annotations

from collections.abc import Sequence

from vqtext.pipeline.vocabulary.identifiability import Sensors
from vqtext.pipeline.vocabulary.readings import reads
from vqtext.schema import SubAction


def unseen_borders(steps: Sequence[SubAction], cyclic: bool, sensors: Sensors) -> list[list[int]]:
    """The steps of a label as runs of neighbours that read the same, most of them one step long.

    Args:
        cyclic: the last step has the first for a neighbour; a run that holds both comes first.

    Returns:
        Places of the steps, in order.
    """
    cells = reads(steps, sensors)

    def reads_same(i: int, j: int) -> bool:
        return cells[i] == cells[j] and any(any(read) for read in cells[i])

    runs = [[0]]
    for i in range(1, len(steps)):
        if reads_same(i - 1, i):
            runs[-1].append(i)
        else:
            runs.append([i])
    if cyclic and len(runs) > 1 and reads_same(len(steps) - 1, 0):
        runs = [runs[-1] + runs[0], *runs[1:-1]]
    return runs
