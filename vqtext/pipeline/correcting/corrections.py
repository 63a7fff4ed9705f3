"""corrections.json: which step stretches of recordings show, and which steps never happen, by a person."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vqtext.cache.fingerprint import fingerprint
from vqtext.cache.lock import lock
from vqtext.cache.publish import publish
from vqtext.cache.reading import cannot_read
from vqtext.errors import ArtifactError, WordsError
from vqtext.pipeline.correcting.journal import Journal

NAME = "corrections.json"
VERSION: Literal[1] = 1
PATIENCE_S = 5.0  # for another studio on the same cache, which writes for milliseconds


class Correction(BaseModel):
    """One correction.

    Attributes:
        id: its own among all.
        kind: ``is``: this stretch of this recording shows that step of that label; ``never``: that step of
            that label never happens, and there is no stretch.
        recording, subject: as windows.h5 names them; subject None: unknown.
        start_s, end_s: seconds from the beginning of the recording.
        label, phrase: the step.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    id: str = Field(min_length=1)
    recording: str | None = None
    subject: str | None = None
    start_s: float | None = Field(default=None, ge=0)
    end_s: float | None = None
    label: str
    phrase: str | None
    kind: Literal["is", "never"]

    @model_validator(mode="after")
    def _is_whole(self) -> Correction:
        for text in (self.id, self.recording, self.subject, self.label, self.phrase):
            if any("\ud800" <= character <= "\udfff" for character in text or ""):
                raise ValueError("half a character cannot be stored")
        if self.phrase is None:
            raise ValueError("phrase: it names no step")
        if self.kind == "never":
            if (self.recording, self.start_s, self.end_s) != (None, None, None):
                raise ValueError("a step that never happens has no recording, start_s and end_s")
        elif self.recording is None or self.start_s is None or self.end_s is None:
            raise ValueError("recording, start_s and end_s must say which stretch it is")
        elif self.end_s <= self.start_s:
            raise ValueError(f"end_s ({self.end_s:g}) must come after start_s ({self.start_s:g})")
        return self


class Corrections(BaseModel):
    """All of a cache, in the order they were made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = VERSION
    corrections: tuple[Correction, ...] = ()

    @model_validator(mode="after")
    def _ids_differ(self) -> Corrections:
        ids = [c.id for c in self.corrections]
        twice = next((x for x in ids if ids.count(x) > 1), None) if len({*ids}) < len(ids) else None
        if twice is not None:
            raise ValueError(f"the id {twice!r} is there twice")
        return self

    def with_added(self, correction: Correction) -> Corrections:
        """These and one more; one of the same id is replaced."""
        return Corrections(corrections=(*self.without(correction.id).corrections, correction))

    def without(self, id: str) -> Corrections:
        """These without that one; there may be none of that id."""
        return Corrections(corrections=tuple(c for c in self.corrections if c.id != id))

    def fingerprint(self) -> str:
        """Equal where the corrections are, whatever the ids and in whatever order."""
        content = [c.model_dump(mode="json", exclude={"id"}) for c in self.corrections]
        return fingerprint(sorted(content, key=fingerprint))

    def of_kind(self, kind: Literal["is", "never"]) -> list[Correction]:
        """Those of one kind."""
        return [c for c in self.corrections if c.kind == kind]


def read_corrections(cache: Path) -> Corrections:
    """What corrections.json says; nothing, where nobody corrected anything.

    Raises:
        ArtifactError: damaged, or of another version; the message says how nothing is lost.
        UnreadableError: it cannot be read now.
    """
    path = cache / NAME
    journal = Journal(cache)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return _corrections(journal.state(), journal.path) if journal.path.exists() else Corrections()
    except UnicodeDecodeError:
        raise ArtifactError(f"{path} is not UTF-8 text{_way_back(journal)}") from None
    except OSError as error:
        raise cannot_read(path, error) from None
    try:
        content = json.loads(text)
    except ValueError:
        raise ArtifactError(f"{path} is not JSON{_way_back(journal)}") from None
    if isinstance(content, dict) and "version" not in content:
        raise ArtifactError(
            f'{path} has no "version" (written by hand: add "version": {VERSION}){_way_back(journal)}'
        )
    if isinstance(content, dict) and content.get("version") != VERSION:
        raise ArtifactError(
            f"{path} has version {content.get('version')!r}, this vqtext reads {VERSION}: install the vqtext "
            "that wrote it, or move the file away"
        )
    try:
        return Corrections.model_validate(content)
    except ValidationError as error:
        raise ArtifactError(f"{path}, {first_fault(error)}{_way_back(journal)}") from None


def write_corrections(cache: Path, corrections: Corrections) -> None:
    """Put these in the place of what corrections.json says.

    What changes is appended to the journal first and both are brought onto the disk, so that a kill at any
    moment leaves either these or those of before, whole.

    Raises:
        ArtifactError: the cache cannot be written, or another process writes there for long.
    """
    path = cache / NAME
    with lock(path, wait_s=PATIENCE_S):
        Journal(cache).append([c.model_dump(mode="json") for c in corrections.corrections])
        with publish(path) as temp:
            content = corrections.model_dump(mode="json")
            temp.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def make_correction(**content: object) -> Correction:
    """A correction out of what somebody sent.

    Raises:
        WordsError: it is none; the message says which part.
    """
    try:
        return Correction.model_validate(content)
    except ValidationError as error:
        raise WordsError(f"this is no correction: {first_fault(error)}") from None


def first_fault(error: ValidationError) -> str:
    """The first thing that is wrong, in one line."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    what = first["msg"].removeprefix("Value error, ")
    return f"{where}: {what}" if where else what


def _corrections(content: Iterable[object], path: Path) -> Corrections:
    try:
        return Corrections.model_validate({"corrections": content})
    except ValidationError as error:
        raise ArtifactError(f"{path}, {first_fault(error)}: move it away to begin anew") from None


def _way_back(journal: Journal) -> str:
    if not journal.path.exists():
        return ": mend it by hand, or move it away to begin anew"
    return f": move it away, and what it held is read from {journal.path.name} beside it"
