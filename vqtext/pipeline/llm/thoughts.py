"""What a model says, without what it thinks aloud before: drafts in there are no reply.

Servers should take the thoughts out. Where they do not know a model's marks for them, or the limit was
reached, they stand in the text.
"""

from __future__ import annotations

import re

_NAME = r"(?:seed:|ant)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad|analysis)"
_OPEN = rf"<\|?(?:begin_of_|start_)?{_NAME}\b[^<>]*>|\[think\]|◁think▷|<unused94>"
_CLOSE = rf"<(?:/|\|(?:/|end_of_|end_)){_NAME}\s*\|?>|\[/think\]|◁/think▷|<unused95>"
_CLOSED = re.compile(rf"(?:{_OPEN})(?:(?!{_CLOSE}).)*(?:{_CLOSE})", re.DOTALL | re.IGNORECASE)
_BEFORE = re.compile(rf"^.*(?:{_CLOSE})", re.DOTALL | re.IGNORECASE)  # a template may have opened them
_AFTER = re.compile(rf"(?:{_OPEN}).*$", re.DOTALL | re.IGNORECASE)
_CHANNEL = re.compile(
    r"<\|channel\|?>\s*(?:analysis|thought)\b.*?(?:<\|(?:end|return|call)\|>|<channel\|>|"
    r"(?=<\|(?:start|channel)\|>)|\Z)"
    r"|\A\s*analysis(?=[^\W_]).*?(?:assistant(?:final|commentary)|\Z)"  # the marks taken out, the words not
    r"|<\|start\|>\w+\s*\Z",
    re.DOTALL,
)


def spoken(text: str) -> str:
    """The text without thoughts; nothing where it is all thoughts.

    >>> spoken("<think>a leg? {two}!</think> {}"), spoken("<think>perhaps {}")
    ('{}', '')
    """
    for thoughts in (_CHANNEL, _CLOSED, _BEFORE, _AFTER):
        text = thoughts.sub("", text)
    return text.strip()
