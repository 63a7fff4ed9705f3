"""``subactions.json`` in and out: the one artifact that people read and edit by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from vqtext.errors import ArtifactError, UnreadableError, WordsError
from vqtext.schema import Cell, LabelWords, SubAction, SubActions

_WIDTH = 110


def read_subactions(path: Path | str) -> SubActions:
    """The words in ``path``, checked.

    Raises:
        ArtifactError: there is no such file; UnreadableError where the system refuses it.
        WordsError: it is not JSON, breaks the schema, names a label twice, or has no label; the message says
            where, and what is allowed there.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ArtifactError(f"{path} is missing: make it with `vqtext gen-subactions`") from None
    except UnicodeDecodeError as error:
        raise WordsError(f"{path} is not UTF-8 text (byte {error.start}): save it as UTF-8") from None
    except IsADirectoryError as error:
        raise WordsError(f"{path} cannot be read: {error.strerror}") from None
    except OSError as error:  # says nothing about the words, which may be of a hand or a paid model
        raise UnreadableError(f"{path} cannot be read: {error.strerror}") from None
    return parse_subactions(text, str(path))


def parse_subactions(text: str, source: str) -> SubActions:
    """The words in a JSON text; ``source`` names it in errors. Raises WordsError as `read_subactions`."""
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        raise WordsError(
            f"{source}, line {error.lineno}, column {error.colno}: not JSON ({error.msg})"
        ) from None
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, brackets 10,000 deep
        raise WordsError(f"{source}: not JSON that can be read ({error})") from None
    try:
        words = SubActions.model_validate(raw)
    except ValidationError as error:
        raise WordsError(f"{source}: {_explain(error, raw)}") from None
    _check(words, source)
    return words


def dump_subactions(words: SubActions) -> str:
    """JSON for people: keys in the schema's order, nothing empty written, one thought a line."""
    plain = words.model_dump(by_alias=True, exclude_none=True)
    labels = plain.pop("labels")
    return _pretty({**plain, "model": words.model, "labels": labels}, depth=0) + "\n"


def _pretty(value: Any, depth: int) -> str:
    """A value that fits on its line stays on it; labels and sub-actions always open up."""
    line = json.dumps(value, ensure_ascii=False)
    is_record = isinstance(value, dict) and ("labels" in value or "label" in value or "phrase" in value)
    if not isinstance(value, dict | list) or (len(line) + depth * 2 + 20 <= _WIDTH and not is_record):
        return line
    if isinstance(value, list):
        items, (start, end) = [_pretty(item, depth + 1) for item in value], "[]"
    else:
        items = [
            f"{json.dumps(key, ensure_ascii=False)}: {_pretty(item, depth + 1)}"
            for key, item in value.items()
        ]
        start, end = "{}"
    indent = "  " * (depth + 1)
    return f"{start}\n{indent}" + f",\n{indent}".join(items) + f"\n{'  ' * depth}{end}"


def _check(words: SubActions, source: str) -> None:
    """What a schema cannot say."""
    if not words.labels:
        raise WordsError(f"{source} has no labels: write at least one, or delete the file to have it made")
    seen: set[str] = set()
    for label in words.labels:
        if label.label in seen:
            raise WordsError(f"{source}: label {_short(label.label)} stands there twice: keep one of them")
        seen.add(label.label)
        for number, subaction in enumerate(label.subactions, start=1):
            if not subaction.phrase.strip():
                raise WordsError(
                    f"{source}: label {_short(label.label)}, sub-action {number}: the phrase is empty"
                )


_KEYS: dict[str, type[BaseModel]] = {"labels": LabelWords, "subactions": SubAction, "signature": Cell}


def _explain(error: ValidationError, raw: Any) -> str:
    """The first problem in one line: where it is, what stands there, what is allowed."""
    problem = error.errors()[0]
    loc, kind = problem["loc"], problem["type"]
    if kind == "extra_forbidden":
        model = _model_at(loc)
        allowed = ", ".join(field.alias or name for name, field in model.model_fields.items())
        return f"{_place(loc[:-1], raw)}unknown key {_short(loc[-1])}: allowed are {allowed}"
    if kind == "missing":
        return f"{_place(loc[:-1], raw)}the key {loc[-1]!r} is missing"
    if kind == "literal_error":
        allowed = problem["ctx"]["expected"].replace("'", "").replace(" or ", ", ")
        return f"{_place(loc, raw)}{_short(problem['input'])} is not allowed: choose from {allowed}"
    if kind in ("too_short", "string_too_short"):
        return f"{_place(loc, raw)}must not be empty"
    if kind == "string_unicode":
        return f"{_place(loc, raw)}holds half a character, as \\ud83d alone is: write it out in full"
    if kind == "model_type":
        return f"{_place(loc, raw)}must be a JSON object with keys, {{…}}"
    return f"{_place(loc, raw)}{problem['msg'][:1].lower()}{problem['msg'][1:]}"


def _short(value: object) -> str:
    """A value in quotes, escaped, and cut where it would not fit on a line."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]}…{text[-1]}"


def _model_at(loc: Sequence[str | int]) -> type[BaseModel]:
    above = [part for part in loc[:-1] if part in _KEYS]
    return _KEYS[str(above[-1])] if above else SubActions


def _place(loc: Sequence[str | int], raw: Any) -> str:
    """("labels", 0, "subactions", 2, "side") → "label 'walking', sub-action 3, side: "."""
    words: list[str] = []
    for i, part in enumerate(loc):
        above = loc[i - 1] if i else None
        if above == "labels" and isinstance(part, int):
            entry = raw["labels"][part]
            name = entry.get("label") if isinstance(entry, dict) else None
            words.append(f"label {_short(name)}" if isinstance(name, str) else f"label number {part + 1}")
        elif above == "subactions" and isinstance(part, int):
            words.append(f"sub-action {part + 1}")
        elif isinstance(part, int):
            words.append(f"number {part + 1}")
        elif above == "signature":
            words.append(_short(part))
        elif i == len(loc) - 1 or part not in ("labels", "subactions"):
            words.append(part)
    return f"{', '.join(words)}: " if words else ""
