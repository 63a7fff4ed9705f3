"""What was paid for and what a person wrote is kept, and a bad reply spoils one label at most."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from llm.server import LLMServer, Response
from test_gen_subactions import by_hand, edit, first_phrases, write_windows
from toy_author import STEPS, Toy, words_of

from vqtext.errors import LLMError, UsageError, WordsError
from vqtext.pipeline.gen_subactions import GenSubactions
from vqtext.pipeline.stage import MissingError, StaleError, ensure, run
from vqtext.prompts.subactions import read_subactions


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
    assert "- 'walking': the phrase repeats the label" in sent_back[0]
    assert (
        f"- '{STEPS[2]} as in walking': there is no sensor at 'left antenna': choose from wrist."
        in sent_back[0]
    )


def test_a_label_that_fails_is_reported_and_the_others_are_kept(
    make: Any, toy: Toy, path: Path, heard: Any
) -> None:
    toy.says["running"] = ["nonsense", "nonsense again"]
    with pytest.raises(LLMError, match=r"1 of 3 .*'running'"):
        make()
    assert list(first_phrases(path)) == ["walking", "standing"]
    before = first_phrases(path)
    assert make()["labels"] == {"walking": 4, "running": 4, "standing": 4}
    assert toy.asked == ["running", "*"], "only what failed is asked for again"
    assert list(first_phrases(path)) == ["walking", "running", "standing"]
    assert before.items() <= first_phrases(path).items()


def test_a_refusal_names_its_label(make: Any, toy: Toy) -> None:
    toy.says["running"] = Response(refusal="I do not run.")
    with pytest.raises(LLMError, match=r"'running'.*I do not run"):
        make()


def test_where_all_fail_nothing_is_written_and_the_next_run_asks_again(
    make: Any, toy: Toy, path: Path
) -> None:
    toy.says = {label: ["nonsense", "nonsense"] for label in ("walking", "running", "standing")}
    with pytest.raises(LLMError, match=r"3 of 3 .*'walking', 'running', 'standing'") as failed:
        make()
    assert str(failed.value).count("bad") == 1, "the same reason is said once"
    assert not path.exists()
    assert len(make()["labels"]) == 3 and len(toy.asked) == 4


def test_a_wrong_key_ends_it_at_once_and_leaves_the_old_words(make: Any, toy: Toy, path: Path) -> None:
    make()
    before = path.read_bytes()
    toy.says["walking"] = Response(status=401, body={"error": {"message": "no such key"}})
    with pytest.raises(LLMError):
        make("walking")
    assert path.read_bytes() == before


def test_a_killed_stage_resumes_and_pays_for_nothing_twice(
    kill_at: Any, make: Any, toy: Toy, path: Path
) -> None:
    """kill -9 while the last label is being asked for."""
    kill_at("standing")
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
    with pytest.raises(UsageError, match=r"'hopping'.*'walking'"):
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
    assert any("--force" in text for text in heard.said)
    with pytest.raises(WordsError, match="--provider openai"):
        run(GenSubactions(builtin, heard, ["walking"]))
    write_windows(windows.parent, ["walking", "running", "standing", "badminton"])
    with pytest.raises(WordsError, match=r"'badminton'.*--provider openai.*--force"):
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
