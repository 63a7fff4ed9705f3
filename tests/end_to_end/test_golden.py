"""A user would lose: a sentence of an answer. What each command prints for people stands in ``tests/golden``.

Numbers, times and paths are no part of it, nor are names that a network of two epochs gives: other tests
hold those. ``--golden-update`` writes the files anew; read the diff.
"""

from __future__ import annotations

import re
import shutil
from difflib import unified_diff
from pathlib import Path

import pandas
from running import FIRST

import vqtext

GOLDEN = Path(__file__).parents[1] / "golden"
NEXT = (
    ("prepare",),
    ("prepare", "--init", "study"),
    ("gen-subactions", "--provider", "openai", "--model", "m", "--refresh", "walking", "--dry-run"),
    ("describe",),
    ("preview",),
    ("evaluate",),
    ("explain",),
    ("explain", "--window", "1", "--why-not", "badminton"),
    ("explain", "--recording", "walk.csv"),
    ("codes",),
    ("codes", "--words"),
    ("search", "swing the arm"),
    ("search", "--window", "1", "--from", "1", "--to", "3"),
    ("draw", "swing the arm"),
    ("export", "cache/runs/default", "--to", "hub-folder", "--out", "shared"),
    ("status",),
    ("status", "--cache", "empty"),
    ("config",),
)
BY_NETWORK = ("explain", "codes", "search", "draw")
NUMBER = re.compile(r"(?<!\w)-?\d+(?:\.\d+)?(?:e\d+)?")
CUT_SHORT = re.compile(r"\w+(?:,? (?:→ )?\w+)*(?:,| →)? ?…")
LEVEL = re.compile(r"  (still|slight|moderate|strong)(?=  )")
BY_SENSOR = re.compile(r" by \w+ sensor|\*$", re.MULTILINE)
REPEATED = re.compile(r"((?<![^\s(])[^→,;\n]+?)(?:(?: →|[,;]) \1(?!\w))+")


def normalised(text: str, names: list[str], folder: Path) -> str:
    """Without numbers, dates and the folder; where ``names`` are given, STEP for each and each line once."""
    text = text.replace(str(folder), "FOLDER")
    text = re.sub(r"-[0-9a-f]{6}\b", "-HASH", text)
    text = re.sub(r"(?m)^the class head alone is right .*\n", "", text)  # a remark that hangs on two epochs
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "DATE", text)
    for name in names:
        text = text.replace(name, "STEP")
    if names:
        text = re.sub(r"\b(train|test)/", "PART/", text)
        text = BY_SENSOR.sub("", LEVEL.sub("  LEVEL", CUT_SHORT.sub("STEP", text)))
    text = re.sub(r" {2,}", "  ", NUMBER.sub("N", text))
    lines = [REPEATED.sub(r"\1" if names else r"\1 …", line.rstrip()) for line in text.splitlines()]
    return "".join(f"{line}\n" for line in (dict.fromkeys(lines) if names else lines))


def test_what_commands_print_for_people(printed, small_call, monkeypatch, request):
    folder, said = printed
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    model = vqtext.load(folder / "cache/runs/default")
    channels = [channel.name for channel in model.config.channels]
    names = [*model.vocabulary.anchors, *model.config.labels, *channels, "unknown"]
    names.sort(key=len, reverse=True)
    (folder / "study").mkdir()
    wave = [[0.1 * (i % n) for n in range(2, 8)] for i in range(200)]
    columns = [f"{c.modality}_{c.axis}" for c in model.config.channels]
    for file in ("walk.csv", "study/walk.csv"):
        pandas.DataFrame(wave, columns=columns).to_csv(file, index=False)
    found: dict[str, str] = {}
    for words in (*FIRST, *NEXT):
        text = said.get(words)
        if text is None:
            code, text, wrong = small_call(*words)
            assert code == 0, wrong
        text = normalised(text, names if words[0] in BY_NETWORK else [], folder)
        found[words[0]] = found.get(words[0], "") + f"$ vqtext {' '.join(words)}\n{text}"
    shutil.rmtree(folder / "cache/runs/default/recordings")  # others look at a run without them
    if request.config.getoption("golden_update"):
        GOLDEN.mkdir(exist_ok=True)
        for command, text in found.items():
            (GOLDEN / f"{command}.txt").write_text(text, encoding="utf-8")
    kept = {file.stem: file.read_text(encoding="utf-8") for file in GOLDEN.glob("*.txt")}
    assert kept.keys() == found.keys()
    for command in found:
        diff = unified_diff(kept[command].splitlines(), found[command].splitlines(), lineterm="", n=1)
        assert not [*diff], f"{command}: read `git diff` after --golden-update"
