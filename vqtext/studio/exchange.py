"""Segments in and out: CSV, and the JSON of Label Studio's time series.

Both hold what was found beside what a person said, and only the latter is read back: a guess must not become
a person's word by going out and coming in.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any, Literal
from xml.sax.saxutils import quoteattr

from vqtext.errors import DataError

FOUND, SAID = "found", "corrected"
NEEDED = ("recording", "start_s", "end_s", "label", "phrase")
FROM, TO = "step", "signal"  # names of the two parts of a Label Studio project


@dataclass(frozen=True)
class Segment:
    """A stretch of a recording that is a step of a label.

    Attributes:
        recording: its name.
        start_s, end_s: seconds from the beginning of the recording.
        label, phrase: the step; phrase "" where it is none of the label's.
        confidence: 0 to 1; of what a person said, 1.
        source: whether it was found, or said by a person.
    """

    recording: str
    start_s: float
    end_s: float
    label: str
    phrase: str
    confidence: float = 1.0
    source: Literal["found", "corrected"] = "corrected"


@dataclass(frozen=True)
class Read:
    """What a file says: the segments that a person said, and a line on each thing that was left out."""

    segments: tuple[Segment, ...]
    left_out: tuple[str, ...] = ()


def to_csv(segments: Iterable[Segment]) -> str:
    """A line a segment, with a head of the names of `Segment`."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [*NEEDED, "confidence", "source"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(segment) for segment in segments)
    return out.getvalue()


def from_csv(text: str) -> Read:
    """Segments out of a CSV with columns recording, start_s, end_s, label and phrase, split by commas,
    semicolons or tabs. Lines whose column ``source`` says "found" are left out.

    Raises:
        DataError: it is no such CSV; the message says in which line.
    """
    text = text.removeprefix("\ufeff")
    head = text.partition("\n")[0]
    try:
        rows = csv.DictReader(io.StringIO(text), delimiter=max(",;\t", key=head.count), strict=True)
        names = rows.fieldnames or ()
        if lacking := [name for name in NEEDED if name not in names]:
            raise DataError(f"line 1 must name the columns {', '.join(NEEDED)}: there is no {lacking[0]}")
        said, found = [], 0
        for row in rows:
            where = f"line {rows.line_num}"
            if row.get("source") == FOUND:
                found += 1
                continue
            if any(row[name] is None for name in NEEDED) or None in row:
                raise DataError(f"{where} has not one value for each column of line 1")
            start, end = (_seconds(row[name], f"{where}, {name}") for name in ("start_s", "end_s"))
            said.append(_segment(row["recording"], start, end, row["label"], row["phrase"], where))
    except csv.Error as error:
        raise DataError(f"line {rows.line_num}: not CSV ({error})") from None
    return Read(tuple(said), _told({"lines that were found, not said by a person": found}))


def to_label_studio(segments: Iterable[Segment], recordings: Iterable[str]) -> list[dict[str, Any]]:
    """Tasks for Label Studio, one a recording: what was found as predictions, what was said as annotations.

    ``data`` holds the recording's name and ``csv``, where its signal is looked for: ``NAME.csv``, with
    seconds in the column ``time``.
    """
    mine: dict[str, dict[str, list[Segment]]] = {name: {FOUND: [], SAID: []} for name in recordings}
    for segment in segments:
        mine[segment.recording][segment.source].append(segment)
    tasks = []
    for name, of in mine.items():
        task: dict[str, Any] = {"data": {"recording": name, "csv": f"{name}.csv"}}
        if of[FOUND]:
            sure = sum(s.confidence for s in of[FOUND]) / len(of[FOUND])
            regions = _regions(of[FOUND])
            task["predictions"] = [{"model_version": "vqtext", "score": round(sure, 4), "result": regions}]
        if of[SAID]:
            task["annotations"] = [{"result": _regions(of[SAID])}]
        tasks.append(task)
    return tasks


def label_studio_config(steps: Mapping[str, Sequence[str]], channels: Iterable[str]) -> str:
    """The labelling configuration of a project for such tasks.

    Args:
        steps: label → its phrases.
        channels: names of the columns of each CSV, beside ``time``.
    """
    names = [f"{label}: {phrase}" for label, phrases in steps.items() for phrase in phrases]
    labels = "\n".join(f"    <Label value={quoteattr(name)}/>" for name in names)
    columns = "\n".join(f"    <Channel column={quoteattr(name)}/>" for name in channels)
    return (
        f'<View>\n  <TimeSeriesLabels name="{FROM}" toName="{TO}">\n{labels}\n  </TimeSeriesLabels>\n'
        f'  <TimeSeries name="{TO}" valueType="url" value="$csv" timeColumn="time">\n{columns}\n'
        "  </TimeSeries>\n</View>\n"
    )


def from_label_studio(text: str, recordings: Iterable[str], steps: Mapping[str, Sequence[str]]) -> Read:
    """Segments out of an export of Label Studio (JSON): of each task the annotation that is the ground truth,
    else the last one. Predictions are left out.

    A task's recording is its ``data.recording``, else the one whose name is that of a file in its ``data``. A
    region's label is ``LABEL: PHRASE``, or a phrase that one label alone has.

    Raises:
        DataError: it is no such export, or names what nobody knows; the message says where.
    """
    try:
        tasks = json.loads(text)
    except (ValueError, RecursionError):
        raise DataError("this is not JSON: export from Label Studio as JSON") from None
    tasks = tasks if isinstance(tasks, list) else [tasks]
    known, meant = {*recordings}, _meant(steps)
    said: list[Segment] = []
    left = {"older annotations": 0, "cancelled annotations": 0, "regions without a length": 0}
    left["regions that are no time series labels"] = 0
    for number, task in enumerate(tasks, 1):
        where = f"task {number}"
        if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
            raise DataError(f"{where} has no data: export from Label Studio as JSON, not JSON-MIN")
        annotations = task.get("annotations")
        offered = (
            [one for one in annotations if isinstance(one, dict)] if isinstance(annotations, list) else []
        )
        made = [one for one in offered if not one.get("was_cancelled")]
        left["cancelled annotations"] += len(offered) - len(made)
        if not made:
            continue
        recording = _recording(task["data"], known, where)
        left["older annotations"] += len(made) - 1
        chosen = next((one for one in made if one.get("ground_truth")), made[-1])
        for region in _listed(chosen, where):
            value = region.get("value")
            names = value.get("timeserieslabels") if isinstance(value, dict) else None
            if not isinstance(value, dict) or not isinstance(names, list) or not names:
                left["regions that are no time series labels"] += 1
                continue
            step = meant.get(str(names[0]))
            if len(names) > 1 or step is None:
                one = (
                    f"{len(names)} labels at once" if len(names) > 1 else f"the label {str(names[0])[:60]!r}"
                )
                raise DataError(
                    f"{where}: a region has {one}: write LABEL: PHRASE, as subactions.json has them"
                )
            start, end = (_seconds(value.get(name), f"{where}, {name}") for name in ("start", "end"))
            if start == end:
                left["regions without a length"] += 1
                continue
            said.append(_segment(recording, start, end, *step, where))
    return Read(tuple(said), _told(left))


def _regions(segments: Iterable[Segment]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"s{number}",
            "from_name": FROM,
            "to_name": TO,
            "type": "timeserieslabels",
            "score": round(segment.confidence, 4),
            "value": {
                "start": segment.start_s,
                "end": segment.end_s,
                "instant": False,
                "timeserieslabels": [f"{segment.label}: {segment.phrase}"],
            },
        }
        for number, segment in enumerate(segments)
        if segment.phrase
    ]


def _meant(steps: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, str]]:
    """What a region's label may be called → label and phrase; what could mean two steps is left out."""
    found: dict[str, set[tuple[str, str]]] = {}
    for label, phrases in steps.items():
        for phrase in phrases:
            for name in (f"{label}: {phrase}", phrase):
                found.setdefault(name, set()).add((label, phrase))
    return {name: next(iter(of)) for name, of in found.items() if len(of) == 1}


def _recording(data: Mapping[str, Any], known: set[str], where: str) -> str:
    for value in (data.get("recording"), *data.values()):
        if isinstance(value, str):
            stem = PurePosixPath(value.partition("?")[0]).stem
            for name in (value, stem, stem.partition("-")[2]):  # Label Studio puts "1a2b3c4d-" before a file
                if name in known:
                    return name
    raise DataError(f"{where}: none of its data names a recording of this cache: add data.recording")


def _listed(annotation: Mapping[str, Any], where: str) -> Iterator[dict[str, Any]]:
    regions = annotation.get("result")
    if not isinstance(regions, list):
        raise DataError(f"{where}: an annotation has no list of results")
    yield from (region for region in regions if isinstance(region, dict))


def _segment(recording: str, start: float, end: float, label: str, phrase: str, where: str) -> Segment:
    if not 0 <= start < end:
        raise DataError(f"{where}: it ends at {end:g} s and begins at {start:g} s: the end must come later")
    return Segment(recording, start, end, label, phrase)


def _seconds(value: object, where: str) -> float:
    try:
        seconds = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        seconds = math.nan
    if isinstance(value, bool) or not math.isfinite(seconds):
        raise DataError(
            f"{where}: {str(value)[:40]!r} is no number of seconds from the recording's beginning"
        )
    return seconds


def _told(left: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(f"{count} {what}" for what, count in left.items() if count)
