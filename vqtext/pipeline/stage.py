"""The contract that all stages share: (settings, input artifacts) → one output artifact.

An artifact carries what it was made from: the contents of its inputs and the options that matter to it. Two
questions are asked of it, and they differ:

- *Is it up to date?* (`Stage.is_current`, asked when its own command runs): inputs **and** options are those
  of now. If not, it is made again.
- *May it be used?* (`Stage.check`, asked by the stages after it): its inputs are those of now. Options are
  not compared: ``vqtext dedup --threshold 0.8`` made what the user wanted, though the settings that
  ``vqtext train`` sees still say 0.85.

A content is a fingerprint that stands in the artifact, so that both questions cost milliseconds.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from vqtext.cache import hdf5
from vqtext.cache.fingerprint import JSON, file_fingerprint, fingerprint
from vqtext.cache.lock import lock
from vqtext.cache.publish import publish, publish_folder, recover_folder, remove, was_interrupted
from vqtext.cache.reading import cannot_read
from vqtext.cache.remake import how_to_remake
from vqtext.console.progress import Progress
from vqtext.console.text import as_text
from vqtext.errors import ArtifactError
from vqtext.settings.schema import Settings


class MissingError(ArtifactError):
    """An artifact that is not there yet."""


class StaleError(ArtifactError):
    """An artifact whose inputs changed after it was made."""


@dataclass(frozen=True)
class Provenance:
    """What an artifact was made from.

    Attributes:
        made_by: command and version of the stage, such as "embed 1".
        inputs: content of each input, by name.
        options: the settings that matter to it.
        recipe: fingerprint of the other three.
    """

    made_by: str
    inputs: dict[str, str]
    options: JSON
    recipe: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data: a stage that writes JSON puts these four keys at its top."""
        return asdict(self)


@dataclass(frozen=True)
class Record:
    """What an artifact says of itself.

    Attributes:
        content: fingerprint of what it holds.
        created: when, ISO 8601, UTC.
        provenance: what it was made from; None where nothing was written down, as in a file made by hand.
    """

    content: str
    created: str
    provenance: Provenance | None


class Stage(ABC):
    """One command, one artifact.

    Methods say which settings matter (`options`), how it is made (`make`) and what is in it (`summary`).

    Attributes:
        command: ``vqtext COMMAND`` makes the artifact.
        artifact: its place in the cache, where `target` does not say otherwise.
        version: raised when the code changes what it writes; older artifacts are then stale.
        folder: the artifact is a folder that holds a ``run.json``.
        reads: the stages whose artifacts it reads, in the order of the flow; see `sources`.
    """

    command: ClassVar[str]
    artifact: ClassVar[str]
    version: ClassVar[int] = 1
    folder: ClassVar[bool] = False
    reads: ClassVar[tuple[type[Stage], ...]] = ()

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self.settings, self.progress = settings, progress
        self.forced = False  # set by `run`: make everything again, whatever is there
        self._made_from: Provenance | None = None

    @property
    def target(self) -> Path:
        """Where the artifact stands."""
        return self.settings.cache / self.artifact

    @abstractmethod
    def make(self, target: Path) -> None:
        """Write the artifact at ``target``, a temporary path that `run` publishes (for a folder: an empty
        folder). HDF5 files get their provenance from `run`; JSON takes ``self.provenance().to_dict()``."""

    @abstractmethod
    def summary(self) -> dict[str, Any]:
        """The whole ``--json`` answer, read from the artifact, so that it is the same when up to date."""

    def sources(self) -> Sequence[Stage]:
        """The stages whose artifacts this one reads under the settings of now, in the order of the flow."""
        return [kind(self.settings, self.progress) for kind in self.reads]

    def options(self) -> JSON:
        """The settings that matter to this artifact."""
        return {}

    def inputs(self) -> dict[str, str]:
        """Content of each input, by name. Only a stage that reads more than artifacts says it otherwise.

        Raises:
            ArtifactError: an input is missing or stale; the message names it and the command that makes it.
        """
        return {source.name: source.check().content for source in self.sources()}

    def ensure_inputs(self) -> None:  # noqa: B027  most stages make nothing unasked
        """Make inputs that may be made unasked (see `ensure`). `run` calls it first."""

    def finish(self) -> None:  # noqa: B027  most stages make all or nothing
        """Say what is still lacking in an artifact that was made and published, by raising a VQTextError."""

    def renewed_with(self, record: Record) -> str | None:
        """The options without which the command would replace an artifact by one of less worth."""
        return None

    def unread_because(self) -> str | None:
        """Why no stage after it reads the artifact; None where one does."""
        return None

    def made_of(self) -> str:
        """The end of "making it now", where the artifact's name is not enough."""
        return ""

    def may_make_unasked(self) -> bool:
        """Whether another command may make this artifact by itself; False where it costs money."""
        return True

    def lines(self, summary: Mapping[str, Any]) -> list[str]:
        """The summary for people."""
        return [f"{key.replace('_', ' ')}: {as_text(value)}" for key, value in summary.items()]

    # What all stages share.

    @property
    def name(self) -> str:
        """How other artifacts call this one: its place in the cache, such as "texts.h5"."""
        return self.target.relative_to(self.settings.cache).as_posix()

    def how_to_remake(self) -> str:
        """What would be lost, and what to do, where the artifact is damaged."""
        return how_to_remake(self.target, self.call)

    @property
    def call(self) -> str:
        """What to type after ``vqtext``: the command, and the run where it is not the usual one."""
        train = self.settings.train
        is_other = "runs" in self.target.parts and train.run != type(train)().run
        return f"{self.command} --run {train.run}" if is_other else self.command

    def provenance(self) -> Provenance:
        """What the artifact is made from; inside `run`, as that was before anything was read."""
        if self._made_from is not None:
            return self._made_from
        made_by, inputs, options = self._made_by(), self.inputs(), self.options()
        return Provenance(made_by, inputs, options, fingerprint(made_by, inputs, options))

    def recipe(self) -> str:
        """Fingerprint of command, version, inputs and options."""
        return self.provenance().recipe

    def record(self) -> Record:
        """What the artifact says of itself.

        Raises:
            MissingError: it is not there.
            UnreadableError: it cannot be read now, and may be whole.
            ArtifactError: it is damaged, foreign, or of another schema version.
        """
        try:
            self.target.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise MissingError(f"{self.target} is missing: run `vqtext {self.call}`") from None
        except OSError as error:
            raise cannot_read(self.target, error) from None
        if self.target.suffix == ".h5":
            with hdf5.open_artifact(self.target, self.target.stem) as artifact:
                return Record(artifact.content, artifact.created, _provenance(artifact.provenance))
        return _json_record(self.target / "run.json" if self.folder else self.target, self.how_to_remake)

    def stale_because(self, record: Record) -> str | None:
        """Why the artifact no longer fits its inputs; None where it does.

        Only artifacts count: whether recordings changed is looked at by the command that reads them. An input
        that is gone is no reason either: artifacts may have been copied here without it.

        Raises:
            ArtifactError: an input is itself stale or damaged: that one comes first.
        """
        made = record.provenance
        if made is None:
            return None
        if made.made_by != self._made_by():
            return "another version of vqtext made it"
        for source in self.sources():
            recorded = made.inputs.get(source.name)
            if recorded is None:
                source.check()
                return f"made without {source.target}"
            if source.target.exists() and source.check().content != recorded:
                return f"{source.target} changed since"
        return None

    def check(self) -> Record:
        """The record of an artifact that may be used.

        Raises:
            MissingError, StaleError: its command must make it first; the message says so.
            ArtifactError: it, or what it was made from, is damaged or stale.
        """
        record = self.record()
        if reason := self.stale_because(record):
            options = self.renewed_with(record)
            as_before = f" with `{options}`, as before" if options else ""
            raise StaleError(f"{self.target} is stale ({reason}): run `vqtext {self.call}`{as_before}")
        return record

    def is_current(self) -> bool:
        """Whether the artifact is there and was made from these inputs with these options.

        Raises:
            ArtifactError: an input is missing or stale; or what stands at the target is damaged or foreign:
                only ``--force`` replaces a file that may not be ours.
        """
        recipe = self.recipe()
        try:
            made = self.record().provenance
        except MissingError:
            return False
        return made is not None and made.recipe == recipe

    def staging(self) -> Path:
        """A folder beside the target for work that should survive a killed process: the next run with the
        same recipe finds it again, others sweep it, and `run` removes it after publishing."""
        folder = self.target.with_name(f".{self.target.name}.partial-{self.recipe()}")
        self.sweep_staging(keep=folder)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def sweep_staging(self, keep: Path | None = None) -> None:
        """Remove staging folders of this artifact, except one."""
        for path in self.staged():
            if path != keep:
                remove(path)

    def staged(self) -> list[Path]:
        """The staging folders of this artifact, of any recipe."""
        return [*self.target.parent.glob(f".{self.target.name}.partial-*")]

    def _made_by(self) -> str:
        return f"{self.command} {self.version}"


def run(stage: Stage, force: bool = False) -> dict[str, Any]:
    """Make the artifact of a stage, unless it is up to date.

    Args:
        stage: the stage.
        force: make it in any case, from nothing.

    Returns:
        The summary.

    Raises:
        VQTextError: an input is missing, another process makes the same artifact, the place cannot be
            written, or whatever the stage itself finds wrong. The old artifact is then as it was.
    """
    stage.forced = force
    stage.ensure_inputs()
    if stage.folder and was_interrupted(stage.target):
        with lock(stage.target):
            recover_folder(stage.target)
    stage._made_from = stage.provenance()
    try:
        if force or not stage.is_current():
            _make(stage, fresh=force)
            stage.finish()
        else:
            if stage.staged():  # killed after publishing
                with lock(stage.target):
                    stage.sweep_staging()
            stage.progress.say(f"{stage.target} is up to date")
    finally:
        stage._made_from = None
    return stage.summary()


def _make(stage: Stage, fresh: bool) -> None:
    with lock(stage.target):
        if fresh:
            stage.sweep_staging()
        with (publish_folder if stage.folder else publish)(stage.target) as temp:
            stage.make(temp)
            if stage.target.suffix == ".h5":
                hdf5.stamp(temp, stage.provenance().to_dict())
        stage.sweep_staging()


def ensure(kind: type[Stage], settings: Settings, progress: Progress) -> None:
    """Make the artifact of a stage where it is missing, or where artifacts it was made from changed.

    One that was made from no artifact, as windows.h5, is never replaced: it may hold the user's own data.

    Raises:
        VQTextError: it must be made and cannot, or may not without being asked.
    """
    stage = kind(settings, progress)
    try:
        stage.check()
    except (MissingError, StaleError) as error:
        would_replace = isinstance(error, StaleError) and not stage.sources()
        if would_replace or not stage.may_make_unasked():
            raise
        progress.say(f"{str(error).partition(': run')[0]}: making it now{stage.made_of()}")
        run(stage)


def _json_record(path: Path, how_to_remake: Callable[[], str]) -> Record:
    """The record of a JSON file. A hand-written one has no provenance."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        created = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
    except (FileNotFoundError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise ArtifactError(f"{path} cannot be read ({reason}): {how_to_remake()}") from None
    except OSError as error:
        raise cannot_read(path, error) from None
    return Record(file_fingerprint(path), created, _provenance(content))


def _provenance(content: Any) -> Provenance | None:
    """Out of plain data, which may hold more."""
    names = [field.name for field in fields(Provenance)]
    if not isinstance(content, dict) or not {*names} <= content.keys():
        return None
    return Provenance(**{name: content[name] for name in names})
