"""``vqtext dedup``: phrases → anchors, every use kept as written."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from deduplicated import DOWN, LEFT, RIGHT, UP, WORDS, clusters, decide, dedup, read, settings_at

from vqtext.cache import hdf5
from vqtext.errors import ArtifactError, WordsError
from vqtext.pipeline.dedup import Dedup
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.encoders import chunks
from vqtext.pipeline.encoders.opposites import contrast
from vqtext.pipeline.encoders.phrase_vectors import ANCHORS, PhraseVectors
from vqtext.pipeline.explain import threshold_curve
from vqtext.pipeline.stage import StaleError, run
from vqtext.pipeline.vocabulary.joined_report import joined_lines
from vqtext.prompts.facets import read_facets
from vqtext.schema import Channel, SubAction


def test_labels_that_no_reason_can_tell_apart_are_named(write_words: Any, heard: Any) -> None:
    """Their steps are the same; another order or another step is enough."""
    settings = write_words(
        {"a": ["rest", "sit", "stand"], "b": ["rest", "sit", "stand"], "c": ["sit", "rest"]}
    )
    answer = dedup(settings, heard, 0.99)
    assert answer["same_steps"] == [["a", "b"]]
    told = Dedup(settings_at(settings, 0.99), heard).lines(answer)
    assert any("a, b" in line for line in told)


def test_what_training_will_join_is_told_with_what_would_separate_it(write_words: Any, heard: Any) -> None:
    def step(phrase: str, foot: str) -> dict[str, Any]:
        return {"phrase": phrase, "signature": {"wrist": {"motion": "still"}, "foot": {"motion": foot}}}

    settings = write_words({"a": [step("sit down", "still"), step("kick", "strong")], "b": ["rest"]})
    assert dedup(settings, heard, 0.99)["joined"] == [], "no windows yet: each place has a sensor"
    channels = [Channel(f"gyro {axis}", "wrist", "gyro", axis, "rad/s").to_dict() for axis in "xyz"]
    attrs = {"channels": channels, "subjects": [], "labels": ["a", "b"], "rate_hz": 50.0}
    hdf5.write(settings.cache / "windows.h5", "windows", {}, attrs, "recipe")
    stage = Dedup(settings_at(settings, 0.99), heard)
    (joined,) = stage.summary()["joined"]
    assert joined == {
        "label": "a",
        "name": "sit down, kick",
        "parts": ["sit down", "kick"],
        "why": "sensors",
        "separating": "a sensor at the foot would separate them",
    }
    assert stage.lines(stage.summary())[-2:] == [
        "joined into one step each, since no sensor shows where one ends and the next begins; a sensor at "
        "the foot would separate them",
        "  a: sit down | kick",
    ]


def test_joined_steps_can_neither_break_a_line_nor_fill_the_screen() -> None:
    one = {
        "label": "a\nb",
        "name": "-",
        "parts": ["up\n" * 400] * 9,
        "why": "rate",
        "separating": "1 Hz would",
    }
    lines = joined_lines([one] * 40, resolving=False)
    assert len(lines) == 14 and lines[-1] == "  and 28 more" and "train.resolve" in lines[0]
    assert max(map(len, lines[1:])) < 320 and not any("\n" in line for line in lines)


def test_the_answer(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    answer = dedup(write_words(WORDS), heard, 0.6)
    json.dumps(answer)
    assert list(answer) == [
        "phrases",
        "anchors",
        "threshold",
        "clusters",
        "vetoed",
        "same_steps",
        "joined",
        "identifiability",
    ]
    assert list(answer["identifiability"]) == ["labels", "order", "signature", "groups"]
    assert (answer["phrases"], answer["anchors"], answer["threshold"]) == (6, 5, 0.6)
    assert [cluster["anchor"] for cluster in answer["clusters"]] == [
        *(DOWN["phrase"], UP["phrase"], "rest", LEFT["phrase"], RIGHT["phrase"])
    ], "in the order of the texts; of two equal ones the phrase that more labels use is kept"
    assert clusters(answer) >= {frozenset({"rest", "rest still"}), frozenset({UP["phrase"]})}
    assert answer["vetoed"] == [
        {
            "a": DOWN["phrase"],
            "b": UP["phrase"],
            "cosine": pytest.approx(0.78, abs=0.01),
            "reason": "opposite",
        },
        {
            "a": LEFT["phrase"],
            "b": RIGHT["phrase"],
            "cosine": pytest.approx(0.71, abs=0.01),
            "reason": "facet",
        },
    ]


def test_every_use_is_kept_as_its_label_wrote_it(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS, walking={"keyword": "walk", "display": "걷기", "cyclic": True})
    dedup(settings, heard, 0.6)
    made = read(settings)
    nothing = {"display": None, "keyword": None, "sentence": None, "cyclic": None}
    assert made["labels"] == [
        {"label": "waving", **nothing},
        {"label": "walking", **nothing, "display": "걷기", "keyword": "walk", "cyclic": True},
        {"label": "standing", **nothing},
    ]
    assert made["use/label"].tolist() == [0, 0, 0, 1, 1, 1, 1, 2]
    uses = [SubAction.model_validate_json(use) for use in made["use/subaction"]]
    written = [
        SubAction.model_validate(s if isinstance(s, dict) else {"phrase": s})
        for w in WORDS.values()
        for s in w
    ]
    assert uses == written
    anchors = [made["anchor/phrase"][i] for i in made["use/anchor"]]
    assert anchors == [
        *(UP["phrase"], DOWN["phrase"], "rest"),
        *(LEFT["phrase"], RIGHT["phrase"], UP["phrase"]),
        *("rest", "rest"),
    ]
    assert [made["anchor/phrase"][i] for i in made["phrase/anchor"]] == [
        *(DOWN["phrase"], UP["phrase"], "rest", "rest", LEFT["phrase"], RIGHT["phrase"])
    ]


def test_anchors_are_contrast_vectors(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS)
    dedup(settings, heard)
    made = read(settings)
    anchors = dict(zip(made["anchor/phrase"], made["anchor/vector"], strict=True))
    wording = PhraseVectors(lambda texts: bag_of_words.encode(texts)[0])
    opposites = {UP["phrase"]: [DOWN["phrase"], "drop it"], DOWN["phrase"]: [UP["phrase"]], "rest": []}
    for phrase, given in opposites.items():  # of all uses, and the one the words make themselves
        own = read_facets(phrase).opposite
        apart = wording.contents([*given, *([own] if own else []), *([phrase] * (not given))]).mean(0)
        ways = ANCHORS * wording.ways([read_facets(phrase)])
        expected = contrast(wording.contents([phrase]), apart[None], 1, ways)
        np.testing.assert_allclose(anchors[phrase], expected[0], atol=1e-6, err_msg=phrase)
    assert made["contrast"] == 1 and made["encoder"] == "bag of words"


def test_the_curve(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS)
    answer = dedup(settings, heard, 0.6)
    made = read(settings)
    curve = dict(zip(made["curve/threshold"].tolist(), made["curve/count"].tolist(), strict=True))
    assert min(curve) == 0.5 and max(curve) == 1 and len(curve) == 51
    assert curve[0.6] == answer["anchors"] and curve[1.0] == answer["phrases"]
    assert dedup(settings, heard, 0.3)["threshold"] == 0.3, "below the curve is allowed"
    low = read(settings)
    assert (low["curve/threshold"][0], low["curve/count"][0]) == (0.3, len(low["anchor/phrase"]))


def test_the_report_gets_the_curve_with_the_chosen_point_on_it(
    write_words: Any, heard: Any, bag_of_words: Any
) -> None:
    settings = write_words(WORDS)
    answer = decide(settings, heard, target=5)
    curve = threshold_curve(settings.cache / "anchors.h5")
    assert curve is not None and (curve.chosen, curve.kept) == (answer["threshold"], 5)
    assert dict(zip(curve.thresholds, curve.counts, strict=True))[curve.chosen] == 5


@pytest.mark.parametrize("turn", [1, 2])
def test_the_order_of_labels_and_phrases_does_not_matter(
    turn: int, write_words: Any, heard: Any, bag_of_words: Any
) -> None:
    first = dedup(write_words(WORDS), heard, 0.6)
    labels = list(WORDS.items())
    turned = {label: subactions[::-1] for label, subactions in labels[turn:] + labels[:turn]}
    assert dedup(write_words(turned), heard, 0.6) == first


def test_for_people(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = settings_at(write_words(WORDS | {"long": ["x" * 10_000]}), 0.6)
    run(Embed(settings, heard))
    stage = Dedup(settings, heard)
    first, merged, apart, *pairs, _ = stage.lines(run(stage))
    assert first.startswith("7 phrases → 6 anchors at threshold 0.6")
    assert merged.strip() == "rest ← rest still"
    assert "1 by facet, 1 by opposite" in apart
    assert pairs[0].strip() == f"{DOWN['phrase']} | {UP['phrase']} (0.78, opposite)"
    assert max(map(len, (first, merged, apart, *pairs))) < 160


def test_spellings_of_one_phrase_are_told(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    dedup(write_words(WORDS), heard)
    (said,) = [said for said in heard.said if "written in several ways" in said]
    assert said.startswith("1 phrases") and "'Move  the ARM up now' and 'move the arm up now'" in said


def test_one_phrase(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    answer = dedup(write_words({"a": ["🙂"]}), heard)
    assert answer["clusters"] == [{"anchor": "🙂", "members": ["🙂"]}] and answer["vetoed"] == []


def test_stale_and_missing_inputs(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS)
    with pytest.raises(ArtifactError, match=r"texts\.h5.*vqtext embed"):
        run(Dedup(settings, heard))
    dedup(settings, heard)
    write_words(WORDS | {"more": ["jump"]})
    with pytest.raises(StaleError, match=r"subactions\.json.*vqtext embed"):
        run(Dedup(settings, heard))


@pytest.mark.parametrize("value", [0, np.nan, np.inf])
def test_a_vector_in_texts_that_is_none(
    value: float, write_words: Any, heard: Any, bag_of_words: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(
        chunks,
        "encode",
        lambda encoder, texts: (np.full((len(texts), 8), value), [np.ones((1, 8))] * len(texts)),
    )
    settings = write_words({"a": ["step"]})
    run(Embed(settings, heard))
    with pytest.raises(WordsError, match="'step'"):
        run(Dedup(settings, heard))
