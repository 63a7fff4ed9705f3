"""A user would lose: trust in what is measured in the planted world, if its words were not true of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from corruption import corrupted
from levels import agreement, levels

from vqtext.data.planted.simulate import record
from vqtext.data.planted.world import WORLDS, Options
from vqtext.prompts.lexicon import lexicon

BOX = {"push the hand forward", "raise the hand", "move the hand outward", "pull the hand back",
       "lower the hand", "move the hand inward"}  # fmt: skip
MIRRORED = [
    *({f"{verb} the {side} {rest}" for side in ("left", "right")} for verb, rest in
      (("lift", "knee up"), ("reach", "heel forward"), ("plant", "foot"))),
    *({f"{side} {rest}" for side in ("left", "right")} for rest in
      ("arm lifts out to the side", "arm holds out sideways", "hand drops to the side")),
]  # fmt: skip


@pytest.mark.parametrize("name", WORLDS)
def test_the_words_are_the_labels_as_they_are_done(name: str) -> None:
    for words in lexicon("planted", list(WORLDS[name].labels)).labels:
        label = WORLDS[name].labels[words.label]
        assert tuple(step.phrase for step in words.subactions) == label.phrases
        assert words.cyclic == label.cyclic


def test_the_identifiable_world_has_twelve_sub_actions() -> None:
    labels = WORLDS["identifiable"].labels.values()
    assert len({phrase for label in labels for phrase in label.phrases}) == 12


def test_levels_are_found_in_the_order_in_which_they_are_written() -> None:
    recordings = [record(i, Options(minutes=2)) for i in range(3)]
    words = lexicon("planted", list(WORLDS["identifiable"].labels))
    right, pairs = agreement(levels(recordings, words.labels))
    assert pairs > 80 and right / pairs >= 0.95
    right, pairs = agreement(levels(recordings, corrupted(words, 0.5, 0).labels))
    assert right / pairs < 0.8, "wrong words are found out"


@pytest.mark.parametrize(
    ("world", "sensors", "groups"),
    [
        ("identifiable", None, []),
        ("mirrored", None, MIRRORED),
        ("mirrored", ["lower back", "left wrist", "left foot", "right foot", "right wrist"], []),
        ("unordered", None, [BOX]),
    ],
)
def test_the_report_names_what_nothing_tells_apart(
    world: str,
    sensors: list[str] | None,
    groups: list[set[str]],
    tmp_path: Path,
    call: Callable[..., tuple[int, str, str]],
) -> None:
    file, cache = tmp_path / "world.toml", str(tmp_path / "cache")
    more = f"sensors = {json.dumps(sensors)}\n" if sensors else ""
    file.write_text(f'world = "{world}"\nsubjects = 3\nminutes = 1.5\n{more}', encoding="utf-8")
    said: Any = None
    for typed in (
        ["prepare", "--data", "planted", "--path", str(file)],
        ["gen-subactions"],
        ["embed", "--encoder", "minilm"],
        ["dedup", "--threshold", "0.85", "--json"],
    ):
        code, said, wrong = call(*typed, "--cache", cache, "--quiet")
        assert code == 0, wrong
    found = json.loads(said)
    phrases = {phrase for label in WORLDS[world].labels.values() for phrase in label.phrases}
    assert found["anchors"] == len(phrases), "nothing merges"
    alike = [set(group) for group in found["identifiability"]["groups"]]
    assert sorted(alike, key=sorted) == sorted(groups, key=sorted)
