"""What the text of a variable or of an option means, where a setting is more than text or a number."""

from __future__ import annotations

import json
import re
from typing import Annotated

from pydantic import BeforeValidator, Field


def _split(value: object) -> object:
    """Variables and options are text: "7,8" is a list of two."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _phrases(value: object) -> object:
    """A variable that holds phrases: a JSON list, or one phrase a line, since a phrase may hold a comma."""
    if not isinstance(value, str):
        return value
    try:
        listed = json.loads(value)
    except ValueError:
        listed = None
    return listed if isinstance(listed, list) else [line for line in value.splitlines() if line.strip()]


def _language(value: object) -> object:
    """English has many names and needs no translation: "EN", "en-US" and "English" are "en"."""
    if not isinstance(value, str):
        return value
    is_english = re.split("[-_]", value.strip().casefold())[0] in ("en", "english")
    return "en" if is_english else value.strip()


Fraction = Annotated[float, Field(ge=0, le=1)]
Listed = BeforeValidator(_split)
PhraseList = Annotated[list[str], BeforeValidator(_phrases)]
Language = Annotated[str, BeforeValidator(_language)]
Id = Annotated[str, Field(coerce_numbers_to_str=True)]  # a subject called 7 is "7"
