"""The options of the command line: those of settings are made from the settings, in their own words."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer

from vqtext.console.progress import Progress
from vqtext.console.text import as_text
from vqtext.settings.loading import fields, load_settings

COMMON = "For every command"  # the panel of such options
FLAGS = {
    "data.name": "--data",
    "data.rate_hz": "--rate",
    "guidance.source": "--guidance",
    "explain.code_confidence": "--confidence",
}
"""Flags that are not the last part of the setting's name."""
METAVARS = {
    "cache": "DIR",
    "data.path": "FOLDER",
    "data.rate_hz": "HZ",
    "data.borders": "HOW",
    "words.language": "CODE",
    "llm.base_url": "URL",
    "dedup.threshold": "COSINE",
    "dedup.keep": "PHRASE",
    "dedup.drop": "PHRASE",
    "dedup.merge": "A=B",
    "train.test_subjects": "IDS",
    "train.folds": "K",
    "train.split": "HOW",
    "train.seeds": "LIST",
    "train.logger": "LIST",
    "train.grounding": "MODE",
    "model.channels": "MODE",
    "model.init": "FOLDER",
    "evaluate.truth": "FILE",
    "explain.code_confidence": "P",
}
"""What stands for a value where its kind does not say it."""
METAVARS_OF_KINDS = {int: "N", float: "X", str: "NAME", Path: "FOLDER"}


@dataclass(frozen=True)
class How:
    """How a command is to answer, and whether it makes anew what is up to date."""

    as_json: bool = False
    quiet: bool = False
    force: bool = False

    @property
    def progress(self) -> Progress:
        return Progress(self.quiet)


COMMON_OPTIONS = {
    "as_json": ("--json", "Answer with one JSON object"),
    "quiet": ("--quiet", "No progress, only warnings"),
    "force": ("--force", "Make it again, even if it is up to date"),
}


def flag(name: str, text: str, panel: str | None = None) -> Any:
    """An option without a value, for typer."""
    return typer.Option(name, metavar="", help=text, rich_help_panel=panel)


def command(
    app: typer.Typer, *settings: str, name: str | None = None, common: Collection[str] = COMMON_OPTIONS
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as a command: it is called with the settings that hold, as `Loaded`, with `How`,
    and with the options of its own, which its signature names after these two.

    Args:
        settings: dotted names of settings that are options here, in the order of the help.
        name: of the command; None: the function's.
        common: which of `COMMON_OPTIONS` it has.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        own = dict(list(inspect.signature(function).parameters.items())[2:])
        hints = get_type_hints(function, include_extras=True)
        of_setting = {name.rpartition(".")[2]: name for name in settings}
        options = {argument: _option(name) for argument, name in of_setting.items()}
        options |= {argument: hints[argument] for argument in own} | {"cache": _option("cache", COMMON)}
        flags = [name for name in COMMON_OPTIONS if name in common]
        options |= {name: Annotated[bool, flag(*COMMON_OPTIONS[name], COMMON)] for name in flags}

        def call(**values: Any) -> None:
            settings = {of_setting[name]: values[name] for name in of_setting} | {"cache": values["cache"]}
            loaded = load_settings({name: None if value == [] else value for name, value in settings.items()})
            how = How(**{name: values[name] for name in flags})
            function(loaded, how, **{name: values[name] for name in own})

        call.__name__, call.__doc__ = function.__name__, function.__doc__
        call.__annotations__ = options
        defaults = {name: parameter.default for name, parameter in own.items()} | dict.fromkeys(flags, False)
        call.__signature__ = _signature(options, defaults)  # type: ignore[attr-defined]  # what typer reads
        app.command(name)(call)
        return function

    return register


def _signature(options: Mapping[str, Any], defaults: Mapping[str, Any]) -> inspect.Signature:
    """Keyword arguments with these annotations; the default is None where there is no other."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Signature(
        [
            inspect.Parameter(name, keyword, default=defaults.get(name), annotation=hint)
            for name, hint in options.items()
        ]
    )


def _option(name: str, panel: str | None = None) -> Any:
    """The option of a setting: its type and its help are the setting's."""
    kind = _kind(fields()[name].annotation)
    spelled = FLAGS.get(name, "--" + name.rpartition(".")[2].replace("_", "-"))
    metavar = METAVARS.get(name, "SECONDS" if name.endswith("_s") else METAVARS_OF_KINDS.get(kind))
    if kind is bool:
        spelled, metavar = f"{spelled}/--no-{spelled[2:]}", None
    option = typer.Option(spelled, metavar=metavar, help=_help(name), rich_help_panel=panel)
    return Annotated[kind | None, option]


def _kind(annotation: Any) -> Any:
    """What the command line gives for a setting: lists and choices are text that the settings read."""
    if annotation in (bool, int, float, Path) or annotation == list[str]:
        return annotation
    kind, *rest = get_args(annotation) or (str,)
    return kind if kind in (int, float, Path) and rest == [type(None)] else str


def _help(name: str) -> str:
    field = fields()[name]
    description = field.description or ""
    parts = (field.annotation, *get_args(field.annotation))
    choices = [choice for part in parts if get_origin(part) is Literal for choice in get_args(part)]
    notes = [", ".join(choices)] if choices else []
    notes += [f"default: {as_text(field.default)}"] if field.default is not None else []
    return description[:1].upper() + description[1:] + (f" ({'; '.join(notes)})" if notes else "")
