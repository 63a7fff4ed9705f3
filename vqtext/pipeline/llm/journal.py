"""The journal: every reply that was paid for, on disk before anything is made of it.

A reply is known by what was asked (`request_key`): a stage that died, failed or was stopped asks again and
finds the replies that had arrived. Replies that could not be used are kept too; asking the same again
would only pay for them again.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from vqtext.cache.lock import lock
from vqtext.cache.publish import publish
from vqtext.errors import ArtifactError
from vqtext.pipeline.llm.question import Message, ReplyFormat

SCHEMA = 1
_APPLICATION = 0x76715458  # "vqTX", in the file's header: no other program's database is ever written to
_BUSY_S = 60.0  # another process that writes takes milliseconds


@dataclass(frozen=True)
class Reply:
    """One reply, as it came.

    Attributes:
        text: the model's reply; may be empty.
        finish: why it stopped: stop, length, content_filter or the server's own word.
        refusal: the model's words where it refused; None where it did not.
        reply_format: what the server was asked to hold the model to.
        model: the model, as the server called it.
        prompt_tokens, reply_tokens: as the server counted them; None where it did not.
        seconds: from sending to the last byte, failed attempts and waits among them.
        arrived: when, ISO 8601, UTC.
    """

    text: str
    finish: str
    refusal: str | None
    reply_format: ReplyFormat
    model: str
    prompt_tokens: int | None
    reply_tokens: int | None
    seconds: float
    arrived: str


_COLUMNS = [field.name for field in fields(Reply)]
_TYPES = {"prompt_tokens": "INTEGER", "reply_tokens": "INTEGER", "seconds": "REAL"}
_EMPTY = f"""
PRAGMA synchronous = OFF; -- the whole file is put on the disk at once, when it is published
PRAGMA journal_mode = WAL; -- a reader never waits for a writer
CREATE TABLE replies (
    key TEXT PRIMARY KEY, about TEXT, {", ".join(f"{name} {_TYPES.get(name, 'TEXT')}" for name in _COLUMNS)}
);
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {SCHEMA};
"""


def request_key(
    server: str,
    model: str,
    messages: Sequence[Message],
    schema: dict[str, Any],
    temperature: float,
    max_tokens: int | None,
    draft: int,
) -> str:
    """What a request is known by: SHA-256 of all that makes its reply what it is."""
    content = {
        "server": server,
        "model": model,
        "messages": list(messages),
        "schema": schema,
        "temperature": float(temperature),
        "max_tokens": max_tokens,
        "draft": draft,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Journal:
    """The replies in one SQLite file. Threads and processes may share it.

    Raises:
        ArtifactError: the file cannot be written, is damaged, or is none of ours; it is left as it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._door():
                if not path.exists():
                    with publish(path) as temp, closing(sqlite3.connect(temp)) as empty:
                        empty.executescript(_EMPTY)
                self._file = self._open()
        except OSError as error:
            raise ArtifactError(f"{path} cannot be opened ({error}): can its folder be written?") from None
        except sqlite3.Error as error:
            raise self._unusable(error) from None

    def find(self, key: str) -> Reply | None:
        """The reply to a request; None where there is none yet."""
        row = self._run(f"SELECT {', '.join(_COLUMNS)} FROM replies WHERE key = ?", key)
        return Reply(*row) if row else None

    def keep(self, key: str, about: str, reply: Reply) -> None:
        """Write a reply, in place of one to the same request. When this returns it survives a power cut."""
        marks = ", ".join("?" * (len(_COLUMNS) + 2))
        self._run(
            f"INSERT OR REPLACE INTO replies (key, about, {', '.join(_COLUMNS)}) VALUES ({marks})",
            key,
            about,
            *astuple(reply),
        )

    def close(self) -> None:
        with self._lock, self._door():
            self._file.close()

    def _door(self) -> AbstractContextManager[None]:
        """Processes take turns to open and close: SQLite does not wait for one that turns WAL on or off."""
        return lock(self.path, _BUSY_S)

    def _run(self, statement: str, *values: Any) -> Any:
        with self._lock:
            try:
                return self._file.execute(statement, values).fetchone()
            except sqlite3.Error as error:
                raise self._unusable(error) from None

    def _open(self) -> sqlite3.Connection:
        try:
            file = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise self._unusable(error) from None
        try:
            self._check(file)
            file.execute("PRAGMA synchronous = FULL")  # a reply is on the disk, not only with the system
        except sqlite3.Error as error:
            file.close()
            raise self._unusable(error) from None
        except ArtifactError:
            file.close()
            raise
        return file

    def _check(self, file: sqlite3.Connection) -> None:
        ((application,),) = file.execute("PRAGMA application_id")
        ((version,),) = file.execute("PRAGMA user_version")
        if application != _APPLICATION:
            raise ArtifactError(f"{self.path} is a database of another program: move it away")
        if version != SCHEMA:
            raise ArtifactError(
                f"{self.path} was written by another version of vqtext (schema {version}, this one knows "
                f"{SCHEMA}): use that version, or move the file away to pay for its replies again"
            )
        # Damage is found now rather than when a reply is there that cannot be kept.
        ((result,),) = file.execute("PRAGMA quick_check(1)")
        if result != "ok":
            raise sqlite3.DatabaseError(result)

    def _unusable(self, error: sqlite3.Error) -> ArtifactError:
        reason = " ".join(str(error).split())
        if isinstance(error, sqlite3.OperationalError):  # full disk, no right to write, locked for too long
            return ArtifactError(
                f"{self.path} cannot be used ({reason}): free the disk or the file, then go on"
            )
        return ArtifactError(
            f"{self.path} is damaged ({reason}): move it away to pay for its replies again, or save what can "
            f'be read with `sqlite3 {self.path} ".recover" | sqlite3 recovered.sqlite`'
        )
