"""``vqtext prepare``: recordings → windows.h5."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.cache.fingerprint import JSON, fingerprint
from vqtext.cache.hdf5 import open_artifact
from vqtext.data.readers.base import Reader, open_reader
from vqtext.data.recordings.findings import ReadLog
from vqtext.data.windows.cutter import Cutter
from vqtext.data.windows.windowing import Cut
from vqtext.errors import ArtifactError, UsageError
from vqtext.pipeline.executing.choice import choose
from vqtext.pipeline.executing.executor import Executor, Serial
from vqtext.pipeline.preparing.parts import OpenReader, Part, ReadPart
from vqtext.pipeline.preparing.shards import BYTES, Shards
from vqtext.pipeline.stage import Stage


class Prepare(Stage):
    """Read the recordings of a data set and cut them into windows."""

    command = "prepare"
    artifact = "windows.h5"
    version = 4

    def inputs(self) -> dict[str, str]:
        data = self.settings.data
        reader = open_reader(data.name, data.path, data.rate_hz, lambda text: None)  # make warns
        return {"recordings": fingerprint(reader.dataset, reader.fingerprint())}

    def options(self) -> JSON:
        return self.settings.data.model_dump(mode="json", exclude={"path"})

    def made_of(self) -> str:
        return f" out of {self.settings.data.name}"

    def make(self, target: Path) -> None:
        self._spare_other_data()
        where = (self.settings.data.name, self.settings.data.path, self.settings.data.rate_hz)
        opened = OpenReader(*where)
        reader, log = opened.reader, ReadLog(self.progress.warn)
        for line in opened.take_warnings():
            self.progress.warn(line)
        cutter = Cutter(self._how(reader), reader.dataset, reader.exact_subjects)
        shards = Shards.resume(self.staging(), cutter)
        if shards.parts:
            self.progress.say(f"going on after {shards.parts} of {reader.parts} parts that were read before")
        read = ReadPart(*where, cutter.how, self.recipe(), opened)
        parts = [Part(number, reader.called(number)) for number in range(shards.parts, reader.parts)]
        done = self._executor(reader).map(read, parts)
        with closing(done), self.progress.bar("reading recordings") as tell:
            for part, found in zip(parts, done, strict=True):
                log.join(found.found, found.warned)
                for recording in found.recordings:
                    cutter.take(recording)
                if found.error is not None:
                    raise found.error
                if cutter.nbytes >= BYTES or part is parts[-1]:
                    shards.write(cutter, part.number + 1, self.recipe())
                tell(part.number + 1, reader.parts, {})
        for note in log.notes.lines():
            self.progress.say(note)
        if not cutter.recordings:
            raise cutter.nothing()
        for remark in [*log.remarks(), *cutter.remarks(), *reader.remarks(cutter.people.subjects)]:
            self.progress.warn(remark)
        shards.join(target, cutter, self.recipe())

    def summary(self) -> dict[str, Any]:
        with open_artifact(self.target, "windows") as file:
            label, subject = file["label"], file["subject"]
            return {
                "windows": len(label),
                "channels": len(file.attrs["channels"]),
                "steps": file.layout("signal")[0][2],
                "labels": _counts(label, file.attrs["labels"]),
                "subjects": _counts(subject, [known["id"] for known in file.attrs["subjects"]]),
                **file.attrs["signal"],
            }

    def lines(self, summary: Mapping[str, Any]) -> list[str]:
        shown = dict(summary)
        unused, truth = shown.pop("unused"), shown.pop("truth")
        why = ", ".join(f"{reason} {share:.1%}" for reason, share in unused["why"].items())
        shown["signal_in_no_window"] = f"{unused['share']:.1%}" + (f" ({why})" if why else "")
        if truth is not None:
            shown["truth"] = f"{truth['words']} words, for {truth['share']:.1%} of the signal"
        return super().lines(shown)

    def _spare_other_data(self) -> None:
        """Raises UsageError where the windows of one data set would make room for those of another that
        was not named: words were written for them, and perhaps paid for."""
        name = self.settings.data.name
        if "name" in self.settings.data.model_fields_set or not self.target.exists():
            return
        try:
            made = self.record().provenance
            if made is not None and isinstance(made.options, dict) and made.options.get("name") == name:
                return
            holds = "windows of other data"
        except ArtifactError:
            holds = "what cannot be read"
        raise UsageError(
            f"{self.target} holds {holds}, and no data set is named: say --data (and --path) as before, or "
            f"--data {name} to replace it; [data] in vqtext.toml says it for good"
        )

    def _executor(self, reader: Reader) -> Executor:
        if reader.independent:
            return choose(self.settings)
        if self.settings.executor not in (None, "serial"):
            self.progress.say("the parts of these data depend on each other: they are read in this process")
        return Serial()

    def _how(self, reader: Reader) -> Cut:
        """What the settings say, and the reader's own habit where they are silent."""
        data = self.settings.data
        own_stride = None if data.window_s else reader.stride_s  # a stride belongs to its window
        return Cut(
            window_s=data.window_s or reader.window_s,
            stride_s=data.stride_s or own_stride,
            borders=data.borders or reader.borders,
            rate_hz=data.rate_hz,
            bridge_s=data.bridge_s,
            gap_s=reader.gap_s,
        )


def _counts(codes: np.ndarray, names: list[str]) -> dict[str, int]:
    """How many windows have each name; −1 has none."""
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    return {name: int(count) for name, count in zip(names, counts, strict=True)}
