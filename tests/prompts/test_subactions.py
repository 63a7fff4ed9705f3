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
        ('{"schema": 2, "labels": []}', "schema: 2"),
        ('{"label": [], "labels": []}', "unknown key 'label'"),
        ('{"labels": [{"label": "walk"}]}', "label 'walk': the key 'subactions'"),
        ('{"labels": [{"label": "walk", "subactions": []}]}', "label 'walk', subactions"),
        ('{"labels": [{"subactions": []}]}', "label number 1: the key 'label'"),
        ('{"labels": ["walk"]}', "label number 1"),
        (one(phrase=""), "sub-action 1, phrase"),
        (one(phrase="  "), "label 'walk', sub-action 1"),
        (
            one(side="lft"),
            "sub-action 1, side: 'lft'",
        ),
        (
            one(signature={"wrist": {"motion": "fast"}}),
            "signature, 'wrist', motion: 'fast'",
        ),
        (
            one(signature={"wrist": {"speed": 1}}),
            "signature, 'wrist': unknown key 'speed'",
        ),
        (one(part="leg"), "sub-action 1: unknown key 'part'"),
        (one(paraphrases=["a", 3]), "paraphrases, number 2"),
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
    with pytest.raises(WordsError):
        read_subactions(path)
    with pytest.raises(WordsError):
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
