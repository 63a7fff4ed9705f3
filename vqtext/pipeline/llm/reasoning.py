"""What a model says, without what it thinks aloud before: drafts in there are no reply.

Servers should take the thoughts out. Where they do not know a model's marks for them, or the limit was
reached, they stand in the text.
"""

from __future__ import annotations

import re

_NAME = r"(?:seed:|ant)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad|analysis)"
_OPEN = rf"<\|?(?:begin_of_|start_)?{_NAME}\b[^<>]*>|\[think\]|◁think▷|<unused94>"
_CLOSE = rf"<(?:/|\|(?:/|end_of_|end_)){_NAME}\s*\|?>|\[/think\]|◁/think▷|<unused95>"
_MARK = re.compile(rf"(?P<open>{_OPEN})|{_CLOSE}", re.IGNORECASE)
_CHANNEL = re.compile(
    r"<\|channel\|?>\s*(?:analysis|thought)\b.*?(?:<\|(?:end|return|call)\|>|<channel\|>|"
    r"(?=<\|(?:start|channel)\|>)|\Z)"
    r"|\A\s*analysis(?=[^\W_]).*?(?:assistant(?:final|commentary)|\Z)"  # the marks taken out, the words not
    r"|<\|start\|>\w+\s*\Z",
    re.DOTALL,
)


def without_reasoning(text: str) -> str:
    """The text without thoughts; nothing where it is all thoughts.

    >>> without_reasoning("<think>a leg? {two}!</think> {}"), without_reasoning("<think>perhaps {}")
    ('{}', '')
    """
    text = _CHANNEL.sub("", text)
    parts: list[str] = []
    at, is_open = 0, False
    for mark in _MARK.finditer(text):
        if mark["open"]:
            parts += [] if is_open else [text[at : mark.start()]]
        elif not is_open:  # the prompt opened them, so all before was thought
            parts = []
        at, is_open = mark.end(), bool(mark["open"])
    return "".join(parts if is_open else [*parts, text[at:]]).strip()
