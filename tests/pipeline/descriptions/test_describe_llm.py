"""``vqtext describe --source llm`` against a real server on loopback: what is asked, kept, and never told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llm.server import LLMServer, Response

from vqtext.cache.hdf5 import open_artifact
from vqtext.data.windows.windows import Windows
from vqtext.errors import ArtifactError, LLMError
from vqtext.pipeline.artifacts import write_windows
from vqtext.pipeline.describe import Describe
from vqtext.pipeline.descriptions.by_model import questions as ask
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.stage import run
from vqtext.schema import Channel, Subject
from vqtext.settings.schema import Settings

LABELS = ["zqxvwalk Qorbl", "🦖", "brumplefex_upsteps", "vintrosk"]
SECRET = re.compile("zqxv|qorbl|🦖|brumple|upstep|vintrosk|wexley|martian", re.IGNORECASE)
N = 12


@pytest.fixture
def windows() -> Windows:
    """Recordings whose labels, names, data set and people are words that nothing else says."""
    rng = np.random.default_rng(0)
    size = np.geomspace(0.05, 20, N)[:, None, None]
    return Windows(
        dataset="martian",
        rate_hz=10.0,
        channels=[
            Channel(f"{modality}_{axis}", "wrist", modality, axis, unit)
            for modality, unit in (("acc", "m/s2"), ("gyro", "rad/s"))
            for axis in "xyz"
        ],
        labels=LABELS,
        subjects=[Subject("wexley", age=9, height_cm=131, weight_kg=28, sex="female", hand="left")],
        recordings=["vintrosk_01.csv"],
        signal=(rng.normal(size=(N, 6, 40)) * size).astype(np.float32),
        length=np.full(N, 40, dtype=np.int32),
        label=(np.arange(N) % len(LABELS)).astype(np.int32),
        subject=np.zeros(N, dtype=np.int32),
        recording=np.zeros(N, dtype=np.int32),
        start_s=4.0 * np.arange(N),
        split=np.full(N, -1, dtype=np.int8),
    )


@pytest.fixture
def settings(windows: Windows, tmp_path: Path, llm_server: LLMServer) -> Settings:
    write_windows(tmp_path / "windows.h5", windows, "")
    llm_server.reply = good
    llm = llm_server.settings(retries=0)
    said = {"describe": {"source": "llm"}, "guidance": {"source": "both"}}
    return Settings.model_validate({"cache": tmp_path, "llm": llm, **said})


def said(request: dict[str, Any]) -> str:
    """The facts in a request."""
    return request["messages"][1]["content"]


def good(request: dict[str, Any], more: str = "") -> str:
    peak = re.search(r"Largest rotation: wrist ([\d.]+) rad/s", said(request))
    assert peak is not None
    text = f"The wrist moves{more} through the whole stretch, and it turns at up to {peak[1]} rad/s."
    return json.dumps({"description": text})


def read(settings: Settings) -> tuple[list[str], list[int]]:
    with open_artifact(settings.cache / "descriptions.h5", "descriptions") as file:
        text = file["text"]
        return [text[i] for i in file["index"]], file["source"].tolist()


def by_template(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"describe": settings.describe.model_copy(update={"source": "template"})}
    )


def questions(settings: Settings, heard: Any) -> list[Any]:
    windows, facts, rhythm, _ = Describe(settings, heard)._measured()
    return [(asked.question, asked.windows) for asked in ask(windows, facts, rhythm, settings.describe.limit)]


def templates(settings: Settings, heard: Any) -> list[str]:
    """What the template says of the same windows."""
    plain = by_template(settings)
    Describe(plain, heard).make(settings.cache / "plain.h5")
    with open_artifact(settings.cache / "plain.h5", "descriptions") as file:
        return [file["text"][i] for i in file["index"]]


def test_each_window_gets_its_own_text(settings: Settings, llm_server: LLMServer, heard: Any) -> None:
    answer = run(Describe(settings, heard))
    assert answer["written_by"] == {"template": 0, "llm": N} and answer["texts"] == N
    texts, source = read(settings)
    assert source == [1] * N
    asked = [question.user for question, _ in questions(settings, heard)]
    replies = {said(request): json.loads(good(request))["description"] for request in llm_server.requests}
    assert texts == [replies[facts] for facts in asked], "each of its own facts"
    assert heard.warned == []
    assert run(Describe(settings, heard)) == answer and len(llm_server.requests) == N
    (settings.cache / "descriptions.h5").unlink()
    assert run(Describe(settings, heard)) == answer and len(llm_server.requests) == N, "paid once"


def test_a_model_may_tell_of_each_stretch(
    settings: Settings, windows: Windows, llm_server: LLMServer, heard: Any
) -> None:
    """Its sentence stands for all segments of its stretch; where it gave none, the template's stand."""
    windows.signal[..., :20] *= 0.01
    write_windows(settings.cache / "windows.h5", windows, "")

    def some(request: dict[str, Any]) -> str:
        reply, lines = json.loads(good(request)), re.findall(r"^(\S+) s: ", said(request), re.MULTILINE)
        if "0.0–4.0" not in lines:
            reply["stretches"] = ["It rests.", *["The wrist goes on."] * (len(lines) - 1)]
        return json.dumps(reply)

    llm_server.reply = some
    run(Describe(settings, heard))
    with open_artifact(settings.cache / "descriptions.h5", "descriptions") as file:
        text, index, level = file["segment/text"], file["segment/index"], file["level"]
    assert sorted(set(index.flatten().tolist())) == list(range(len(text))), "no text that nobody has"
    for own, levels in zip(index, level[..., 0], strict=True):
        told, alike = [text[i] for i in own], np.cumsum(levels == levels[0]) == np.arange(1, len(levels) + 1)
        if alike.all():
            assert all(sentence.startswith("The wrist ") for sentence in told)
        else:
            assert told == ["It rests." if first else "The wrist goes on." for first in alike]
    assert {"It rests.", "The wrist goes on."} < set(text)


def test_no_prompt_and_no_description_holds_a_label(
    settings: Settings, llm_server: LLMServer, heard: Any
) -> None:
    run(Describe(settings, heard))
    assert len(llm_server.requests) == N
    sent = [*llm_server.requests, Describe(settings, heard).plan()]
    written = [*read(settings)[0], *templates(settings, heard)]
    for text in [*(json.dumps(request, ensure_ascii=False) for request in sent), *written]:
        assert not SECRET.search(text)
    assert SECRET.search(json.dumps([*LABELS], ensure_ascii=False)), "the search finds them where they are"


def test_other_labels_change_nothing(
    settings: Settings, windows: Windows, llm_server: LLMServer, heard: Any
) -> None:
    run(Describe(settings, heard))
    before, asked = read(settings), sorted(map(json.dumps, llm_server.requests))
    windows.label = windows.label[::-1].copy()
    windows.labels = ["moves", "wrist", "<script>", "8"]
    windows.dataset, windows.recordings, windows.subjects = "other", ["other"], [Subject("other")]
    write_windows(settings.cache / "windows.h5", windows, "")
    (settings.cache / "journal.sqlite").unlink()
    llm_server.requests.clear()
    run(Describe(settings, heard))
    assert read(settings) == before
    assert sorted(map(json.dumps, llm_server.requests)) == asked


@pytest.mark.parametrize("guess", [" as in a Qorbl", ", clearly 🦖,", " as in upstepping"])
def test_a_reply_that_guesses_the_label_goes_back_without_naming_it(
    guess: str, settings: Settings, llm_server: LLMServer, heard: Any
) -> None:
    llm_server.reply = lambda request: good(request, more=guess if len(request["messages"]) == 2 else "")
    run(Describe(settings, heard))
    assert all(not SECRET.search(text) for text in read(settings)[0])
    assert len(llm_server.requests) == 2 * N
    for request in llm_server.requests:
        for message in request["messages"]:
            if message["role"] != "assistant":  # the model is shown what it said itself
                assert not SECRET.search(message["content"])
    llm_server.reply = lambda request: good(request, more=guess)
    (settings.cache / "journal.sqlite").unlink()
    before = read(settings)
    with pytest.raises(LLMError, match=r"\b12 windows.*Do not guess"):
        run(Describe(settings, heard), force=True)
    assert read(settings) == before, "what was paid for does not give way to templates"


def test_a_limit_is_spread_over_all_windows(settings: Settings, llm_server: LLMServer, heard: Any) -> None:
    settings.describe.limit = 4
    assert run(Describe(settings, heard))["written_by"] == {"template": 8, "llm": 4}
    texts, source = read(settings)
    gaps = np.diff([*np.flatnonzero(source), N])
    assert len(llm_server.requests) == 4 and gaps.min() >= 2 and gaps.max() <= 5
    for text, template, by in zip(texts, templates(settings, heard), source, strict=True):
        assert (text == template) == (by == 0)
    settings.describe.limit = 6
    run(Describe(settings, heard))
    assert len(llm_server.requests) == 6, "a look at a few is no money lost"


def test_windows_that_fail_keep_their_template_and_are_named(
    settings: Settings, llm_server: LLMServer, heard: Any
) -> None:
    bad = templates(settings, heard)[3:5]
    sheets = [question.user for question, _ in questions(settings, heard)]
    llm_server.reply = lambda request: (
        Response(refusal="I may not") if said(request) in sheets[3:5] else good(request)
    )
    answer = run(Describe(settings, heard))
    assert answer["written_by"] == {"template": 2, "llm": N - 2}
    assert read(settings)[0][3:5] == bad
    (warning,) = heard.warned
    assert warning.startswith("2 of 12 windows ") and "window 3: " in warning and "I may not" in warning
    llm_server.reply = good
    llm_server.requests.clear()
    assert run(Describe(settings, heard), force=True)["written_by"] == {"template": 0, "llm": N}
    again = sorted(said(request) for request in llm_server.requests)
    assert again == sorted(sheets[3:5]), "only these were asked for again"


def test_a_server_that_fails_for_all_leaves_what_was_there(
    settings: Settings, llm_server: LLMServer, heard: Any
) -> None:
    plain = by_template(settings)
    run(Describe(plain, heard))
    before = (settings.cache / "descriptions.h5").read_bytes()
    settings.llm.concurrency = 1
    llm_server.reply = lambda request: (
        good(request)
        if len(llm_server.requests) <= 5
        else Response(status=401, body={"error": {"message": "no"}})
    )
    with pytest.raises(LLMError):
        run(Describe(settings, heard))
    assert (settings.cache / "descriptions.h5").read_bytes() == before
    llm_server.requests.clear()
    llm_server.reply = good
    run(Describe(settings, heard))
    assert len(llm_server.requests) == N - 5, "the five that were paid for are in the journal"


def test_a_dry_run_sends_nothing(settings: Settings, llm_server: LLMServer, heard: Any) -> None:
    settings.describe.limit, settings.llm.model = 5, None
    stage = Describe(settings, heard)
    plan = stage.plan()
    assert plan["calls"] == 5 and plan["prompt_tokens"] > 5 * 200 and plan["reply_tokens"] > 0
    assert [message["role"] for message in plan["prompts"]] == ["system", "user"]
    assert "Largest rotation: wrist" in plan["prompts"][1]["content"]
    to = f"5 calls to a model (none is set: --model) at {llm_server.url}"
    assert stage.plan_lines(plan)[0].startswith(to)
    assert llm_server.requests == [] and [path.name for path in settings.cache.iterdir()] == ["windows.h5"]
    settings.describe.source = "template"
    assert stage.plan_lines(stage.plan()) == ["nothing would be asked of a language model"]


def test_equal_facts_are_asked_for_once(
    settings: Settings, windows: Windows, llm_server: LLMServer, heard: Any
) -> None:
    windows.signal[6:] = windows.signal[6]
    write_windows(settings.cache / "windows.h5", windows, "")
    run(Describe(settings, heard))
    texts, source = read(settings)
    assert len(llm_server.requests) == 7 and source == [1] * N and len(set(texts[6:])) == 1


def test_a_child_does_not_read_as_an_adult(
    settings: Settings, windows: Windows, llm_server: LLMServer, heard: Any
) -> None:
    """The same movement in two sizes: what a model gets, and what it must keep, differs."""
    windows.signal[1] = 1.3 * windows.signal[0]
    write_windows(settings.cache / "windows.h5", windows, "")
    run(Describe(settings, heard))
    texts, _ = read(settings)
    assert texts[0] != texts[1]


def test_embed_asks_no_model_unasked(
    settings: Settings,
    write_words: Callable[..., Settings],
    bag_of_words: Any,
    llm_server: LLMServer,
    heard: Any,
) -> None:
    write_words({label: ["leg up"] for label in LABELS})
    with pytest.raises(ArtifactError, match=r"descriptions\.h5.*vqtext describe"):
        run(Embed(settings, heard))
    assert llm_server.requests == []


def test_what_a_model_wrote_is_not_replaced_unasked(
    settings: Settings, windows: Windows, write_words: Callable[..., Settings], bag_of_words: Any, heard: Any
) -> None:
    write_words({label: ["leg up"] for label in LABELS})
    run(Describe(settings, heard))
    plain = by_template(settings)
    run(Embed(plain, heard))
    texts, _ = read(settings)
    with open_artifact(settings.cache / "texts.h5", "texts") as file:
        assert [file["text"][i] for i in file["window_text"]] == texts
    windows.signal *= 2
    write_windows(settings.cache / "windows.h5", windows, "")
    with pytest.raises(ArtifactError, match=r"descriptions\.h5.*vqtext describe"):
        run(Embed(plain, heard))
    assert read(settings)[0] == texts


def test_on_the_command_line(settings: Settings, call: Any, llm_server: LLMServer) -> None:
    options = ("describe", "--source", "llm", "--limit", "3", "--cache", str(settings.cache), "--json")
    code, out, wrong = call(*options, "--dry-run")
    plan = json.loads(out)
    assert (code, wrong, plan["calls"], llm_server.requests) == (0, "", 3, [])
    assert "Sensors: wrist" in plan["prompts"][1]["content"]
    server = ("--base-url", llm_server.url, "--model", "toy-1", "--concurrency", "2")
    code, out, _ = call(*options, *server)
    assert code == 0 and json.loads(out)["written_by"] == {"template": N - 3, "llm": 3}
    assert len(llm_server.requests) == 3 and llm_server.requests[0]["model"] == "toy-1"


def test_a_window_without_a_sample_is_not_asked_about(
    settings: Settings, windows: Windows, llm_server: LLMServer, heard: Any
) -> None:
    windows.signal[2] = np.nan
    write_windows(settings.cache / "windows.h5", windows, "")
    run(Describe(settings, heard))
    texts, source = read(settings)
    assert texts[2] == "Nothing is known of the motion." and source[2] == 0 and sum(source) == N - 1
    assert len(llm_server.requests) == N - 1
