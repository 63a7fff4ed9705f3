"""``vqtext embed``: which texts, each once, and where each label, window and subject finds its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vqtext.cache import hdf5
from vqtext.cache.hdf5 import open_artifact
from vqtext.data.windows.windows import Windows
from vqtext.errors import ArtifactError, EncoderError, WordsError
from vqtext.pipeline import embed
from vqtext.pipeline.artifacts import write_windows
from vqtext.pipeline.describe import Describe
from vqtext.pipeline.descriptions.subject_facts import FACTS, facts_of
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.stage import MissingError, StaleError, run
from vqtext.pipeline.status import states
from vqtext.schema import Channel, Subject
from vqtext.settings.schema import Settings, TrainSettings

WORDS = {
    "walking": [{"phrase": "leg up", "opposite": "leg down", "paraphrases": ["lift the leg"]}, "leg down"],
    "standing": [{"phrase": "stand", "opposite": "", "paraphrases": []}],
    "flying": ["flap"],
}
MORE = {
    "walking": {
        "keyword": "walk",
        "sentence": "someone walks",
        "paraphrases": ["goes on foot", "", "strolls"],
    },
    "standing": {"keyword": "stand"},
}


def put_windows(cache: Path, labels: list[str]) -> None:
    n = 6
    rng = np.random.default_rng(0)
    windows = Windows(
        dataset="made up",
        rate_hz=10.0,
        channels=[Channel(f"acc_{axis}", "wrist", "acc", axis, "m/s2") for axis in "xyz"],
        labels=labels,
        subjects=[Subject("1"), Subject("2", age=27, height_cm=182, weight_kg=83, sex="male", hand="right")],
        recordings=["r"],
        signal=(rng.normal(size=(n, 3, 40)) * np.arange(1, n + 1)[:, None, None]).astype(np.float32),
        length=np.full(n, 40, dtype=np.int32),
        label=(np.arange(n) % len(labels)).astype(np.int32),
        subject=(np.arange(n) % 2).astype(np.int32),
        recording=np.zeros(n, dtype=np.int32),
        start_s=4.0 * np.arange(n),
        split=np.full(n, -1, dtype=np.int8),
    )
    write_windows(cache / "windows.h5", windows, "")


def read(settings: Settings) -> dict[str, Any]:
    with open_artifact(settings.cache / "texts.h5", "texts") as file:
        return {name: file[name] for name in file.names()} | file.attrs


def test_the_words_alone(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS, **MORE)
    answer = run(Embed(settings, heard))
    made = read(settings)
    text = made["text"]
    told = {"texts": len(text), "encoder": "bag of words", "why": "for the test", "dim": 64}
    assert answer == told
    assert set(text) >= {
        *("leg up", "leg down", "lift the leg", "stand", "flap"),
        *("walk", "someone walks", "goes on foot", "strolls"),
    }
    assert len(set(text)) == len(text)
    assert made["labels"] == ["walking", "standing", "flying"]
    walking, standing, flying = made["label_text"].tolist()
    assert [text[i] for i in walking if i >= 0] == ["walk", "someone walks", "goes on foot", "strolls"]
    assert walking[3] == -1 and standing == [text.index("stand"), -1, -1, -1, -1] and flying == [-1] * 5
    assert len(made["window_text"]) == len(made["subject_text"]) == 0
    assert any("the words alone" in line for line in heard.said)


def test_vectors_and_tokens_are_those_of_the_texts(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS)
    run(Embed(settings, heard))
    made = read(settings)
    vectors, states = bag_of_words.encode(made["text"])
    assert (made["vector"] == vectors).all() and made["vector"].dtype == np.float32
    assert (made["dim"], made["token_dim"]) == (64, 64)
    offsets = made["token_offset"]
    assert offsets[0] == 0 and offsets[-1] == len(made["token"]) and offsets.dtype == np.int64
    for i, state in enumerate(states):
        assert (made["token"][offsets[i] : offsets[i + 1]] == state).all()
    assert made["token"].dtype == np.float16


def test_windows_bring_descriptions_and_facts(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS, **MORE)
    settings.guidance.source = "both"
    put_windows(settings.cache, ["standing", "walking"])
    run(Embed(settings, heard))
    made = read(settings)
    text = made["text"]
    assert made["labels"] == ["standing", "walking"] and made["subjects"] == ["1", "2"]
    assert "flap" not in text, "labels that the data lacks take no part"
    assert text[made["label_text"][1, 0]] == "walk"
    assert made["subject_text"][0].tolist() == [-1] * 5
    facts = [text[i] for i in made["subject_text"][1]]
    assert facts == ["27 years old", "182 cm tall", "83 kg", "male", "right-handed"], "each its own text"
    with open_artifact(settings.cache / "descriptions.h5", "descriptions") as file:
        described = [file["text"][i] for i in file["index"]]
    assert [text[i] for i in made["window_text"]] == described
    assert len(set(text)) == len(text)


def test_descriptions_are_made_where_guidance_wants_them(
    write_words: Any, heard: Any, bag_of_words: Any
) -> None:
    only_labels = write_words(WORDS)
    put_windows(only_labels.cache, ["walking"])
    settings = only_labels.model_copy(
        update={"guidance": only_labels.guidance.model_copy(update={"source": "both"})}
    )
    run(Embed(only_labels, heard))
    assert not (settings.cache / "descriptions.h5").exists()
    assert (read(settings)["window_text"] == -1).all()
    with pytest.raises(MissingError, match=r"descriptions\.h5.*vqtext describe"):
        Embed(settings, heard).check()
    run(Embed(settings, heard))
    assert (read(settings)["window_text"] >= 0).all()
    assert Embed(only_labels, heard).is_current(), "what is there already serves guidance by labels too"
    put_windows(settings.cache, ["standing"])
    run(Embed(only_labels, heard))
    assert (read(settings)["window_text"] == -1).all(), "what is stale is not made again for nobody"


def test_what_was_described_by_hand_is_embedded_for_a_training_that_names_it_later(
    write_words: Any, heard: Any, bag_of_words: Any
) -> None:
    """`vqtext train --grounding order+text`, where no file of settings says so, would never come to run."""
    settings = write_words(WORDS)
    put_windows(settings.cache, ["walking"])
    wants = settings.model_copy(update={"train": TrainSettings(grounding="order+text")})
    run(Embed(settings, heard))
    answer = states(wants)
    told = {entry["artifact"]: entry["state"] for entry in answer["artifacts"]}
    assert told["texts.h5"] == "stale" and answer["next"] == "vqtext describe"
    assert states(settings)["next"] == "vqtext dedup"
    run(Describe(settings, heard))
    assert any("guidance.source is label" in line for line in heard.said)
    Embed(settings, heard).check()
    with pytest.raises(StaleError, match=r"descriptions\.h5.*vqtext embed"):
        Embed(wants, heard).check()
    run(Embed(settings, heard))
    Embed(wants, heard).check()
    assert (read(settings)["segment_text"] >= 0).all()


def test_up_to_date_is_left_alone(
    write_words: Any, heard: Any, bag_of_words: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = write_words(WORDS)
    answer = run(Embed(settings, heard))
    monkeypatch.setattr(embed, "choose", lambda *_: pytest.fail("it was embedded again"))
    assert run(Embed(settings, heard)) == answer
    faster = settings.model_copy(update={"embed": settings.embed.model_copy(update={"batch_size": 7})})
    assert run(Embed(faster, heard)) == answer, "the size of a batch changes no vector"
    write_words({"walking": ["leg up"]})
    assert not Embed(settings, heard).is_current()


def test_a_label_without_words(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS)
    put_windows(settings.cache, ["walking", "swimming"])
    with pytest.raises((WordsError, ArtifactError), match=r"'swimming'.*vqtext gen-subactions") as caught:
        run(Embed(settings, heard))
    assert "walking" not in str(caught.value)


def test_half_a_character(tmp_path: Path, heard: Any, bag_of_words: Any) -> None:
    words = '{"labels": [{"label": "walking", "subactions": [{"phrase": "step \\ud83d"}]}]}'
    (tmp_path / "subactions.json").write_text(words)
    with pytest.raises(WordsError, match="label 'walking', sub-action 1, phrase"):
        run(Embed(Settings(cache=tmp_path), heard))
    (tmp_path / "subactions.json").write_text(words.replace("ud83d", "u0000"))
    with pytest.raises(WordsError, match=r"'step \\x00'"):
        run(Embed(Settings(cache=tmp_path), heard))
    assert not (tmp_path / "texts.h5").exists()


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_an_encoder_without_an_answer(
    value: float, write_words: Any, heard: Any, bag_of_words: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = write_words(WORDS)
    encode = bag_of_words.encode

    def broken(texts: list[str]) -> Any:
        vectors, states = encode(texts)
        vectors[[text == "leg up" for text in texts]] = value
        return vectors, states

    monkeypatch.setattr(bag_of_words, "encode", broken)
    with pytest.raises(EncoderError, match="'leg up'"):
        run(Embed(settings, heard))
    assert not (settings.cache / "texts.h5").exists()


def test_strange_phrases_pass_through_minilm(
    write_words: Any, heard: Any, minilm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = write_words({"walking": ["🙂", "arm " * 2500, "팔을 든다", "<script>alert(1)</script>"]})
    monkeypatch.setattr(embed, "choose", lambda *_: (minilm, ""))
    monkeypatch.setattr(minilm, "progress", heard)
    run(Embed(settings, heard))
    made = read(settings)
    assert len({"🙂", "arm " * 2500, "팔을 든다", "<script>alert(1)</script>"} & {*made["text"]}) == 4
    assert np.isfinite(made["vector"]).all()
    unknown, cut = sorted(heard.warned, key=lambda said: "reads 256" in said)
    assert "'🙂'" in unknown and "256 tokens" in cut and "'arm arm" in cut


@pytest.mark.parametrize(
    ("facts", "texts"),
    [
        ({}, []),
        ({"sex": "F"}, ["female"]),
        ({"age": 8.0, "sex": "female"}, ["8 years old", "female"]),
        ({"age": 1, "weight_kg": 10.4}, ["1 year old", "10 kg"]),
        ({"sex": "unknown", "hand": "left"}, ["left-handed"]),
    ],
)
def test_a_subject_in_words(facts: dict[str, Any], texts: list[str]) -> None:
    found = facts_of(Subject("1", **facts))
    assert len(found) == len(FACTS) and [text for text in found if text] == texts


def test_chunks_change_nothing(
    write_words: Any, heard: Any, bag_of_words: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A million texts are encoded and written a few at a time: what stands in the file is the same."""
    settings = write_words(WORDS, **MORE)
    settings.guidance.source = "both"
    put_windows(settings.cache, ["standing", "walking"])
    run(Embed(settings, heard))
    at_once = read(settings)
    sizes = []
    encode = bag_of_words.encode
    monkeypatch.setattr(bag_of_words, "encode", lambda texts: sizes.append(len(texts)) or encode(texts))
    monkeypatch.setattr(embed, "CHUNK", 3)
    settings.embed.batch_size = 1
    run(Embed(settings, heard), force=True)
    assert max(sizes) == 3 and sum(sizes) == len(at_once["text"]) + len(at_once["segment/text"])
    for name, values in read(settings).items():
        np.testing.assert_array_equal(values, at_once[name])


def test_vectors_do_not_depend_on_where_they_are_made(write_words: Any, heard: Any) -> None:
    """On a Ray cluster of this machine, with the embedded MiniLM."""
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    settings = write_words(WORDS, **MORE)
    settings.guidance.source = "both"
    settings.embed.encoder, settings.embed.batch_size = "minilm", 1
    put_windows(settings.cache, ["standing", "walking"])
    contents = []
    for executor in ("serial", "ray"):
        there = settings.model_copy(update={"executor": executor, "workers": 2})
        run(Embed(there, heard), force=True)
        with open_artifact(settings.cache / "texts.h5", "texts") as file:
            contents.append(file.content)
    assert contents[0] == contents[1]


def test_a_description_that_is_also_a_word(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words({"walking": ["Nothing is known of the motion."]})
    put_windows(settings.cache, ["walking"])
    run(Describe(settings, heard))
    with open_artifact(settings.cache / "descriptions.h5", "descriptions") as file:
        arrays = {name: file[name] for name in file.names()}
        arrays["text"][1] = "Nothing is known of the motion."
        attrs = file.attrs
        made = file.provenance
    hdf5.write(settings.cache / "descriptions.h5", "descriptions", arrays, attrs, "")
    hdf5.stamp(settings.cache / "descriptions.h5", made)
    run(Embed(settings, heard))
    found = read(settings)
    assert len(set(found["text"])) == len(found["text"])
    assert [found["text"][i] for i in found["window_text"]] == [arrays["text"][i] for i in arrays["index"]]


def test_words_by_hand_are_enough_in_an_empty_folder(call: Any, tmp_path: Path, bag_of_words: Any) -> None:
    """No recordings, no windows, no package that brings data: the words alone go through embed and dedup."""
    steps = [{"phrase": "lift the leg"}, {"phrase": "lift the leg up"}, {"phrase": "put the foot down"}]
    (tmp_path / "cache").mkdir()
    words = {"labels": [{"label": "marching", "subactions": steps}]}
    (tmp_path / "cache" / "subactions.json").write_text(json.dumps(words))
    code, out, said = call("embed", "--json")
    assert code == 0 and json.loads(out)["texts"] >= 3
    assert "no cache/windows.h5" in said
    code, out, said = call("dedup", "--threshold", "0.8", "--json")
    assert code == 0 and json.loads(out)["phrases"] == 3
    assert said.count("no cache/windows.h5: merging the words alone, of all 1 labels\n") == 1
    made = {path.name for path in (tmp_path / "cache").iterdir() if not path.name.startswith(".")}
    assert made == {"subactions.json", "texts.h5", "anchors.h5"}
    assert call("embed")[0] == call("dedup")[0] == 0, "and again"
