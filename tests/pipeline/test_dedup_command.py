"""``vqtext dedup`` as typed: what scripts read, and what people are told of words that cannot be used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WORDS = {
    "waving": [{"phrase": "lift that big arm up, then hold", "opposite": "drop it"}, "rest"],
    "standing": ["rest"],
    "resting": ["lift this big arm up, then hold", "rest still"],
}


@pytest.fixture
def dedup(
    call: Callable[..., tuple[int, str, str]], write_words: Any, bag_of_words: Any
) -> Callable[..., tuple[int, str, str]]:
    """Embed some words, unless there are none, and call ``vqtext dedup``: exit code, stdout, stderr."""

    def dedup(*options: str, words: dict[str, list] | None = None) -> tuple[int, str, str]:
        cache = str(write_words(WORDS if words is None else words).cache)
        code, _, wrong = call("embed", "--cache", cache, "--quiet")
        if code:
            return code, "", wrong
        return call("dedup", "--cache", cache, "--quiet", *options)

    return dedup


def test_json_is_exactly_what_scripts_read(dedup: Any) -> None:
    code, said, wrong = dedup("--threshold", "0.6", "--json")
    assert (code, wrong) == (0, "")
    lift, again = "lift that big arm up, then hold", "lift this big arm up, then hold"
    expected = {
        "phrases": 4,
        "anchors": 2,
        "threshold": 0.6,
        "clusters": [
            {"anchor": lift, "members": [lift, again]},
            {"anchor": "rest", "members": ["rest", "rest still"]},
        ],
        "vetoed": [],
        "same_steps": [["waving", "resting"]],
        "joined": [],
        "identifiability": {"labels": 1, "order": 1, "signature": 1, "groups": []},
    }
    assert json.loads(said) == expected
    assert said == json.dumps(expected, indent=2) + "\n", "in this order"


def test_phrases_with_commas_are_one_option_each(dedup: Any) -> None:
    one, other = "lift that big arm up, then hold", "lift this big arm up, then hold"
    both = ["--keep", one, "--keep", other, "--threshold", "0.6", "--json"]
    assert json.loads(dedup(*both)[1])["anchors"] == 3
    answer = json.loads(dedup("--merge", f"{one}={other}", "--drop", "rest still", "--json")[1])
    assert {"anchor": other, "members": [one, other]} in answer["clusters"] and answer["phrases"] == 3


@pytest.mark.parametrize(
    ("options", "file", "expected"),
    [
        (["--threshold", "0.8", "--target", "3"], "", "--threshold would not be used: dedup.target (command"),
        (["--threshold", "0.8"], "target = 3", "--threshold would not be used: dedup.target (vqtext.toml)"),
        (["--calibrate", "--target", "3"], "", "--calibrate would not be used: dedup.target (command line)"),
        (["--threshold", "0.8", "--calibrate"], "", "--threshold would not be used: dedup.calibrate"),
        (["--target", "0"], "", "command line: dedup.target"),
        (["--target", "5"], "", "5 anchors"),
        (["--threshold", "0"], "", "command line: dedup.threshold"),
        (["--threshold", "1.01"], "", "command line: dedup.threshold"),
        (["--threshold", "nan"], "", "command line: dedup.threshold"),
        (["--keep", "rest stil"], "", "'rest stil'; the nearest is 'rest still'"),
        (["--drop", "rest", "--drop", "rest still"], "", "'standing'"),
    ],
)
def test_options_that_cannot_be_followed(
    options: list[str], file: str, expected: str, dedup: Any, tmp_path: Path
) -> None:
    (tmp_path / "vqtext.toml").write_text(f"[dedup]\n{file}\n")
    code, said, wrong = dedup(*options)
    assert (code, said) == (2, "") and expected in wrong and wrong.count("\n") == 1
    assert not (tmp_path / "anchors.h5").exists()


def test_what_is_typed_goes_before_the_file(dedup: Any, tmp_path: Path) -> None:
    (tmp_path / "vqtext.toml").write_text("[dedup]\nthreshold = 0.9\ncalibrate = true\n")
    code, said, _ = dedup("--target", "3", "--json")
    assert code == 0 and json.loads(said)["anchors"] == 3
    code, said, _ = dedup("--threshold", "0.6", "--no-calibrate", "--json")
    assert code == 0 and json.loads(said)["threshold"] == 0.6


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"labels": []}, "has no labels"),
        ({"labels": [{"label": "a", "subactions": []}]}, "label 'a', subactions"),
        ({"labels": [{"label": "a", "subactions": [{"phrase": " "}]}]}, "sub-action 1"),
        ({"labels": [{"label": "a", "subactions": [{"phrase": "x"}]}] * 2}, "label 'a' stands there twice"),
    ],
)
def test_words_that_cannot_be_used(words: Any, expected: str, dedup: Any, call: Any, tmp_path: Path) -> None:
    dedup()  # texts.h5 is there, and is not what is wrong
    (tmp_path / "subactions.json").write_text(json.dumps(words))
    for command in ("embed", "dedup"):
        code, said, wrong = call(command, "--cache", str(tmp_path), "--quiet")
        assert (code, said) == (1, "") and expected in wrong and wrong.count("\n") == 1


def test_words_that_are_odd_and_can_be_used(dedup: Any) -> None:
    long = "x" * 10_000
    words: dict[str, list] = {
        "a": ["🙂", long, {"phrase": "Go  UP", "opposite": "go down"}],
        "b": ["go up", {"phrase": "go down", "opposite": " GO DOWN "}, "go\tup "],
    }
    code, said, wrong = dedup("--threshold", "0.4", "--json", words=words)
    answer = json.loads(said)
    assert code == 0 and answer["phrases"] == answer["anchors"] == 4
    assert {"anchor": long, "members": [long]} in answer["clusters"]
    assert [pair["reason"] for pair in answer["vetoed"]] == ["opposite"], "another label's phrase"
    assert wrong.count("\n") == 1
