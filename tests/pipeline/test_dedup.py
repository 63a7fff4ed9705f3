"""``vqtext dedup``: phrases → anchors, every use kept as written, opposites and other sides apart."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from vqtext.cache import hdf5
from vqtext.errors import ArtifactError, UsageError, WordsError
from vqtext.pipeline import embed
from vqtext.pipeline.dedup import Dedup
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.encoders import chunks
from vqtext.pipeline.encoders.opposites import contrast
from vqtext.pipeline.encoders.phrase_vectors import ANCHORS, Wording
from vqtext.pipeline.explain import threshold_curve
from vqtext.pipeline.stage import StaleError, run
from vqtext.pipeline.vocabulary.joined_report import joined_lines
from vqtext.prompts.facets import read_facets
from vqtext.schema import Channel, SubAction
from vqtext.settings.schema import DedupSettings, Settings

UP = {"phrase": "move the arm up now", "opposite": "move the arm down now", "direction": "up"}
DOWN = {"phrase": "move the arm down now", "opposite": "move the arm up now", "direction": "down"}
AGAIN = {
    "phrase": "Move  the ARM up now",
    "opposite": "drop it",
    "display": "팔을 든다",
    "signature": {"wrist": {"motion": "strong"}},
}
LEFT = {"phrase": "swing that left leg forward", "side": "left"}
RIGHT = {"phrase": "swing that right leg forward", "side": "right"}
WORDS = {"waving": [UP, DOWN, "rest"], "walking": [LEFT, RIGHT, AGAIN, "rest still"], "standing": ["rest"]}


def settings_at(settings: Settings, threshold: float) -> Settings:
    return settings.model_copy(update={"dedup": settings.dedup.model_copy(update={"threshold": threshold})})


def dedup(settings: Settings, heard: Any, threshold: float = 0.7) -> dict[str, Any]:
    settings = settings_at(settings, threshold)
    run(Embed(settings, heard))
    return run(Dedup(settings, heard))


def decide(settings: Settings, heard: Any, **decisions: Any) -> dict[str, Any]:
    """Anchors under decisions of a person; ``texts.h5`` is made where it is missing."""
    settings = settings.model_copy(update={"dedup": DedupSettings(**decisions)})
    run(Embed(settings, heard))
    return run(Dedup(settings, heard))


def read(settings: Settings) -> dict[str, Any]:
    with hdf5.open_artifact(settings.cache / "anchors.h5", "anchors") as file:
        return {name: file[name] for name in file.names()} | file.attrs


def clusters(answer: dict[str, Any]) -> set[frozenset[str]]:
    return {frozenset(cluster["members"]) for cluster in answer["clusters"]}


def test_labels_that_no_reason_can_tell_apart_are_named(
    write_words: Any, heard: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their steps are the same; another order or another step is enough."""
    settings = write_words(
        {"a": ["rest", "sit", "stand"], "b": ["rest", "sit", "stand"], "c": ["sit", "rest"]}
    )
    answer = dedup(settings, heard, 0.99)
    assert answer["same_steps"] == [["a", "b"]]
    (line,) = (
        line for line in Dedup(settings_at(settings, 0.99), heard).lines(answer) if "same steps" in line
    )
    assert line == ("a, b are written as the same steps: only the class head can distinguish them")


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
    wording = Wording(lambda texts: bag_of_words.encode(texts)[0])
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


def test_a_target_sets_the_threshold(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS)
    for target, expected in ((6, 6), (5, 5)):
        answer = decide(settings, heard, target=target)
        assert answer["anchors"] == expected
        assert decide(settings, heard, threshold=answer["threshold"])["clusters"] == answer["clusters"]
    assert read(settings)["threshold"] == answer["threshold"]
    assert heard.warned == []
    decide(settings, heard, target=5, threshold=0.9)
    assert any("dedup.threshold is not used" in said for said in heard.said)


def test_what_stands_in_the_way_of_a_target_is_named(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS)
    answer = decide(settings, heard, target=2)
    assert answer["anchors"] == 5, "the nearest that vetoes allow"
    (warning,) = heard.warned
    assert warning.startswith(
        f"2 anchors were asked for, the nearest is 5 at threshold {answer['threshold']:g}: "
    )
    assert "2 near pairs of phrases (1 by facet, 1 by opposite)" in warning
    assert "the floor of 0.5, below which 8 pairs of anchors lie" in warning
    assert f"  {DOWN['phrase']} | {UP['phrase']} (0.78, opposite)" in heard.said, "each pair is named"
    stage = Dedup(settings.model_copy(update={"dedup": DedupSettings(target=2)}), heard)
    assert "(2 were asked for)" in stage.lines(answer)[0], "told again where nothing is made anew"


def test_a_target_that_equal_vectors_forbid(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words({"a": ["wave arm", "rest"], "b": ["arm wave"]})
    assert decide(settings, heard, target=3)["anchors"] == 2
    assert "the very vector of one of them" in heard.warned[0]


def test_a_target_above_the_number_of_phrases(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS)
    with pytest.raises(UsageError, match=r"the target is 7 anchors, but there are only 6 phrases"):
        decide(settings, heard, target=7)


def test_kept_phrases_are_anchors_and_never_share_one(
    write_words: Any, heard: Any, bag_of_words: Any
) -> None:
    settings = write_words(WORDS)
    answer = decide(settings, heard, threshold=0.6, keep=["  Rest STILL "])
    assert {"anchor": "rest still", "members": ["rest", "rest still"]} in answer["clusters"]
    answer = decide(settings, heard, threshold=0.6, keep=["rest still", "rest"])
    assert answer["anchors"] == 6
    assert {"a": "rest", "b": "rest still", "reason": "linkage"}.items() <= answer["vetoed"][-1].items()


def test_dropped_phrases_and_their_uses_are_gone(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    words = {**WORDS, "walking": [LEFT, RIGHT, AGAIN], "standing": ["rest", "rest still"]}
    settings = write_words(words)
    answer = decide(settings, heard, threshold=0.6, drop=["rest", "move the arm up now"])
    assert answer["phrases"] == 4 and "rest" not in str(answer["clusters"]).replace("rest still", "")
    made = read(settings)
    assert made["use/label"].tolist() == [0, 1, 1, 2], "every use of it, however it is written"
    assert [made["anchor/phrase"][i] for i in made["use/anchor"]] == [
        *(DOWN["phrase"], LEFT["phrase"], RIGHT["phrase"], "rest still")
    ]
    with pytest.raises(UsageError, match="leaves the label 'standing' without a sub-action"):
        decide(settings, heard, drop=["rest", "rest still"])


def test_merging_by_hand_goes_before_cosine_and_veto(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS)
    up, down = UP["phrase"], DOWN["phrase"]
    answer = decide(settings, heard, merge=[f"{up}={down}", f"{down} = rest"])
    assert {"anchor": "rest", "members": [down, up, "rest"]} in answer["clusters"], "chains are followed"
    assert (down, up) not in {(pair["a"], pair["b"]) for pair in answer["vetoed"]}
    made = read(settings)
    assert [made["anchor/phrase"][i] for i in made["use/anchor"]][:3] == ["rest"] * 3


def test_a_phrase_that_holds_an_equals_sign_or_a_comma(
    write_words: Any, heard: Any, bag_of_words: Any
) -> None:
    settings = write_words({"a": ["x=1, go", "y=2", "stop"]})
    answer = decide(settings, heard, merge=["x=1, go=y=2"], keep=["y=2"])
    assert clusters(answer) == {frozenset({"x=1, go", "y=2"}), frozenset({"stop"})}


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ({"keep": ["rest stil"]}, "--keep: there is no phrase 'rest stil'; the nearest is 'rest still'"),
        ({"drop": ["🙂"]}, "--drop: there is no phrase '🙂'; the nearest is '"),
        ({"merge": ["rest=swing that left leg"]}, "the nearest is 'swing that left leg forward'"),
        ({"merge": ["rest"]}, "--merge 'rest': write \"a=b\""),
        ({"merge": ["rest=REST"]}, "both sides are one phrase"),
        ({"merge": ["rest=rest still", "rest still=rest"]}, "in a circle: 'rest' = 'rest still' = 'rest'"),
        (
            {"merge": ["rest=rest still", f"rest={UP['phrase']}"]},
            "--merge puts 'rest' both into 'rest still' and into 'Move",
        ),
        ({"keep": ["rest"], "drop": ["Rest"]}, "'rest' is in --keep and in --drop: choose one"),
        ({"keep": ["rest"], "merge": ["rest=rest still"]}, "'rest' is in --keep and in --merge into another"),
        ({"drop": ["rest still"], "merge": ["rest=rest still"]}, "'rest still' is in --drop and in --merge"),
    ],
)
def test_decisions_that_cannot_be_followed(
    decisions: dict[str, list[str]], expected: str, write_words: Any, heard: Any, bag_of_words: Any
) -> None:
    with pytest.raises(UsageError) as caught:
        decide(write_words(WORDS), heard, **decisions)
    assert expected in str(caught.value)


def test_facets_of_all_uses_count(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    words = {
        "a": [{"phrase": "turn that body around", "side": "none"}],
        "d": [{"phrase": "turn your body around"}],
        "b": [{"phrase": "turn that body around", "direction": "turn left"}],
        "c": [{"phrase": "turn your body around", "direction": "turn right"}],
    }
    answer = dedup(write_words(words), heard, 0.6)
    assert [pair["reason"] for pair in answer["vetoed"]] == ["facet"]
    del words["c"]
    assert dedup(write_words(words), heard, 0.6)["anchors"] == 1


def test_a_side_in_the_words_counts_before_what_is_said_of_it(
    write_words: Any, heard: Any, bag_of_words: Any
) -> None:
    words = {"a": ["swing that left leg"], "b": [{"phrase": "swing that right leg", "side": "left"}]}
    (pair,) = dedup(write_words(words), heard, 0.6)["vetoed"]
    assert pair["reason"] == "facet"


ONE_TAIL = "alpha beta gamma delta epsilon zeta eta theta"
OTHER_TAIL = "alpha beta gamma delta epsilon iota kappa lambda"


def test_an_opposite_that_is_another_labels_phrase(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    words: dict[str, list] = {
        "a": [{"phrase": ONE_TAIL, "opposite": OTHER_TAIL.upper().replace(" ", "  ")}],
        "b": [OTHER_TAIL],
    }
    (pair,) = dedup(write_words(words), heard, 0.5)["vetoed"]
    assert pair["reason"] == "opposite"
    words["a"] = [ONE_TAIL]
    assert dedup(write_words(words), heard, 0.5)["vetoed"] == [], "without an opposite nothing is vetoed"


def test_two_steps_of_one_label_merge_by_hand_alone(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    """They are two movements by their author's word: a heel that is raised is no foot that is lifted."""
    settings = write_words({"a": [ONE_TAIL, OTHER_TAIL], "b": [ONE_TAIL + " iota"]})
    vetoed = dedup(settings, heard, 0.01)["vetoed"]
    assert read(settings)["anchor/phrase"] == sorted([ONE_TAIL, OTHER_TAIL])
    assert "label" in {pair["reason"] for pair in vetoed}
    assert decide(settings, heard, merge=[f"{ONE_TAIL}={OTHER_TAIL}"], threshold=0.9)["anchors"] == 2


def test_uses_whose_written_signatures_differ_stay_apart(
    write_words: Any, heard: Any, bag_of_words: Any
) -> None:
    def use(phrase: str, motion: str | None, direction: str | None = None) -> dict[str, Any]:
        return {"phrase": phrase, "signature": {"Left_Foot": {"motion": motion, "direction": direction}}}

    words = {"a": [use(ONE_TAIL, "strong", "up")], "b": [use(OTHER_TAIL, "strong")]}
    settings = settings_at(write_words(words), 0.5)
    run(Embed(settings, heard))
    stage = Dedup(settings, heard)
    merged = f"  {OTHER_TAIL} [b: Left_Foot strong] ← {ONE_TAIL} [a: Left_Foot strong up]"
    assert merged in stage.lines(run(stage)), "with both signatures"
    for one, other, reasons in (
        (("strong",), ("still",), ["signature"]),
        (("strong", "up"), ("strong", "down"), ["signature"]),
        (("strong",), ("strong", "up"), []),
        (("strong",), (None,), []),
    ):
        words = {"a": [use(ONE_TAIL, *one)], "b": [use(OTHER_TAIL, *other)]}
        assert [pair["reason"] for pair in dedup(write_words(words), heard, 0.5)["vetoed"]] == reasons


def test_a_phrase_that_is_its_own_opposite(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    words = {"a": [{"phrase": "rest still", "opposite": " REST still"}], "b": ["rest"]}
    answer = dedup(write_words(words), heard, 0.6)
    assert answer["anchors"] == 1
    assert any("is the phrase itself" in warning for warning in heard.warned)


def test_for_people(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = settings_at(write_words(WORDS | {"long": ["x" * 10_000]}), 0.6)
    run(Embed(settings, heard))
    stage = Dedup(settings, heard)
    first, merged, apart, *pairs, names = stage.lines(run(stage))
    assert names.startswith("renamings of the anchors that nothing contradicts: ")
    assert first.startswith("7 phrases → 6 anchors at threshold 0.6; verified")
    assert merged.strip() == "rest ← rest still"
    assert apart.startswith("2 near pairs were kept apart: 1 by facet, 1 by opposite")
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
    with pytest.raises(ArtifactError, match=r"texts\.h5 is missing: run `vqtext embed`"):
        run(Dedup(settings, heard))
    dedup(settings, heard)
    write_words(WORDS | {"more": ["jump"]})
    with pytest.raises(StaleError, match=r"subactions\.json changed since\): run `vqtext embed`"):
        run(Dedup(settings, heard))


def test_a_threshold_that_no_setting_allows(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS)
    run(Embed(settings, heard))
    for threshold in (0.0, 1.5):
        with pytest.raises(UsageError, match="above 0 and at most 1"):
            run(Dedup(settings_at(settings, threshold), heard))
        assert not (settings.cache / "anchors.h5").exists()


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
    with pytest.raises(WordsError, match=r"no direction for the phrase 'step'"):
        run(Dedup(settings, heard))


def test_real_words(write_words: Any, heard: Any, minilm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "choose", lambda *_: (minilm, ""))
    words = {
        "walking": [
            {"phrase": "lift the left leg", "opposite": "lower the left leg"},
            {"phrase": "lower the left leg", "opposite": "lift the left leg"},
            {"phrase": "lift the right leg", "opposite": "lower the right leg"},
        ],
        "stairs": [{"phrase": "raise the left leg", "opposite": "put the left leg down", "side": "left"}],
    }
    answer = dedup(write_words(words), heard, 0.85)
    assert clusters(answer) == {
        frozenset({"lift the left leg", "raise the left leg"}),
        frozenset({"lower the left leg"}),
        frozenset({"lift the right leg"}),
    }
    assert {pair["reason"] for pair in answer["vetoed"]} == {"opposite", "facet"}
