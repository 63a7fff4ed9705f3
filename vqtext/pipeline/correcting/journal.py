"""corrections.jsonl: each change of corrections.json as a line, so that a damaged file costs nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from vqtext.cache.publish import cannot_write
from vqtext.cache.reading import cannot_read
from vqtext.errors import ArtifactError

NAME = "corrections.jsonl"

Said: TypeAlias = Mapping[str, Any]
"""A correction as JSON."""


class Journal:
    """Lines ``{"at": UTC, "added": [correction, …], "removed": [id, …]}``. Its caller holds the lock."""

    def __init__(self, cache: Path) -> None:
        self.path = cache / NAME

    def changes(self) -> list[dict[str, Any]]:
        """All changes, the first one first. A line that was cut off, when its writer was killed, was never
        answered for, and is passed over.

        Raises:
            ArtifactError: another line is none.
        """
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise cannot_read(self.path, error) from None
        found = []
        for number, line in enumerate(text.split(b"\n")[:-1], 1):
            try:
                change = json.loads(line)
                change["at"], [*change["removed"]], [c["id"] for c in change["added"]]
            except (ValueError, KeyError, TypeError):
                raise ArtifactError(
                    f"{self.path}, line {number} is no change: mend it, or move the file away: "
                    "corrections.json holds those of now"
                ) from None
            found.append(change)
        return found

    def state(self) -> list[Said]:
        """What all changes lead to."""
        now: dict[str, Said] = {}
        for change in self.changes():
            for gone in change["removed"]:
                now.pop(gone, None)
            for one in change["added"]:
                now.pop(one["id"], None)
                now[one["id"]] = one
        return list(now.values())

    def append(self, wanted: Sequence[Said]) -> None:
        """Write down what leads from what was there to ``wanted``; nothing where nothing changes.

        Raises:
            ArtifactError: it cannot be written, or is damaged.
        """
        before = {one["id"]: one for one in self.state()}
        after = {one["id"]: one for one in wanted}
        added = [one for one in wanted if before.get(one["id"]) != one]
        removed = [gone for gone in before if gone not in after]
        if not added and not removed:
            return
        at = datetime.now(UTC).isoformat(timespec="seconds")
        line = json.dumps({"at": at, "added": added, "removed": removed}, ensure_ascii=False)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a+b") as file:
                whole = self.path.read_bytes()
                file.truncate(whole.rfind(b"\n") + 1)  # what a killed writer left
                file.write(line.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise cannot_write(self.path, error) from error
