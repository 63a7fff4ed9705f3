"""subactions.json: what is read, what is refused and in which words, and how it is written."""

import json
from pathlib import Path
from typing import Any

import pytest

from vqtext.errors import ArtifactError, WordsError
from vqtext.prompts.lexicon import lexicon
from vqtext.prompts.subactions import dump_subactions, parse_subactions, read_subactions


def one(**changes: Any) -> str:
    """A file of one label whose only sub-action has ``changes``."""
    return json.dumps({"labels": [{"label": "walk", "subactions": [{"phrase": "leg up", **changes}]}]})


def test_the_least_that_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "subactions.json"
    path.write_text("\ufeff" + one(), encoding="utf-8")  # an editor's byte order mark does no harm
    words = read_subactions(path)
    assert words.labels[0].subactions[0].phrase == "leg up"
    assert words.schema_version == 1 and words.labels[0].cyclic is None


def test_null_is_as_good_as_missing() -> None:
    words = parse_subactions(one(opposite=None, signature=None, side=None, paraphrases=None), "x")
    assert words.labels[0].subactions[0].signature is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "x, line 1, column 2: not JSON"),
        ('{"labels": [\n {"label": }]}', "x, line 2, column 12: not JSON"),
        ("[" * 100_000, "not JSON that can be read"),
        ("[]", "must be a JSON object"),
        ('{"labels": []}', "x has no labels"),
        ('{"schema": 2, "labels": []}', "schema: 2 is not allowed: choose from 1"),
        ('{"label": [], "labels": []}', "unknown key 'label': allowed are schema, language, provider, model"),
        ('{"labels": [{"label": "walk"}]}', "label 'walk': the key 'subactions' is missing"),
        ('{"labels": [{"label": "walk", "subactions": []}]}', "label 'walk', subactions: must not be empty"),
        ('{"labels": [{"subactions": []}]}', "label number 1: the key 'label' is missing"),
        ('{"labels": ["walk"]}', "label number 1: must be a JSON object"),
        (one(phrase=""), "sub-action 1, phrase: must not be empty"),
        (one(phrase="  "), "label 'walk', sub-action 1: the phrase is empty"),
        (
            one(side="lft"),
            "sub-action 1, side: 'lft' is not allowed: choose from left, right, both, either, none",
        ),
        (
            one(signature={"wrist": {"motion": "fast"}}),
            "signature, 'wrist', motion: 'fast' is not allowed: choose from still, slight, moderate, strong",
        ),
        (
            one(signature={"wrist": {"speed": 1}}),
            "signature, 'wrist': unknown key 'speed': allowed are motion, direction",
        ),
        (one(part="leg"), "sub-action 1: unknown key 'part': allowed are phrase, display, opposite"),
        (one(paraphrases=["a", 3]), "paraphrases, number 2: input should be a valid string"),
        (
            '{"labels": [{"label": "a\\nb", "subactions": [{"phrase": "x"}]},'
            '{"label": "a\\nb", "subactions": [{"phrase": "x"}]}]}',
            "label 'a\\nb' stands there twice",
        ),
        (one(phrase="\ud800"), "sub-action 1, phrase: "),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, expected: str) -> None:
    with pytest.raises(WordsError) as caught:
        parse_subactions(text, "x")
    message = str(caught.value)
    assert expected in message
    assert "\n" not in message and len(message) < 400


def test_no_file_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="vqtext gen-subactions"):
        read_subactions(tmp_path / "subactions.json")


def test_a_file_that_is_no_text_or_no_file(tmp_path: Path) -> None:
    path = tmp_path / "subactions.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WordsError, match="not UTF-8"):
        read_subactions(path)
    with pytest.raises(WordsError, match="cannot be read"):
        read_subactions(tmp_path)


def test_written_words_are_read_back_and_pleasant_to_edit() -> None:
    words = lexicon("basic_motions", ["walking", "standing"])
    words.labels[1].label = '걷기 "1"\n</script>'
    text = dump_subactions(words)
    assert parse_subactions(text, "x") == words
    raw = json.loads(text)
    assert list(raw) == ["schema", "language", "provider", "model", "labels"] and raw["model"] is None
    assert list(raw["labels"][0])[:5] == ["label", "keyword", "sentence", "paraphrases", "cyclic"]
    assert "걷기" in text and text.endswith("}\n")
    assert max(map(len, text.splitlines())) <= 120
    assert '"phrase": "arm swings forward",\n' in text
    assert '"signature": {"wrist": {"motion": "strong", "direction": "forward"}}\n' in text
