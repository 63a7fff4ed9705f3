"""gen-subactions with a language model: what was paid for and what a person wrote is kept, and a bad reply
spoils one label at most, which is named."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from llm.server import LLMServer, Response
from test_gen_subactions import by_hand, edit, first_phrases, write_windows

from vqtext.config import Settings
from vqtext.errors import LLMError, UsageError, VQTextError, WordsError
from vqtext.pipeline.gen_subactions import GenSubactions
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import MissingError, StaleError, ensure, run
from vqtext.prompts.subactions import read_subactions

Reply = Callable[[dict[str, Any]], "str | Response"]
NONE_ALIKE = '{"replacements": []}'
KOREAN = {"walking": "걷기", "running": "달리기", "standing": "서 있기"}
STEPS = (
    "swing the left arm forward",
    "swing the left arm back",
    "shift weight onto the heels",
    "sway the hips out",
)


class Toy:
    """A model that knows every label: what it says is a function of the label and the draft.

    Attributes:
        says: label → what it replies in place of good words; a list is used up from its start.
        alike: its reply when it is asked to harmonise.
        asked: the labels it was asked for, in order, "*" for harmonising.
    """

    def __init__(self) -> None:
        self.says: dict[str, Any] = {}
        self.alike: str | Response = NONE_ALIKE
        self.asked: list[str] = []
        self.change: Callable[[str, float, dict[str, Any]], None] = lambda label, temperature, reply: None

    def __call__(self, request: dict[str, Any]) -> str | Response:
        prompt = next(message["content"] for message in request["messages"] if message["role"] == "user")
        found = re.search(r"^Break this label into its sub-actions: (.*)$", prompt, re.MULTILINE)
        if found is None:
            self.asked.append("*")
            return self.alike
        label = json.loads(found[1])
        self.asked.append(label)
        said = self.says.get(label)
        if isinstance(said, list):
            said = said.pop(0) if said else None
        if said is not None:
            return said
        reply = words_of(label, 'in the language "ko"' in prompt)
        self.change(label, request["temperature"], reply)
        return json.dumps(reply)


def words_of(label: str, is_korean: bool = False) -> dict[str, Any]:
    def told(text: str) -> str | None:
        return f"{text}: 동작" if is_korean else None

    return {
        "keyword": label,
        "sentence": f"A person is {label}.",
        "paraphrases": [f"Someone is {label} {i}." for i in "abc"],
        "cyclic": False,
        "is_guess": False,
        "display": KOREAN.get(label, "라벨") if is_korean else None,
        "subactions": [
            {
                "phrase": f"{phrase} as in {label}",
                "display": told(phrase),
                "opposite": f"undo it as in {label}",
                "paraphrases": [f"{phrase} {i}" for i in "abc"],
                "body_part": "arm",
                "side": "left" if "left" in phrase else "none",
                "direction": "none",
                "signature": [{"location": "wrist", "motion": "strong", "direction": None}],
            }
            for phrase in STEPS
        ],
    }


@pytest.fixture
def toy(llm_server: LLMServer) -> Toy:
    llm_server.reply = toy = Toy()
    return toy


@pytest.fixture
def settings_of(tmp_path: Path, llm_server: LLMServer) -> Callable[..., Settings]:
    def _settings(**words: Any) -> Settings:
        llm = {**llm_server.settings(), "retries": 0, "timeout_s": 20.0}
        return Settings.model_validate(
            {"cache": tmp_path / "cache", "words": {"provider": "openai", **words}, "llm": llm}
        )

    return _settings


@pytest.fixture
def make(settings_of: Callable[..., Settings], toy: Toy, heard: Any) -> Callable[..., dict[str, Any]]:
    """Run the stage, each time as a new process would; ``toy.asked`` then says what it asked for."""

    def _make(*refresh: str, force: bool = False, **words: Any) -> dict[str, Any]:
        toy.asked.clear()
        return run(GenSubactions(settings_of(**words), heard, refresh), force=force)

    return _make


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "subactions.json"


@pytest.fixture(autouse=True)
def windows(tmp_path: Path) -> Path:
    write_windows(tmp_path / "cache", ["walking", "running", "standing"])
    return tmp_path / "cache" / "windows.h5"


def test_each_label_is_asked_for_once_and_all_are_harmonised(make: Any, toy: Toy, path: Path) -> None:
    summary = make()
    assert sorted(toy.asked) == ["*", "running", "standing", "walking"]
    assert summary["labels"] == {"walking": 4, "running": 4, "standing": 4}
    assert (summary["provider"], summary["model"]) == ("openai", "toy-1-2026")
    assert list(json.loads(path.read_text(encoding="utf-8"))) == [
        "schema",
        "language",
        "provider",
        "model",
        "reply_format",
        "drafts",
        "disagreed",
        "labels",
    ]
    words = read_subactions(path)
    assert (words.reply_format, words.drafts, words.disagreed) == ("json_schema", 1, 0)
    assert [label.label for label in words.labels] == ["walking", "running", "standing"]
    assert words.labels[0].subactions[0].signature is not None


def test_a_second_run_asks_nothing_and_changes_nothing(make: Any, toy: Toy, path: Path) -> None:
    summary = make()
    before = path.read_bytes()
    assert make() == summary and toy.asked == [] and path.read_bytes() == before
    assert make(force=True) == summary and toy.asked == [], "the journal has it all"
    assert path.read_bytes() == before


def test_the_file_has_the_same_order_whichever_reply_comes_first(
    make: Any, toy: Toy, path: Path, llm_server: LLMServer
) -> None:
    make()
    before = path.read_bytes()
    for file in (path, path.with_name("journal.sqlite")):
        file.unlink()
    toy.says = {"walking": Response(json.dumps(words_of("walking")), after_s=0.2)}
    make()
    assert toy.asked[-1] == "*" and path.read_bytes() == before


def test_settings_that_matter_ask_again_and_others_do_not(make: Any, toy: Toy, settings_of: Any) -> None:
    make()
    stage = GenSubactions(settings_of(), None)  # type: ignore[arg-type]
    assert stage.is_current()
    for other in ({"least": 3}, {"language": "ko"}, {"drafts": 2}, {"harmonise": False}):
        assert not GenSubactions(settings_of(**other), None).is_current()  # type: ignore[arg-type]
    for name, value, matters in (
        ("model", "toy-2", True),
        ("base_url", "http://localhost:1/v1", True),
        ("concurrency", 1, False),
        ("timeout_s", 7.0, False),
    ):
        llm = settings_of().llm.model_copy(update={name: value})
        changed = GenSubactions(settings_of().model_copy(update={"llm": llm}), None)  # type: ignore[arg-type]
        assert changed.is_current() is not matters


def test_a_bad_reply_is_sent_back_with_the_reasons(make: Any, toy: Toy, llm_server: LLMServer) -> None:
    bad = words_of("walking")
    bad["subactions"][1]["phrase"] = "Walking"
    bad["subactions"][2]["signature"][0]["location"] = "left antenna"
    toy.says["walking"] = [json.dumps(bad)]
    make()
    assert toy.asked.count("walking") == 2
    sent_back = [
        request["messages"][-1]["content"] for request in llm_server.requests if len(request["messages"]) > 2
    ]
    assert len(sent_back) == 1
    assert "subaction 2: the phrase 'walking' repeats the label" in sent_back[0]
    assert "subaction 3: there is no sensor at 'left antenna': choose from wrist." in sent_back[0]


def test_a_label_that_fails_is_reported_and_the_others_are_kept(
    make: Any, toy: Toy, path: Path, heard: Any
) -> None:
    toy.says["running"] = ["nonsense", "nonsense again"]
    with pytest.raises(LLMError, match=r"1 of 3 labels could not be written \('running': .*bad"):
        make()
    assert list(first_phrases(path)) == ["walking", "standing"]
    before = first_phrases(path)
    assert make()["labels"] == {"walking": 4, "running": 4, "standing": 4}
    assert toy.asked == ["running", "*"], "only what failed is asked for again"
    assert list(first_phrases(path)) == ["walking", "running", "standing"]
    assert before.items() <= first_phrases(path).items()


def test_a_refusal_names_its_label(make: Any, toy: Toy) -> None:
    toy.says["running"] = Response(refusal="I do not run.")
    with pytest.raises(LLMError, match=r"'running': the model refused: I do not run"):
        make()


def test_where_all_fail_nothing_is_written_and_the_next_run_asks_again(
    make: Any, toy: Toy, path: Path
) -> None:
    toy.says = {label: ["nonsense", "nonsense"] for label in ("walking", "running", "standing")}
    with pytest.raises(
        LLMError, match=r"3 of 3 labels .*\('walking', 'running', 'standing': .*bad"
    ) as failed:
        make()
    assert str(failed.value).count("bad") == 1, "the same reason is said once"
    assert not path.exists()
    assert len(make()["labels"]) == 3 and len(toy.asked) == 4


def test_a_wrong_key_ends_it_at_once_and_leaves_the_old_words(make: Any, toy: Toy, path: Path) -> None:
    make()
    before = path.read_bytes()
    toy.says["walking"] = Response(status=401, body={"error": {"message": "no such key"}})
    with pytest.raises(LLMError, match="does not take the key"):
        make("walking")
    assert path.read_bytes() == before


def test_a_killed_stage_resumes_and_pays_for_nothing_twice(
    settings_of: Any, make: Any, toy: Toy, path: Path, llm_server: LLMServer
) -> None:
    """kill -9 while the last label is being asked for."""
    toy.says["standing"] = Response(fault="hang")
    code = (
        "import sys; from vqtext.config import Settings; from vqtext.pipeline.progress import Progress\n"
        "from vqtext.pipeline.gen_subactions import GenSubactions; from vqtext.pipeline.stage import run\n"
        "run(GenSubactions(Settings.model_validate_json(sys.argv[1]), Progress()))"
    )
    settings = settings_of()
    settings = settings.model_copy(update={"llm": settings.llm.model_copy(update={"concurrency": 1})})
    with subprocess.Popen([sys.executable, "-c", code, settings.model_dump_json()]) as process:
        while "standing" not in toy.asked:
            assert process.poll() is None
            llm_server._ended.wait(0.02)
        os.kill(process.pid, signal.SIGKILL)
    assert not path.exists()
    del toy.says["standing"]
    make()
    assert toy.asked == ["standing", "*"]


def test_refresh_asks_again_for_that_label_alone_even_if_it_was_edited(
    make: Any, toy: Toy, path: Path
) -> None:
    make()
    edit(path, "walking", "arm swings my way")
    edit(path, "running", "arm pumps my way")
    toy.change = lambda label, _, reply: reply["subactions"][0].update(
        phrase=f"flap both hands in {label} style"
    )
    assert make("walking")["kept"] == ["running"]
    assert toy.asked == ["walking", "*"]
    assert first_phrases(path)["walking"] == "flap both hands in walking style"
    assert first_phrases(path)["running"] == "arm pumps my way"
    assert make()["kept"] == ["running"] and toy.asked == [], "and it is up to date"


def test_refresh_takes_several_labels_and_knows_their_names(make: Any, toy: Toy, windows: Path) -> None:
    write_windows(windows.parent, ["walking", "running", "sit, then stand"])
    make()
    make("walking, running", "sit, then stand")
    assert sorted(toy.asked) == ["running", "sit, then stand", "walking"], "harmonising is the same as before"
    with pytest.raises(UsageError, match="no label 'hopping': choose from 'walking'"):
        make("hopping")


def test_a_refresh_that_fails_leaves_the_label_as_it_was(make: Any, toy: Toy, path: Path) -> None:
    make()
    edit(path, "walking", "arm swings my way")
    toy.says["walking"] = ["nonsense", "nonsense"]
    with pytest.raises(LLMError, match="'walking'"):
        make("walking")
    assert first_phrases(path)["walking"] == "arm swings my way"
    assert make()["kept"] == ["walking"] and toy.asked == []


def test_edits_survive_and_their_words_are_offered_to_the_others(
    make: Any, toy: Toy, path: Path, llm_server: LLMServer
) -> None:
    path.write_text(by_hand("walking"), encoding="utf-8")
    toy.alike = json.dumps({"replacements": [{"phrase": STEPS[3] + " as in running", "instead": "mine"}]})
    assert make()["kept"] == ["walking"]
    assert sorted(toy.asked) == ["*", "running", "standing"]
    assert first_phrases(path)["walking"] == "mine"
    asked = llm_server.requests[-1]["messages"][-1]["content"]
    assert '"walking" (fixed: its phrases must stay as they are)\n- "mine"\n' in asked
    assert '"running"\n' in asked
    assert read_subactions(path).labels[1].subactions[3].phrase == "mine"
    assert make(force=True)["kept"] == [] and "walking" in toy.asked


def test_words_of_the_lexicon_are_replaced_when_a_model_is_to_write_them(
    make: Any, path: Path, settings_of: Any, heard: Any
) -> None:
    run(GenSubactions(settings_of(provider="builtin"), heard))
    edit(path, "standing", "hand stays put")
    summary = make()
    assert summary["provider"] == "openai" and summary["kept"] == ["standing"]
    assert "walking" in first_phrases(path)["walking"] and first_phrases(path)["standing"] == "hand stays put"


def test_paid_words_are_not_replaced_by_the_lexicon_in_passing(
    make: Any, path: Path, settings_of: Any, heard: Any, windows: Path
) -> None:
    """`vqtext run`, or the command without its options, after a model wrote the words."""
    make()
    before = path.read_bytes()
    builtin = settings_of(provider="builtin")
    run(GenSubactions(builtin, heard))
    assert path.read_bytes() == before
    assert any("stays: --force takes the built-in lexicon's words" in text for text in heard.said)
    with pytest.raises(WordsError, match="--provider openai"):
        run(GenSubactions(builtin, heard, ["walking"]))
    write_windows(windows.parent, ["walking", "running", "standing", "badminton"])
    with pytest.raises(WordsError, match=r"no words for 'badminton'.*--provider openai.*--force"):
        run(GenSubactions(builtin, heard))
    write_windows(windows.parent, ["walking", "running", "standing"])
    assert run(GenSubactions(builtin, heard), force=True)["provider"] == "builtin"
    assert first_phrases(path)["walking"] == "arm swings forward"


def test_no_other_command_spends_money(
    settings_of: Any, toy: Toy, heard: Any, windows: Path, make: Any
) -> None:
    with pytest.raises(MissingError, match="vqtext gen-subactions"):
        ensure(GenSubactions, settings_of(), heard)
    make()
    ensure(GenSubactions, settings_of(), heard)
    write_windows(windows.parent, ["walking", "running", "hopping"])
    with pytest.raises(StaleError, match=r"'hopping'.*vqtext gen-subactions"):
        ensure(GenSubactions, settings_of(), heard)
    assert "hopping" not in toy.asked


def test_a_drafts_guesses_are_left_out_and_counted(
    make: Any, toy: Toy, path: Path, llm_server: LLMServer
) -> None:
    def change(label: str, temperature: float, reply: dict[str, Any]) -> None:
        if label == "walking" and temperature == 1.0:
            reply["subactions"][1]["signature"][0]["motion"] = "still"
        if label == "running" and temperature == 0.6:
            reply["subactions"][0]["signature"] = []

    toy.change = change
    summary = make(drafts=3)
    assert len(toy.asked) == 10
    assert {request["temperature"] for request in llm_server.requests} == {0.2, 0.6, 1.0}
    assert (summary["drafts"], summary["disagreed"]) == (3, 1)
    words = read_subactions(path)
    cells = {label.label: [{*(s.signature or {})} for s in label.subactions] for label in words.labels}
    assert cells["walking"] == [{"wrist"}, set(), {"wrist"}, {"wrist"}]
    assert cells["running"] == [{"wrist"}] * 4, "one silent draft of three is outvoted"
    toy.change = lambda *_: None
    assert make("walking", drafts=3)["disagreed"] == 0, "what is no longer there is no longer counted"
    assert toy.asked.count("walking") == 3


def test_a_lost_draft_is_no_lost_label(make: Any, toy: Toy, heard: Any) -> None:
    toy.says["walking"] = [Response(status=400, body={"error": {"message": "too long"}})]
    assert make(drafts=2)["labels"]["walking"] == 4
    assert any("label 'walking': a draft was lost" in text for text in heard.warned)


def test_the_same_movement_gets_the_same_words(make: Any, toy: Toy, path: Path) -> None:
    toy.alike = json.dumps(
        {"replacements": [{"phrase": STEPS[0] + " as in running", "instead": STEPS[0] + " as in walking"}]}
    )
    make()
    assert first_phrases(path)["running"] == first_phrases(path)["walking"] == STEPS[0] + " as in walking"


def test_harmonising_can_be_switched_off(make: Any, toy: Toy, windows: Path) -> None:
    make(harmonise=False)
    assert "*" not in toy.asked
    write_windows(windows.parent, ["walking"])
    make()
    assert toy.asked == ["walking"], "one label has nobody to agree with"


@pytest.mark.parametrize("bad", ["nonsense", '{"replacements": [{"phrase": "fly", "instead": "swim"}]}'])
def test_words_stay_as_they_were_where_harmonising_fails(
    make: Any, toy: Toy, path: Path, heard: Any, bad: str
) -> None:
    toy.alike = bad
    assert len(make()["labels"]) == 3 and toy.asked.count("*") == 2
    assert "keeps its own wording" in heard.warned[0]
    assert first_phrases(path)["running"] == STEPS[0] + " as in running"


def test_korean(make: Any, toy: Toy, path: Path, windows: Path, llm_server: LLMServer) -> None:
    """Labels and display texts in Korean, phrases in English, from the prompt to the file."""
    write_windows(windows.parent, ["walking", "스쿼트"])
    english = words_of("스쿼트", True)
    for step in english["subactions"]:
        step["phrase"] = step["phrase"].replace("스쿼트", "a squat")
    korean_only = words_of("스쿼트", True)
    toy.says["스쿼트"] = [
        json.dumps(korean_only, ensure_ascii=False),
        json.dumps(english, ensure_ascii=False),
    ]
    make(language="ko")
    text = path.read_text(encoding="utf-8")
    assert '"language": "ko"' in text and '"display": "걷기"' in text and '"label": "스쿼트"' in text
    words = read_subactions(path)
    assert all(step.display and step.phrase.isascii() for label in words.labels for step in label.subactions)
    asked = [r["messages"][-1]["content"] for r in llm_server.requests]
    assert any('- "스쿼트"' in text for text in asked)
    assert any("is not English; other languages belong into display" in text for text in asked)


def test_a_code_is_asked_for_and_said_to_be_a_guess(make: Any, toy: Toy, windows: Path, heard: Any) -> None:
    write_windows(windows.parent, ["1.0", "A12", 'say "hi"\n'])
    toy.change = lambda label, _, reply: reply.update(is_guess=label == "A12")
    assert [*make()["labels"]] == ["1.0", "A12", 'say "hi"\n']
    assert [text for text in heard.warned if "guess" in text] == [
        "label 'A12': the model could only guess what it means: read its words"
    ]


@pytest.mark.parametrize("provider", ["openai", "builtin"])
def test_two_labels_of_one_name_are_refused_before_anything_is_paid(
    settings_of: Any, toy: Toy, windows: Path, heard: Any, provider: str
) -> None:
    write_windows(windows.parent, ["Walking", "walking "])
    with pytest.raises(WordsError, match="'Walking' and 'walking ' differ only in case or spaces"):
        run(GenSubactions(settings_of(provider=provider), heard))
    assert toy.asked == []


def test_a_dry_run_sends_and_writes_nothing(
    settings_of: Any, llm_server: LLMServer, windows: Path, path: Path, heard: Any, make: Any, toy: Toy
) -> None:
    def files() -> Iterator[tuple[str, bytes]]:
        return ((file.name, file.read_bytes()) for file in sorted(windows.parent.iterdir()))

    before = dict(files())
    stage = GenSubactions(settings_of(drafts=3), heard)
    plan = stage.plan()
    assert plan["calls"] == 10 and plan["prompt_tokens"] > 5000
    assert 9 * 800 < plan["reply_tokens"] < 9 * 1500 + 300, "about ten sub-actions a label"
    lines = stage.plan_lines(plan)
    assert f"toy-1 at {llm_server.url} for the words of" in lines[0], "nobody sends to a server unawares"
    assert any(line == 'Break this label into its sub-actions: "walking"' for line in lines)
    assert not any(line == 'Break this label into its sub-actions: "running"' for line in lines)
    assert llm_server.requests == [] and dict(files()) == before
    make()
    done = GenSubactions(settings_of(), heard)
    assert done.plan()["calls"] == 0
    assert done.plan_lines(done.plan()) == ["nothing would be asked of a language model"]
    assert GenSubactions(settings_of(), heard, ["walking"]).plan()["labels"] == ["walking"]


def test_a_dry_run_needs_windows_but_makes_none(settings_of: Any, windows: Path, heard: Any) -> None:
    windows.unlink()
    with pytest.raises(VQTextError, match="vqtext prepare"):
        GenSubactions(settings_of(), heard).plan()
    assert not windows.exists()


def test_no_windows_prepares_the_default_data_first(
    make: Any, windows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(self: Prepare, target: Path) -> None:
        write_windows(target.parent, ["walking", "running"])
        (target.parent / "windows.h5").rename(target)

    windows.unlink()
    monkeypatch.setattr(Prepare, "make", prepare)
    monkeypatch.setattr(Prepare, "summary", lambda self: {})
    assert [*make()["labels"]] == ["walking", "running"]


def test_without_a_model_s_name_all_can_be_planned_and_nothing_asked(
    settings_of: Any, heard: Any, make: Any
) -> None:
    settings = settings_of()
    nameless = settings.model_copy(update={"llm": settings.llm.model_copy(update={"model": None})})
    for _ in range(2):
        stage = GenSubactions(nameless, heard)
        assert "none is set: --model" in stage.plan_lines(stage.plan())[0]
        with pytest.raises(LLMError, match="--model"):
            run(stage)
        make()


def test_a_range_without_a_number_in_it_is_said_before_anything_is_paid(make: Any, toy: Toy) -> None:
    with pytest.raises(UsageError, match=r"words.least \(9\) is more than words.most \(5\)"):
        make(least=9, most=5)
    assert toy.asked == []


def test_the_command_line(
    python: Callable[..., subprocess.Popen[str]], toy: Toy, llm_server: LLMServer, path: Path
) -> None:
    """The options reach the server, stdout is the answer alone, a failed label is exit code 1, and the key
    stands nowhere but in the request."""

    def call(*options: str) -> tuple[int, str, str]:
        asked = ["gen-subactions", "--provider", "openai", "--json", *options]
        process = python("from vqtext.cli import main; main()", *asked, OPENAI_API_KEY="sk-very-secret")
        said, told = process.communicate(timeout=60)
        return process.returncode, said, told

    code, said, told = call("--dry-run", "--base-url", "http://localhost:1/v1")
    assert code == 0 and json.loads(said)["calls"] == 4 and not path.exists(), told
    toy.says["running"] = ["nonsense", "nonsense"]
    options = ["--base-url", llm_server.url, "--model", "toy-1", "--concurrency", "2"]
    options += ["--language", "ko", "--drafts", "1", "--no-harmonise", "--max-tokens", "4000"]
    code, said, told = call(*options)
    assert (code, said) == (1, "") and "error: 1 of 3 labels could not be written ('running': " in told
    code, said, told = call(*options, "--refresh", "walking", "--refresh", "standing")
    assert code == 0 and json.loads(said)["labels"] == {"walking": 4, "running": 4, "standing": 4}, told
    assert toy.asked.count("walking") == toy.asked.count("standing") == 2 and "*" not in toy.asked
    assert {request["max_tokens"] for request in llm_server.requests} == {4000}
    assert read_subactions(path).labels[0].display == "걷기"
    assert {*llm_server.keys} == {"Bearer sk-very-secret"}
    written = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"very-secret" not in written and "very-secret" not in told
    assert call("--refresh", "hopping", *options)[0] == 2


def test_what_people_are_told(make: Any, settings_of: Any, heard: Any, path: Path) -> None:
    stage = GenSubactions(settings_of(), heard)
    assert stage.lines(make(drafts=2)) == [
        f"3 labels, 12 sub-actions: {path}",
        "written by toy-1-2026 (json_schema)",
        "2 drafts each; signature cells they disagreed on: 0",
    ]
