"""Names of files → patterns of what they may say, for a person to check."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vqtext.data.own.channel_guess import is_sensor_word

_BETWEEN = r"[/_\-. ]+"
_SUBJECT = re.compile(
    r"(?i)(?<![a-z])(?:subject|subj|sbj|participant|proband|person|patient|user|sub|id|s|p)[-_ ]?\d+"
)
_MOST_LABELS = 60


def subject_pattern(names: Sequence[str]) -> str | None:
    """A pattern of names that say who it is, as "S01_walk.csv" does; None where they do not all."""
    matches = [_SUBJECT.search(name) for name in names]
    prefixes = {re.sub(r"\d+$", "", match[0]) if match else None for match in matches}
    if len(prefixes) != 1 or None in prefixes:
        return None
    prefix = re.escape(prefixes.pop() or "")
    before = "" if all(match and not match.start() for match in matches) else ".*?(?<![A-Za-z])"
    return f"{before}({prefix}\\d+).*"


def label_pattern(names: Sequence[str]) -> str | None:
    """A pattern of names that say the label: the one word in them that differs, comes again, and is neither a
    number, a subject, a sensor nor a place of the body. None where there is no such word, or several."""
    parts = [re.split(f"({_BETWEEN})", name) for name in names]
    if len({len(own) for own in parts}) != 1:
        return None
    columns = list(zip(*parts, strict=True))
    fitting = [i for i, words in enumerate(columns) if i % 2 == 0 and _may_be_labels(words)]
    if len(fitting) != 1:
        return None
    differing = (r"[^/_\-. ]+", _BETWEEN)
    pieces = [re.escape(own[0]) if len({*own}) == 1 else differing[i % 2] for i, own in enumerate(columns)]
    pieces[fitting[0]] = r"([^/_\-. ]+)"
    return "".join(pieces)


def _may_be_labels(words: Sequence[str]) -> bool:
    different = {*words}
    if not 1 < len(different) <= _MOST_LABELS or len(different) == len(words) > 8:
        return False
    return not any(re.search(r"\d", word) or is_sensor_word(word) for word in different)
