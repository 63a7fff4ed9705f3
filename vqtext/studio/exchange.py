"""Files of segments that the page gives and takes.

They hold what was found beside what a person said, and only the latter is read back: a guess must not become
a person's word by going out and coming in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence

from vqtext.errors import UsageError
from vqtext.pipeline.correcting.corrections import Corrections
from vqtext.studio.label_studio import from_label_studio, label_studio_config, to_label_studio
from vqtext.studio.segment_csv import from_csv, to_csv
from vqtext.studio.segments import Read, Segment
from vqtext.studio.server import Reply
from vqtext.studio.spans import Spans


def export(
    kind: object,
    segments: Callable[[], Sequence[Segment]],
    recordings: Collection[str],
    steps: Mapping[str, Sequence[str]],
    channels: Sequence[str],
) -> Reply:
    """A file to keep: csv, labelstudio, or config, that of a Label Studio project.

    Raises:
        UsageError: another kind.
    """
    if kind == "csv":
        return _file(to_csv(segments()), "text/csv", "steps.csv")
    if kind == "labelstudio":
        tasks = to_label_studio(segments(), recordings)
        return _file(json.dumps(tasks, ensure_ascii=False), "application/json", "label-studio.json")
    if kind == "config":
        return _file(label_studio_config(steps, channels), "application/xml", "label-studio-config.xml")
    raise UsageError("kind must be csv, labelstudio or config")


def read_segments(text: str, recordings: Collection[str], steps: Mapping[str, Sequence[str]]) -> Read:
    """Segments of such a file, whose recordings are all there.

    Raises:
        DataError: it is no such file.
        UsageError: a recording is not there.
    """
    if text.lstrip("\ufeff \n\r\t")[:1] in ("[", "{"):
        read = from_label_studio(text, recordings, steps)
    else:
        read = from_csv(text)
    for segment in read.segments:
        if segment.recording not in recordings:
            raise UsageError(f"there is no recording {segment.recording[:60]!r} in this cache")
    return read


def segments_of(found: Spans, corrections: Corrections, recordings: Collection[str]) -> list[Segment]:
    """What was found, then what a person said."""
    segments = [
        Segment(s.recording, s.start_s, s.end_s, s.label, s.phrase or "", s.confidence, "found")
        for spans in found.of.values()
        for s in spans
    ]
    segments += [
        Segment(c.recording, c.start_s, c.end_s, c.label, c.phrase)  # type: ignore[arg-type]  # kind is
        for c in corrections.of_kind("is")
        if c.recording in recordings
    ]
    return segments


def _file(text: str, kind: str, name: str) -> Reply:
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Reply(text.encode("utf-8", "replace"), f"{kind}; charset=utf-8", disposition)
