"""What stands in the cache: each artifact, whether it may be used, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from vqtext.cache.verify import check_bytes
from vqtext.console.progress import Progress
from vqtext.console.text import table
from vqtext.errors import ArtifactError, UnreadableError, VQTextError
from vqtext.pipeline.registry import STAGES
from vqtext.pipeline.stage import MissingError, Stage, StaleError
from vqtext.settings.schema import Settings


@dataclass(frozen=True)
class State:
    """One artifact.

    Attributes:
        artifact: its place in the cache.
        state: "made", "missing", "damaged"; "not needed": missing, and the settings read it nowhere;
            "unreadable" where it cannot be read now, and may be whole; or "stale": what it was made from is
            not what it was, or cannot be read.
        created: when it was made, ISO 8601, UTC.
        size: bytes, of a folder all its files together.
        inputs: names of what it was made from.
        options: the settings it was made with.
        why: what is wrong; None where nothing is.
        command: what makes it.
    """

    artifact: str
    state: str
    created: str | None
    size: int | None
    inputs: list[str]
    options: Any
    why: str | None
    command: str


def states(settings: Settings, verify: bool = False) -> dict[str, Any]:
    """The state of every artifact, for all runs, and the next command.

    Args:
        settings: name the cache.
        verify: read every byte too, and the journal of replies (`vqtext.cache.verify`).

    Returns:
        ``{"artifacts": [State as a dict, …], "next": command or None}``.
    """
    stages = _stages(settings)
    found = [_state(stage) for stage in stages]
    if verify:
        found = [_verified(stage, state) for stage, state in zip(stages, found, strict=True)]
        found += _journal(settings.cache / "journal.sqlite")
    return {"artifacts": [asdict(state) for state in found], "next": _next(stages, found)}


def lines(answer: Mapping[str, Any]) -> list[str]:
    """The answer of `states` for people."""
    rows = [
        (
            entry["artifact"],
            entry["state"],
            _time_text(entry["created"]) if entry["created"] else "",
            _size_text(entry["size"]) if entry["size"] is not None else "",
            f"from {', '.join(entry['inputs'])}" if entry["inputs"] else "",
        )
        for entry in answer["artifacts"]
    ]
    lines = table(rows)
    known = ("made", "missing", "not needed")
    why = [entry["why"] for entry in answer["artifacts"] if entry["state"] not in known]
    lines += dict.fromkeys(why)  # what is wrong with one stands at all that were made from it
    return [*lines, f"next: {answer['next']}" if answer["next"] else "everything is made and up to date"]


def _time_text(created: str) -> str:
    return datetime.fromisoformat(created).astimezone().strftime("%Y-%m-%d %H:%M")


def _size_text(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def _stages(settings: Settings) -> list[Stage]:
    """A stage for each artifact, in the order of the flow; those of a run once for each run that is there."""
    runs = settings.cache / "runs"
    stages = _of_run(settings, settings.train.run)
    shared = [stage for stage in stages if not stage.target.is_relative_to(runs)]
    there = {path.name for path in runs.iterdir() if (path / "run.json").exists()} if runs.is_dir() else set()
    for run in sorted({settings.train.run, *there}):
        shared += [stage for stage in _of_run(settings, run) if stage.target.is_relative_to(runs)]
    return shared


def _of_run(settings: Settings, run: str) -> list[Stage]:
    train = settings.train.model_copy(update={"run": run})
    own = settings.model_copy(update={"train": train})
    return [entry.load()(own, Progress(quiet=True)) for entry in STAGES]


def _state(stage: Stage) -> State:
    record, why = None, None
    try:
        record = stage.record()
        stage.check()
        state = "made"
    except MissingError as error:
        unread = None if record else stage.unread_because()
        state, why = "stale" if record else "not needed" if unread else "missing", unread or str(error)
    except StaleError as error:
        state, why = "stale", str(error)
    except VQTextError as error:
        unusable = "unreadable" if isinstance(error, UnreadableError) else "damaged"
        state, why = "stale" if record else unusable, str(error)
    made = record.provenance if record else None
    return State(
        artifact=stage.name,
        state=state,
        created=record.created if record else None,
        size=_size(stage.target),
        inputs=sorted(made.inputs) if made else [],
        options=made.options if made else None,
        why=why,
        command=stage.command,
    )


def _verified(stage: Stage, state: State) -> State:
    """The state after every byte was read; a stale artifact may be damaged as well."""
    if state.state in ("missing", "not needed", "damaged", "unreadable"):
        return state
    try:
        check_bytes(stage.target)
    except UnreadableError as error:
        return replace(state, state="unreadable", why=str(error))
    except ArtifactError as error:
        reason = str(error)
        why = reason if "vqtext " in reason else f"{reason}: {stage.how_to_remake()}"
        return replace(state, state="damaged", why=why)
    return state


def _journal(path: Path) -> list[State]:
    """The replies of language models, where there are any."""
    if not path.exists():
        return []
    try:
        check_bytes(path)
        state, why = "made", ""
    except UnreadableError as error:
        state, why = "unreadable", str(error)
    except ArtifactError as error:
        state = "damaged"
        why = (
            f'{error}: save the replies that can be read with `sqlite3 {path} ".recover" | sqlite3 '
            "recovered.sqlite`; those that are lost, or all if you move it away, are paid for again"
        )
    return [State(path.name, state, None, _size(path), [], None, why or None, "gen-subactions")]


def _size(path: Path) -> int | None:
    """Bytes of a file or folder; None where there is none, or the system does not say."""
    try:
        files = path.rglob("*") if path.is_dir() else [path]
        return sum(file.stat().st_size for file in files if file.is_file()) if path.exists() else None
    except OSError:
        return None


def _next(stages: list[Stage], found: list[State]) -> str | None:
    """The command that brings the flow on: the first artifact that is needed and cannot be used. One that
    cannot be read now is not made again: it is looked at again."""
    states = {state.artifact: state.state for state in found}

    def first(stage: Stage) -> str | None:
        if states.get(stage.name) == "made":
            return None
        return next(filter(None, map(first, stage.sources())), f"vqtext {command(stage)}")

    def command(stage: Stage) -> str:
        if states.get(stage.name) == "unreadable":
            return f"status, once {stage.target} can be read"
        options = stage.renewed_with(stage.record()) if states.get(stage.name) == "stale" else None
        return f"{stage.call} {options}" if options else stage.call

    return next(filter(None, map(first, (stage for stage in stages if not stage.unread_because()))), None)
