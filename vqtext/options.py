"""The options of the command line, each in the words of the setting it sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer

from vqtext.pipeline.lines import told
from vqtext.settings import fields


def setting(flag: str, name: str, metavar: str | None = None) -> Any:
    """An option that sets ``name``, in the words of the settings themselves."""
    field = fields()[name]
    description = field.description or ""
    parts = (field.annotation, *get_args(field.annotation))
    choices = [choice for part in parts if get_origin(part) is Literal for choice in get_args(part)]
    notes = [", ".join(choices)] if choices else []
    notes += [f"default: {told(field.default)}"] if field.default is not None else []
    told_notes = f" ({'; '.join(notes)})" if notes else ""
    return typer.Option(flag, metavar=metavar, help=description[:1].upper() + description[1:] + told_notes)


def _common(*flags: str, text: str, metavar: str = "") -> Any:
    return typer.Option(*flags, metavar=metavar, help=text, rich_help_panel="For every command")


Text = str | None
Number = float | None
Count = int | None
Switch = bool | None
Phrases = list[str] | None
Cache = Annotated[
    Path | None, _common("--cache", metavar="DIR", text="Folder of the artifacts (default: cache)")
]
AsJson = Annotated[bool, _common("--json", text="Answer with one JSON object")]
Quiet = Annotated[bool, _common("--quiet", text="No progress, only warnings")]
Force = Annotated[bool, _common("--force", text="Make it again, even if it is up to date")]

Model = Annotated[Text, setting("--model", "llm.model", "NAME")]
BaseUrl = Annotated[Text, setting("--base-url", "llm.base_url", "URL")]
Concurrency = Annotated[Count, setting("--concurrency", "llm.concurrency", "N")]
MaxTokens = Annotated[Count, setting("--max-tokens", "llm.max_tokens", "N")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", metavar="", help="Show what a model would be asked, and send nothing")
]

Data = Annotated[Text, setting("--data", "data.name", "NAME")]
DataPath = Annotated[Path | None, setting("--path", "data.path", "FOLDER")]
Run = Annotated[Text, setting("--run", "train.run", "NAME")]
TestSubjects = Annotated[Text, setting("--test-subjects", "train.test_subjects", "IDS")]
Folds = Annotated[Text, setting("--folds", "train.folds", "K")]
Split = Annotated[Text, setting("--split", "train.split", "HOW")]
Seeds = Annotated[Text, setting("--seeds", "train.seeds", "LIST")]
Epochs = Annotated[Count, setting("--epochs", "train.epochs", "N")]
Threshold = Annotated[Number, setting("--threshold", "dedup.threshold", "COSINE")]


def of_model(
    model: str | None, base_url: str | None, concurrency: int | None, max_tokens: int | None
) -> dict[str, object]:
    """What may be typed wherever a language model is asked."""
    return {
        "llm.model": model,
        "llm.base_url": base_url,
        "llm.concurrency": concurrency,
        "llm.max_tokens": max_tokens,
    }
