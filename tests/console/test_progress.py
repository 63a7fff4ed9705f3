from __future__ import annotations

import io
import sys

import pytest

from vqtext.console import progress
from vqtext.console.progress import Progress
from vqtext.console.text import as_text, printable, table


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_plain_lines_when_piped(capsys, monkeypatch):
    assert list(Progress().track(range(3), text="counting")) == [0, 1, 2]
    said, told = capsys.readouterr()
    assert said == "" and told.startswith("counting: 3/3 in ")
    monkeypatch.setattr(progress, "_PLAIN_EVERY_S", 0)
    assert list(Progress().track(iter("ab"), text="counting")) == ["a", "b"]
    assert capsys.readouterr().err.splitlines()[:2] == ["counting: 1", "counting: 2"]
    with Progress().bar("seed 0") as tell:
        tell(1, 5, {"loss": 0.12345, "accuracy": 1.0, "c": 1, "d": 1})
    assert capsys.readouterr().err.splitlines()[0] == "seed 0: 1/5 loss 0.123  accuracy 1  c 1"


def test_a_bar_on_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    for i in Progress().track(range(3), text="counting [red]x[/red]"):
        Progress().say(f"at {i} [b]")
    written = sys.stderr.getvalue()
    assert "counting [red]x[/red]" in written and "3/3" in written and "at 1 [b]" in written


def test_quiet_says_nothing_but_warnings(capsys):
    quiet = Progress(quiet=True)
    quiet.say("fine")
    assert list(quiet.track("ab")) == ["a", "b"]
    with quiet.bar("x") as tell:
        tell(1, None, {})
    quiet.warn("two\nlines")
    assert capsys.readouterr() == ("", "warning: two\\nlines\n")


def test_an_error_in_the_loop_comes_through():
    with pytest.raises(KeyboardInterrupt):
        for _ in Progress().track(range(3), text="counting"):
            raise KeyboardInterrupt


def test_lines():
    assert printable("a\tb\x1b\u202e걷기 🏃 →") == "a\\tb\\x1b\\u202e걷기 🏃 →"
    assert (
        as_text({"walking": 4, "of": [1, 0.5], "none": None, "no": {}})
        == "walking 4, of 1, 0.5, none none, no none"
    )
    assert table([("a", "bb", ""), ("ccc", "d\n", "e")]) == ["a    bb", "ccc  d\\n  e"]
    assert table([]) == []
