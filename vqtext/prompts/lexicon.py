"""The built-in lexicon: sub-actions written by people, shipped as data files under ``lexicon/``.

Movements are defined once, over all files of ``lexicon/movements``; ``lexicon/labels/<data set>.toml`` says
which of them make a label, in order. The format and the rules of the voice are in ``lexicon/README.md``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from hashlib import sha256
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vqtext.errors import WordsError
from vqtext.schema import LabelWords, SubAction, SubActions


class _Entry(BaseModel):
    """One label as written in ``labels/<data set>.toml``."""

    model_config = ConfigDict(extra="forbid")

    aliases: list[str] = []
    codes: list[str] = []  # spellings that mean this in this data set only ("1.0")
    keyword: str
    sentence: str
    paraphrases: list[str]
    cyclic: bool
    steps: list[str | dict[str, Any]] = Field(min_length=1)


def lexicon(
    dataset: str,
    labels: Sequence[str],
    *,
    path: str = "cache/subactions.json",
    prefer: Callable[[LabelWords], float] | None = None,
) -> SubActions:
    """The words of ``labels``, in their order and as spelled there.

    A label is looked up in the data set's own file first, then in all others.

    Args:
        dataset: name of the data set, e.g. "basic_motions"; it need not have a file of its own.
        labels: as spelled in the data; case, spaces, underscores and hyphens do not matter.
        path: where a user may write words by hand, for the error message.
        prefer: a score that chooses among the other data sets' words; without it the first file wins.

    Raises:
        WordsError: labels that no file knows, all of them named.
    """
    words_of = {label: _look_up(dataset, label, prefer) for label in labels}
    unknown = [label for label, words in words_of.items() if words is None]
    if unknown:
        raise WordsError(
            f"the built-in lexicon does not know {', '.join(map(repr, unknown))}: let a language model write "
            "the words (`vqtext gen-subactions --provider openai`), or write them by hand into "
            f"{path} (labels given there are kept; docs/words.md has an example)"
        )
    return SubActions(labels=[words for words in words_of.values() if words is not None])


def knows(dataset: str, label: str) -> bool:
    """Whether the lexicon has words for a label of a data set."""
    return _look_up(dataset, label, None) is not None


def activities() -> list[str]:
    """What people do, in a word or two: the keywords of all labels, each once."""
    words = (words for table in _label_files().values() for words, _ in table.values())
    return list(dict.fromkeys(label.keyword for label in words if label.keyword))


def lexicon_digest() -> str:
    """16 hex digits over every file of the lexicon: what was generated from another one is out of date."""
    files = [*_toml_files("movements"), *_toml_files("labels")]
    contents = "\0".join(f"{file.name}\0{file.read_text(encoding='utf-8')}" for file in files)
    return sha256(contents.encode()).hexdigest()[:16]


def _look_up(dataset: str, label: str, prefer: Callable[[LabelWords], float] | None) -> LabelWords | None:
    own: list[LabelWords] = []
    others: list[LabelWords] = []
    for name, entries in _label_files().items():
        is_own = _key(name) == _key(dataset)
        for written, (words, entry) in entries.items():
            spellings = [written, *entry.aliases, *(entry.codes if is_own else [])]
            if _key(label) in map(_key, spellings):
                (own if is_own else others).append(words)
    # max() keeps the first of equals, so the order of the files decides where nothing else does
    candidates = own[:1] or others
    best = max(candidates, key=prefer or (lambda _: 0.0), default=None)
    return None if best is None else best.model_copy(update={"label": label}, deep=True)


@cache
def _label_files() -> dict[str, dict[str, tuple[LabelWords, _Entry]]]:
    """Data set → label as written → its words and its entry."""
    return {
        file.name.removesuffix(".toml"): {
            label: _label(f"{file.name}, [{label}]", label, table) for label, table in _read(file).items()
        }
        for file in _toml_files("labels")
    }


def _label(where: str, label: str, table: dict[str, Any]) -> tuple[LabelWords, _Entry]:
    try:
        entry = _Entry(**table)
        words = LabelWords(
            label=label,
            keyword=entry.keyword,
            sentence=entry.sentence,
            paraphrases=entry.paraphrases,
            cyclic=entry.cyclic,
            subactions=[_step(where, step) for step in entry.steps],
        )
    except (ValidationError, TypeError) as error:
        raise WordsError(f"lexicon/labels/{where}: {_first(error)}") from None
    return words, entry


def _step(where: str, step: str | dict[str, Any]) -> SubAction:
    use = {"phrase": step} if isinstance(step, str) else step
    movement = _movements().get(_spaced(str(use.get("phrase"))))
    if movement is None:
        raise WordsError(
            f"lexicon/labels/{where}: the step {use.get('phrase')!r} is no movement of lexicon/movements"
        )
    written = movement.model_dump(exclude_unset=True)
    return SubAction.model_validate(written | use | {"phrase": movement.phrase})


@cache
def _movements() -> dict[str, SubAction]:
    """Every movement by its phrase, over all files; a phrase stands in one place only."""
    movements: dict[str, SubAction] = {}
    for file in _toml_files("movements"):
        for phrase, table in _read(file).items():
            if _spaced(phrase) in movements:
                raise WordsError(f"lexicon/movements/{file.name}: {phrase!r} is defined twice")
            try:
                movements[_spaced(phrase)] = SubAction(phrase=phrase, **table)
            except (ValidationError, TypeError) as error:
                raise WordsError(f"lexicon/movements/{file.name}, [{phrase!r}]: {_first(error)}") from None
    return movements


def _toml_files(folder: str) -> Iterator[Traversable]:
    files = resources.files("vqtext.prompts").joinpath("lexicon", folder).iterdir()
    return iter(sorted((f for f in files if f.name.endswith(".toml")), key=lambda f: f.name))


def _read(file: Traversable) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise WordsError(f"lexicon/{file.name}: {error}") from None


def _first(error: ValidationError | TypeError) -> str:
    """One line of the first thing that is wrong."""
    if isinstance(error, TypeError):
        return str(error)
    problem = error.errors()[0]
    return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"


def _key(label: str) -> str:
    """How labels and data-set names are compared: without case, spaces, underscores and hyphens."""
    return "".join(label.split()).replace("_", "").replace("-", "").casefold()


def _spaced(phrase: str) -> str:
    return " ".join(phrase.split()).casefold()
