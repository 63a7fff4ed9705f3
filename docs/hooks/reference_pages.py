"""Reference pages of the command line and of the settings, as Markdown, made from the code."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from typing import Any

import typer

from vqtext.cli import app
from vqtext.settings.schema import Settings

BOUNDS = {
    "minimum": "≥",
    "exclusiveMinimum": ">",
    "maximum": "≤",
    "exclusiveMaximum": "<",
    "minLength": "of length ≥",
    "minItems": "of length ≥",
}
TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "path": "path",
    "array": "list",
}
SETTINGS = """# Settings

Each setting may be written in `vqtext.toml`, named by a variable, or given as an [option](cli.md) where a
command has one. The command line wins over variables, variables win over the file, the file over defaults.
`vqtext config` shows what holds and where it comes from.

```toml
[dedup]
threshold = 0.8
```

is the same as `VQTEXT_DEDUP__THRESHOLD=0.8` and `vqtext dedup --threshold 0.8`. All variables are spelled so.
*None*: nothing is set.
"""
COMMANDS = """# Command line

{help}

{epilog}.

The answer goes to stdout, all else to stderr. Exit code 0: done; 1: it failed; 2: wrong use; 128 + n: ended
by signal n.
"""


def cli_page() -> str:
    """Every command with its arguments and options, as ``vqtext COMMAND --help`` tells them."""
    root: Any = typer.main.get_command(app)
    lines = [COMMANDS.format(help=root.help, epilog=root.epilog)]
    for name, command in root.commands.items():
        lines += [f"## vqtext {name}", "", inspect.cleandoc(command.help), ""]
        lines += _table(
            ("option", "meaning"),
            [(_spelled(one), one.help or "") for one in command.params if not one.hidden],
        )
    return "\n".join(lines)


def _spelled(one: Any) -> str:
    """ "`--threshold COSINE`", "`--calibrate`, `--no-calibrate`" or "`FOLDER`"."""
    if not one.opts[0].startswith("-"):
        return f"`{one.metavar or one.name.upper()}`"
    value = "" if one.is_flag or not one.metavar else f" {one.metavar}"
    return ", ".join(f"`{name}{value}`" for name in (*one.opts, *one.secondary_opts))


def settings_page() -> str:
    """Every setting with its values, default, bounds and meaning, a table a section."""
    schema = Settings.model_json_schema()
    lines = [SETTINGS]
    for section, entry in schema["properties"].items():
        if "$ref" in entry:
            model = schema["$defs"][entry["$ref"].rpartition("/")[2]]
            lines += [f"## [{section}]", "", model["description"], ""]
            settings = {f"{section}.{name}": one for name, one in model["properties"].items()}
        else:
            lines += ["## At the top of the file", ""]
            settings = {section: entry}
        rows = [
            (f"`{name}`", _values(one), _default(one.get("default")), one["description"])
            for name, one in settings.items()
        ]
        lines += _table(("setting", "values", "default", "meaning"), rows)
    return "\n".join(lines)


def _values(schema: dict[str, Any]) -> str:
    """ "whole number ≥ 1", "`joint`, `independent`" or "list of text", out of a setting's JSON schema."""
    if "anyOf" in schema:
        return " or ".join(_values(one) for one in schema["anyOf"] if one.get("type") != "null")
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{one}`" for one in schema.get("enum", [schema.get("const")]))
    kind = TYPES[schema.get("format", schema["type"])]
    if schema["type"] == "array":
        kind += f" of {_values(schema['items'])}"
    bounds = [f"{mark} {schema[key]}" for key, mark in BOUNDS.items() if key in schema]
    return f"{kind} {', '.join(bounds)}".strip()


def _default(value: object) -> str:
    return "none" if value in (None, []) else f"`{json.dumps(value)}`"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    escaped = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *escaped)] + [""]
