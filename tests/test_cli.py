"""The grammar that scripts rely on: what stdout, stderr and the exit code say."""

from __future__ import annotations

import json
import re
import signal

import numpy as np
import pytest

import vqtext
from vqtext.console.output import print_json
from vqtext.pipeline import run_all
from vqtext.pipeline.registry import STAGES

CONTENTS = """
name = "own"
rate_hz = 10
recordings = "*.csv"
label_column = "label"
[[channels]]
column = "ax"
location = "wrist"
modality = "acc"
axis = "x"
unit = "m/s2"
"""
PREPARED = {
    "windows": 4,
    "channels": 1,
    "steps": 50,
    "labels": {"running": 2, "walking": 2},
    "subjects": {},
    "unused": {"share": 0, "why": {}},
    "truth": None,
}


@pytest.fixture
def study(tmp_path):
    """A folder of recordings of walking and running; returns the options that choose it."""
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "dataset.toml").write_text(CONTENTS)
    for label in ("walking", "running"):
        values = np.random.default_rng(0).normal(size=100)
        (folder / f"{label}.csv").write_text("ax,label\n" + "".join(f"{value},{label}\n" for value in values))
    return ["--data", "csv", "--path", str(folder)]


def test_version_and_help(call):
    assert call("--version") == (0, f"vqtext {vqtext.__version__}\n", "")
    code, said, _ = call("--help")
    assert code == 0
    commands = [entry.command for entry in STAGES]
    commands += ["run", "codes", "studio", "search", "draw", "preview", "figures", "sweep", "status"]
    commands += ["config", "import-vqshape", "export"]
    assert re.findall(r"^│ ([a-z-]+) {2,}\S", said, re.MULTILINE)[-len(commands) :] == commands
    assert call()[0] == 2


@pytest.mark.parametrize("command", [entry.command for entry in STAGES] + ["run"])
def test_every_stage_has_the_common_options(call, command):
    code, said, _ = call(command, "--help")
    assert code == 0
    for option in ("--cache", "--json", "--quiet", "--force"):
        assert re.search(rf"^│ {option} ", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dedupe"], "No such command 'dedupe'"),
        (["dedup", "--thresh", "1"], "No such option: --thresh"),
        (["dedup", "--threshold", "high"], "--threshold"),
        (["dedup", "--threshold", "1.5"], "error: command line: dedup.threshold: "),
        (["train", "--seeds", "0,x"], "error: command line: train.seeds.1: "),
        (["train", "--run", "../x"], "error: command line: train.run: "),
        (
            ["run", "--folds", "4", "--test-subjects", "7"],
            "error: command line: train: test_subjects and folds",
        ),
        (["train", "--folds", "1"], "train.folds"),
        (["train", "--folds", "some"], "error: command line: train.folds"),
        (["train", "--test-subjects", ","], "train.test_subjects"),
        (["train", "--channels", "all"], "'joint' or 'independent'"),
        (["prepare", "--data", "basic_motion"], "did you mean 'basic_motions'"),
    ],
)
def test_wrong_use(call, tmp_path, arguments, message):
    code, said, wrong = call(*arguments, "--json")
    assert code == 2 and said == "" and message in wrong
    assert list(tmp_path.iterdir()) == []


def test_prepare_answers_with_one_object_and_nothing_else(call, study):
    code, said, wrong = call("prepare", *study, "--json")
    assert code == 0 and json.loads(said) == PREPARED and wrong.startswith("reading recordings: ")
    code, again, wrong = call("prepare", *study, "--json")
    assert (code, again) == (0, said) and wrong == "cache/windows.h5 is up to date\n"
    assert call("prepare", *study, "--json", "--force", "--quiet") == (0, said, "")


def test_people_get_plain_lines(call, study):
    code, said, _ = call("prepare", *study)
    assert code == 0
    assert said == (
        "windows: 4\nchannels: 1\nsteps: 50\nlabels: running 2, walking 2\nsubjects: none\n"
        "signal in no window: 0.0%\n"
    )


def test_options_that_are_not_given_leave_the_file_and_the_variables_alone(
    call, study, tmp_path, monkeypatch
):
    (tmp_path / "vqtext.toml").write_text('cache = "elsewhere"\n[data]\nwindow_s = 2.5\nstride_s = 2.5\n')
    assert json.loads(call("prepare", *study, "--json")[1])["windows"] == 8
    assert (tmp_path / "elsewhere" / "windows.h5").exists()
    monkeypatch.setenv("VQTEXT_DATA__STRIDE_S", "1")
    assert json.loads(call("prepare", *study, "--json")[1])["windows"] > 8
    assert json.loads(call("prepare", *study, "--stride-s", "5", "--json")[1])["windows"] == 4


def test_an_error_is_one_line_on_stderr(call, tmp_path):
    code, said, wrong = call("dedup", "--json")
    assert (code, said) == (1, "") and wrong.endswith("`vqtext gen-subactions`\n")
    assert wrong.startswith("error: ") and wrong.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_no_text_from_outside_drives_the_terminal_or_breaks_the_line(call, study, tmp_path):
    code, said, wrong = call("prepare", "--data", "csv", "--path", "a\nb\x1b[31m")
    assert code in (1, 2) and said == "" and wrong.count("\n") == 1
    assert r"a\nb\x1b[31m" in wrong and "\x1b" not in wrong
    (tmp_path / "study" / "odd.csv").write_text('ax,label\n1,"two\nlines\x1b[31m"\n')
    _, said, _ = call("prepare", *study)
    assert r"two\nlines\x1b[31m 1" in said


def test_a_place_that_cannot_be_written(call, study, tmp_path):
    (tmp_path / "file").touch()
    code, said, wrong = call("prepare", *study, "--cache", "file")
    assert (code, said) == (1, "") and wrong.splitlines()[-1].startswith("error: file/windows.h5")


def test_status_follows_the_flow(call, study, monkeypatch):
    monkeypatch.setenv("VQTEXT_GUIDANCE__SOURCE", "both")
    code, said, wrong = call("status", "--json")
    answer = json.loads(said)
    assert (code, wrong) == (0, "") and answer["next"] == "vqtext prepare"
    assert [entry["artifact"] for entry in answer["artifacts"]] == [
        "windows.h5",
        "subactions.json",
        "descriptions.h5",
        "texts.h5",
        "anchors.h5",
        "runs/default",
        "runs/default/evaluate.json",
        "runs/default/explain.json",
    ]
    assert {entry["state"] for entry in answer["artifacts"]} == {"missing"}
    call("prepare", *study), call("gen-subactions"), call("describe")
    answer = json.loads(call("status", "--json")[1])
    windows, words, descriptions, *_ = answer["artifacts"]
    assert [windows["state"], words["state"], descriptions["state"]] == ["made"] * 3
    assert answer["next"] == "vqtext embed" and descriptions["inputs"] == ["windows.h5"]
    assert windows["size"] > 1000 and windows["options"]["name"] == "csv" and windows["why"] is None
    call("prepare", *study, "--window-s", "2")
    code, said, _ = call("status")
    assert re.search(r"^descriptions\.h5 +stale +\S+ \S+ +[\d.]+ kB +from windows\.h5$", said, re.MULTILINE)
    assert "(cache/windows.h5 changed since): run `vqtext describe`" in said
    assert said.endswith("next: vqtext describe\n")


def test_status_tells_of_a_damaged_artifact(call, study, tmp_path):
    call("prepare", *study)
    (tmp_path / "cache" / "windows.h5").write_text("a,b\n")
    code, said, wrong = call("status")
    assert code == 0 and re.search(r"^windows\.h5 +damaged", said, re.MULTILINE) and "no HDF5 file" in said
    code, said, wrong = call("gen-subactions")
    assert code == 1 and "windows.h5" in wrong and "vqtext prepare --force" in wrong


def test_config_tells_where_values_come_from(call, tmp_path, monkeypatch):
    (tmp_path / "vqtext.toml").write_text("[dedup]\nthreshold = 0.5\n")
    monkeypatch.setenv("VQTEXT_TRAIN__SEEDS", "0,1")
    answer = json.loads(call("config", "--cache", "c", "--json")[1])
    assert answer["dedup.threshold"] == {"value": 0.5, "origin": "vqtext.toml"}
    assert answer["train.seeds"] == {"value": [0, 1], "origin": "VQTEXT_TRAIN__SEEDS"}
    assert answer["cache"] == {"value": "c", "origin": "command line"}
    assert answer["embed.encoder"] == {"value": "auto", "origin": "default"}
    assert re.search(r"^dedup\.threshold +0\.5 +vqtext\.toml$", call("config")[1], re.MULTILINE)


@pytest.fixture
def first_stages(monkeypatch):
    """``vqtext run`` with the stages that take no time."""
    monkeypatch.setattr(run_all, "STAGES", STAGES[:3])


def test_run_does_all_stages_and_tells_of_each(call, study, first_stages):
    code, said, _ = call("run", *study, "--guidance", "both", "--json")
    assert code == 0
    answer = json.loads(said)
    assert list(answer) == ["prepare", "gen-subactions", "describe"] and answer["prepare"] == PREPARED
    assert json.loads(call("run", *study, "--guidance", "both", "--json")[1]) == answer
    code, said, _ = call("run", *study, "--guidance", "both", "--quiet")
    assert said.startswith("prepare\n  windows: 4\n") and "\ndescribe\n  windows: 4\n" in said


def test_run_describes_nothing_that_nobody_reads(call, study, first_stages, tmp_path):
    """Descriptions take minutes, and by themselves no training reads them."""
    code, said, wrong = call("run", *study, "--json")
    assert code == 0 and list(json.loads(said)) == ["prepare", "gen-subactions"]
    assert not (tmp_path / "cache" / "descriptions.h5").exists() and "descriptions" not in wrong
    assert json.loads(call("status", "--json")[1])["next"] == "vqtext embed"
    (tmp_path / "vqtext.toml").write_text("[describe]\nsegments = 3\n")
    code, _, wrong = call("run", *study, "--json")
    assert code == 0 and "guidance.source" in wrong


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (["--test-subjects", "99"], "no subject '99': there are 1, 2"),
        (["--test-subjects", "1,2"], "nobody"),
        (["--folds", "3"], "--folds 3"),
        (["--split", "own"], "own"),
    ],
)
def test_run_says_whom_it_cannot_test_on_before_words_are_paid_for(call, study, tmp_path, option, says):
    folder = tmp_path / "study"
    contents = (folder / "dataset.toml").read_text()
    named = contents.replace("[[channels]]", 'subject_pattern = "[a-z]+-(.).csv"\n[[channels]]', 1)
    (folder / "dataset.toml").write_text(named)
    for label in ("walking", "running"):
        recording = (folder / f"{label}.csv").rename(folder / f"{label}-1.csv")
        (folder / f"{label}-2.csv").write_text(recording.read_text())
    code, _, wrong = call("run", *study, *option)
    assert code == 2 and says in wrong.splitlines()[-1]
    assert [path.name for path in (tmp_path / "cache").iterdir() if path.name[0] != "."] == ["windows.h5"]


def test_a_contradiction_in_the_file_names_it(call, tmp_path):
    (tmp_path / "vqtext.toml").write_text("[train]\ntest_subjects = [7]\n")
    code, _, wrong = call("train", "--folds", "loso")
    assert code == 2 and "command line, vqtext.toml: train: test_subjects and folds" in wrong


def test_run_never_replaces_data_that_nobody_can_give_back(call, study, first_stages, tmp_path):
    call("prepare", *study), call("gen-subactions")
    words = tmp_path / "cache" / "subactions.json"
    words.write_text(words.read_text().replace('"cyclic": true', '"cyclic": false', 1))
    edited = words.read_text()
    code, said, wrong = call("run", "--force", "--json")
    assert code == 0 and json.loads(said)["prepare"] == PREPARED
    assert "windows.h5" in wrong
    assert words.read_text() == edited


SLOW = """
import sys, time
from vqtext import cli
from vqtext.pipeline.prepare import Prepare
def make(self, target):
    target.write_text("half")
    print("working", file=sys.stderr, flush=True)
    time.sleep(60)
Prepare.make = make
cli.main()
"""


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [
        (signal.SIGINT, 130, "interrupted; what was made before is whole\n"),
        (signal.SIGTERM, 143, "terminated; what was made before is whole\n"),
        *(
            (
                number,
                128 + number,
                f"stopped by {number.name}; what was made before is whole, and the same command goes on\n",
            )
            for number in signal.Signals
            if number.name in ("SIGUSR1", "SIGUSR2", "SIGXCPU")
        ),
        (signal.SIGKILL, -signal.SIGKILL, ""),
    ],
)
def test_a_stage_that_is_stopped_leaves_the_old_artifact_whole(
    call, study, tmp_path, python, number, code, message
):
    call("prepare", *study)
    before = (tmp_path / "cache" / "windows.h5").read_bytes()
    process = python(SLOW, "prepare", *study, "--force", "--json")
    assert process.stderr.readline() == "working\n"
    process.send_signal(number)
    said, wrong = process.communicate()
    assert (process.returncode, said, wrong) == (code, "", message)
    assert (tmp_path / "cache" / "windows.h5").read_bytes() == before
    assert json.loads(call("prepare", *study, "--json", "--force")[1]) == PREPARED
    names = {path.name for path in (tmp_path / "cache").iterdir()}
    assert names == {"windows.h5", ".windows.h5.lock"}


def test_a_reader_that_goes_away_is_no_error(python):
    process = python("import sys; sys.stdin.readline(); from vqtext.cli import main; main()", "config")
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() in (0, 1)


def test_a_terminal_that_knows_only_ascii(python):
    code = "from vqtext.cli import main; main()"
    said, wrong = python(code, "config", "--cache", "걷기 🏃", PYTHONIOENCODING="ascii").communicate()
    assert r"\uac77\uae30 \U0001f3c3" in said and wrong == ""
    said, wrong = python(
        code, "config", "--json", "--cache", "걷기 🏃", PYTHONIOENCODING="ascii"
    ).communicate()
    assert json.loads(said)["cache"]["value"] == "걷기 🏃" and wrong == ""


def test_json_has_no_nan(capsys):
    print_json({"std": float("nan"), "values": [1.5, float("inf")], "names": ["a"]})
    assert json.loads(capsys.readouterr().out) == {"std": None, "values": [1.5, None], "names": ["a"]}


@pytest.mark.parametrize(
    "line, said",
    [
        (("gen-subactions", "--model", "m"), "llm.model would not be used: words.provider is builtin"),
        (("describe", "--limit", "3"), "describe.limit would not be used: describe.source is template"),
        (("prepare", "--path", "study"), "say which data that is"),
    ],
)
def test_what_is_typed_and_would_not_be_used_is_an_error(call, line, said):
    code, out, err = call(*line)
    assert code in (1, 2) and not out
    assert said in err
