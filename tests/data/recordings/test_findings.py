"""A user would lose: a warning, or read it once for each process that met it."""

from __future__ import annotations

from vqtext.data.recordings.findings import ReadLog


def read(log, part):
    """What reading a part finds; 1 and 2 have a gap, and every part says that no unit is known."""
    log.warn("no unit")
    if part in (1, 2):
        log.warn_once("gaps", f"{part}.csv: a gap")
    log.notes.add("separator ';'", f"{part}.csv")
    log.left_out.add("a column", f"{part}.csv")


def test_what_several_logs_found_is_what_one_would_have():
    alone: list[str] = []
    one = ReadLog(alone.append)
    for part in range(4):
        read(one, part)
    told: list[str] = []
    joined = ReadLog(told.append)
    for part in range(4):
        warned: list[str] = []
        log = ReadLog(warned.append)
        read(log, part)
        joined.join(log.take(), warned)
        assert log.counts == {} and log.notes.lines() == []
    assert told == ["no unit", "1.csv: a gap"] == list(dict.fromkeys(alone))
    assert joined.remarks() == one.remarks() == ["0.csv and 3 more: a column", "2 gaps"]
    assert joined.notes.lines() == one.notes.lines()
