"""The options of the command line, each in the words of the setting it sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer
from typer.models import OptionInfo

from vqtext.console.text import told
from vqtext.settings.loading import fields

COMMON = "For every command"  # the panel of such options


class Setting(OptionInfo):
    """An option that sets ``name``, in the words of the settings themselves."""

    def __init__(self, flag: str, name: str, metavar: str | None = None, panel: str | None = None) -> None:
        super().__init__(
            default=..., param_decls=[flag], metavar=metavar, help=_said_of(name), rich_help_panel=panel
        )
        self.sets = name


def chosen(command: Callable[..., object], given: Mapping[str, object]) -> dict[str, object]:
    """What the command line says, by the dotted names of settings.

    Args:
        command: the function of a command, whose options say what they set.
        given: the arguments it was called with.
    """
    return {
        part.sets: None if given[name] == [] else given[name]
        for name, hint in get_type_hints(command, include_extras=True).items()
        for part in get_args(hint)
        if isinstance(part, Setting)
    }


def _said_of(name: str) -> str:
    field = fields()[name]
    description = field.description or ""
    parts = (field.annotation, *get_args(field.annotation))
    choices = [choice for part in parts if get_origin(part) is Literal for choice in get_args(part)]
    notes = [", ".join(choices)] if choices else []
    notes += [f"default: {told(field.default)}"] if field.default is not None else []
    return description[:1].upper() + description[1:] + (f" ({'; '.join(notes)})" if notes else "")


def _common(flag: str, text: str) -> Any:
    return typer.Option(flag, metavar="", help=text, rich_help_panel=COMMON)


Text = str | None
Number = float | None
Count = int | None
Switch = bool | None
Phrases = list[str] | None
Cache = Annotated[Path | None, Setting("--cache", "cache", "DIR", COMMON)]
AsJson = Annotated[bool, _common("--json", "Answer with one JSON object")]
Quiet = Annotated[bool, _common("--quiet", "No progress, only warnings")]
Force = Annotated[bool, _common("--force", "Make it again, even if it is up to date")]

Model = Annotated[Text, Setting("--model", "llm.model", "NAME")]
BaseUrl = Annotated[Text, Setting("--base-url", "llm.base_url", "URL")]
Concurrency = Annotated[Count, Setting("--concurrency", "llm.concurrency", "N")]
MaxTokens = Annotated[Count, Setting("--max-tokens", "llm.max_tokens", "N")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", metavar="", help="Show what a model would be asked, and send nothing")
]

Data = Annotated[Text, Setting("--data", "data.name", "NAME")]
DataPath = Annotated[Path | None, Setting("--path", "data.path", "FOLDER")]
Run = Annotated[Text, Setting("--run", "train.run", "NAME")]
TestSubjects = Annotated[Text, Setting("--test-subjects", "train.test_subjects", "IDS")]
Folds = Annotated[Text, Setting("--folds", "train.folds", "K")]
Split = Annotated[Text, Setting("--split", "train.split", "HOW")]
Seeds = Annotated[Text, Setting("--seeds", "train.seeds", "LIST")]
Guidance = Annotated[Text, Setting("--guidance", "guidance.source", "NAME")]
Epochs = Annotated[Count, Setting("--epochs", "train.epochs", "N")]
Threshold = Annotated[Number, Setting("--threshold", "dedup.threshold", "COSINE")]
