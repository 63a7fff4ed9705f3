"""Prompts are text files in ``templates/``, so that they can be read and improved without reading code."""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment, Template


def render(template: str, **values: Any) -> str:
    """The text of ``templates/TEMPLATE.txt`` with its values filled in; a value it lacks is an error."""
    return _template(template).render(values).strip() + "\n"


def templates_digest(*templates: str) -> str:
    """16 hex digits over some templates: what was made with other ones is out of date."""
    return sha256("\0".join(map(_read, templates)).encode()).hexdigest()[:16]


@cache
def _environment() -> Environment:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    # Names of labels come from data: in quotes, with line breaks escaped, they stay names.
    environment.filters["quoted"] = lambda value: json.dumps(str(value), ensure_ascii=False)
    return environment


@cache
def _template(name: str) -> Template:
    return _environment().from_string(_read(name))


@cache
def _read(template: str) -> str:
    file = resources.files("vqtext.prompts").joinpath("templates", f"{template}.txt")
    return file.read_text(encoding="utf-8")
