"""Segments as the JSON of Label Studio's time series, in and out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from xml.sax.saxutils import quoteattr

from vqtext.errors import DataError
from vqtext.studio.segments import CORRECTED, FOUND, Read, Segment, left_out, seconds_of, segment

FROM, TO = "step", "signal"  # names of the two parts of a Label Studio project


def to_label_studio(segments: Iterable[Segment], recordings: Iterable[str]) -> list[dict[str, Any]]:
    """Tasks for Label Studio, one a recording: what was found as predictions, what a person said as
    annotations.

    ``data`` holds the recording's name and ``csv``, where its signal is looked for: ``NAME.csv``, with
    seconds in the column ``time``.
    """
    by_recording: dict[str, dict[str, list[Segment]]] = {
        name: {FOUND: [], CORRECTED: []} for name in recordings
    }
    for one in segments:
        by_recording[one.recording][one.source].append(one)
    tasks = []
    for name, of in by_recording.items():
        task: dict[str, Any] = {"data": {"recording": name, "csv": f"{name}.csv"}}
        if of[FOUND]:
            sure = sum(s.confidence for s in of[FOUND]) / len(of[FOUND])
            regions = _regions(of[FOUND])
            task["predictions"] = [{"model_version": "vqtext", "score": round(sure, 4), "result": regions}]
        if of[CORRECTED]:
            task["annotations"] = [{"result": _regions(of[CORRECTED])}]
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
        DataError: it is no such export, or names a recording or step that is not there; the message says
            where.
    """
    try:
        tasks = json.loads(text)
    except (ValueError, RecursionError):
        raise DataError("this is not JSON: export from Label Studio as JSON") from None
    known, step_of = {*recordings}, _steps_by_name(steps)
    left: Counter[str] = Counter()
    segments: list[Segment] = []
    for number, task in enumerate(tasks if isinstance(tasks, list) else [tasks], 1):
        where = f"task {number}"
        if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
            raise DataError(f"{where} has no data: export from Label Studio as JSON, not JSON-MIN")
        annotation = _annotation(task, left)
        if annotation is None:
            continue
        recording = _recording(task["data"], known, where)
        for region in _listed(annotation, where):
            value = region.get("value")
            names = value.get("timeserieslabels") if isinstance(value, dict) else None
            if not isinstance(value, dict) or not isinstance(names, list) or not names:
                left["regions that are no time series labels"] += 1
                continue
            step = _step(names, step_of, where)
            start, end = (seconds_of(value.get(name), f"{where}, {name}") for name in ("start", "end"))
            if start == end:
                left["regions without a length"] += 1
            else:
                segments.append(segment(recording, start, end, *step, where))
    return Read(tuple(segments), left_out(left))


def _annotation(task: Mapping[str, Any], left: Counter[str]) -> Mapping[str, Any] | None:
    """The annotation of a task that counts; the others are counted as left out."""
    annotations = task.get("annotations")
    offered = [one for one in annotations if isinstance(one, dict)] if isinstance(annotations, list) else []
    whole = [one for one in offered if not one.get("was_cancelled")]
    left["cancelled annotations"] += len(offered) - len(whole)
    if not whole:
        return None
    left["older annotations"] += len(whole) - 1
    return next((one for one in whole if one.get("ground_truth")), whole[-1])


def _step(names: Sequence[Any], step_of: Mapping[str, tuple[str, str]], where: str) -> tuple[str, str]:
    """Label and phrase that the labels of a region mean."""
    step = step_of.get(str(names[0]))
    if len(names) == 1 and step is not None:
        return step
    wrong = f"{len(names)} labels at once" if len(names) > 1 else f"the label {str(names[0])[:60]!r}"
    raise DataError(f"{where}: a region has {wrong}: write LABEL: PHRASE, as subactions.json has them")


def _regions(segments: Iterable[Segment]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"s{number}",
            "from_name": FROM,
            "to_name": TO,
            "type": "timeserieslabels",
            "score": round(one.confidence, 4),
            "value": {
                "start": one.start_s,
                "end": one.end_s,
                "instant": False,
                "timeserieslabels": [f"{one.label}: {one.phrase}"],
            },
        }
        for number, one in enumerate(segments)
        if one.phrase
    ]


def _steps_by_name(steps: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, str]]:
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
